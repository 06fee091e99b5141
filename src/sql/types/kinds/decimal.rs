//! DECIMAL.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind};
use crate::common::SqlResult;
use crate::sql::types::codec::{corrupt, exact};
use crate::sql::types::decimal::Fit;
use crate::sql::types::store::Target;
use crate::sql::types::{Datum, Decimal, FieldType, TimeZone};
use crate::storage::codec::decimal;

/// Numbers with so many digits, of which so many after the point.
pub(super) struct DecimalKind;

impl Kind for DecimalKind {
    #[inline]
    fn class(&self) -> Class {
        Class::Decimal
    }

    fn name(&self, _: &FieldType) -> &'static str {
        "decimal"
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        let (precision, scale) = field_type.precision_scale();
        text.push_str(&format!("({precision},{scale})"));
    }

    fn protocol_type(&self) -> u8 {
        246
    }

    fn protocol_decimals(&self, field_type: &FieldType) -> u8 {
        field_type.precision_scale().1
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Text
    }

    fn display_width(&self, field_type: &FieldType) -> u32 {
        let (precision, scale) = field_type.precision_scale();
        precision + u32::from(scale > 0) + u32::from(!field_type.unsigned)
    }

    fn decimal_digits(&self, field_type: &FieldType) -> u32 {
        field_type.precision_scale().0
    }

    fn arrow_type(&self, field_type: &FieldType) -> DataType {
        DataType::Decimal256(65, field_type.precision_scale().1 as i8)
    }

    fn decode_row(&self, bytes: &[u8], field_type: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        let mut rest = bytes;
        let (unscaled, scale) = decimal::take_decimal(&mut rest).map_err(corrupt)?;
        exact(unscaled, scale, field_type)
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let number = match &value {
            Datum::Bytes(text) => target.number_of_text(&value, text, "decimal")?,
            other => other.to_decimal(target.ctx)?,
        };
        let (precision, scale) = target.field_type.precision_scale();
        if target.field_type.unsigned && number.is_negative() {
            target.out_of_range()?;
            return Ok(Datum::Decimal(Decimal::new(0, scale)));
        }
        let (fitted, fit) = number.fit(precision, scale);
        match fit {
            Fit::Exact => {}
            Fit::Rounded => target.note_truncated(),
            Fit::Overflow => target.out_of_range()?,
        }
        Ok(Datum::Decimal(fitted))
    }

    fn implicit_default(&self, field_type: &FieldType) -> Datum {
        Datum::Decimal(Decimal::new(0, field_type.precision_scale().1))
    }

    fn same_values(&self, one: &FieldType, other: &FieldType) -> bool {
        one.precision_scale() == other.precision_scale()
    }
}
