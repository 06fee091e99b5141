//! The type of a bare NULL.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind};
use crate::common::SqlResult;
use crate::sql::types::store::Target;
use crate::sql::types::{Datum, FieldType, TimeZone};

/// No values; no column is of it.
pub(super) struct NullKind;

impl Kind for NullKind {
    #[inline]
    fn class(&self) -> Class {
        Class::Null
    }

    fn name(&self, _: &FieldType) -> &'static str {
        "null"
    }

    fn write_parameters(&self, _: &FieldType, _: &mut String) {}

    fn protocol_type(&self) -> u8 {
        6
    }

    fn protocol_decimals(&self, _: &FieldType) -> u8 {
        0
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Null
    }

    fn display_width(&self, _: &FieldType) -> u32 {
        0
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::Null
    }

    fn decode_row(&self, _: &[u8], _: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        Ok(Datum::Null)
    }

    fn assign(&self, value: Datum, _: &Target<'_>) -> SqlResult<Datum> {
        Ok(value)
    }

    fn implicit_default(&self, _: &FieldType) -> Datum {
        Datum::Null
    }
}
