//! FLOAT and DOUBLE.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind};
use crate::common::SqlResult;
use crate::sql::types::codec::corrupt;
use crate::sql::types::convert::{float_prefix, is_beyond_double};
use crate::sql::types::store::Target;
use crate::sql::types::{Datum, FieldType, TimeZone};
use crate::storage::codec::number;

/// A floating point type; its values are doubles, of FLOAT such as fit four bytes.
pub(super) struct Float {
    name: &'static str,
    protocol_type: u8,
    form: BinaryForm,
    width: u32,
    is_single: bool,
}

pub(super) static FLOAT: Float =
    Float { name: "float", protocol_type: 4, form: BinaryForm::Float, width: 12, is_single: true };
pub(super) static DOUBLE: Float = Float {
    name: "double",
    protocol_type: 5,
    form: BinaryForm::Double,
    width: 22,
    is_single: false,
};

impl Kind for Float {
    #[inline]
    fn class(&self) -> Class {
        Class::Float
    }

    fn name(&self, _: &FieldType) -> &'static str {
        self.name
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        if let (Some(length), Some(decimals)) = (field_type.length, field_type.decimals) {
            text.push_str(&format!("({length},{decimals})"));
        }
    }

    fn protocol_type(&self) -> u8 {
        self.protocol_type
    }

    /// 31 when it has no fixed number of them.
    fn protocol_decimals(&self, field_type: &FieldType) -> u8 {
        field_type.decimals.unwrap_or(31)
    }

    fn binary_form(&self) -> BinaryForm {
        self.form
    }

    fn display_width(&self, field_type: &FieldType) -> u32 {
        field_type.length.unwrap_or(self.width)
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::Float64
    }

    fn decode_row(&self, bytes: &[u8], _: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        let mut rest = bytes;
        number::take_f64(&mut rest).map(Datum::Float).map_err(corrupt)
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let mut number = match &value {
            Datum::Bytes(text) => {
                let (number, clean) = float_prefix(text);
                if is_beyond_double(text) {
                    target.out_of_range()?;
                } else if !clean {
                    target.data_truncated()?;
                }
                number
            }
            other => other.to_f64(target.ctx)?,
        };
        let mut limit = if self.is_single { f64::from(f32::MAX) } else { f64::MAX };
        let field_type = target.field_type;
        if let (Some(length), Some(decimals)) = (field_type.length, field_type.decimals) {
            let unit = 10_f64.powi(i32::from(decimals));
            number = (number * unit).round() / unit;
            let whole = length.saturating_sub(u32::from(decimals));
            limit = limit.min(10_f64.powi(whole as i32) - 1.0 / unit);
        }
        let low = if field_type.unsigned { 0.0 } else { -limit };
        let fitted = number.clamp(low, limit);
        if fitted != number {
            target.out_of_range()?;
        }
        Ok(Datum::Float(if self.is_single { f64::from(fitted as f32) } else { fitted }))
    }

    fn implicit_default(&self, _: &FieldType) -> Datum {
        Datum::Float(0.0)
    }
}
