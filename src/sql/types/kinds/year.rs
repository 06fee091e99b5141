//! YEAR.

use std::io::Write as _;

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind, write_plain};
use crate::common::SqlResult;
use crate::sql::types::codec::corrupt;
use crate::sql::types::convert::utf8;
use crate::sql::types::describe::flags;
use crate::sql::types::store::{Target, saturating_integer};
use crate::sql::types::{Datum, Decimal, FieldType, TimeZone};
use crate::storage::codec::row;

/// Years from 1901 to 2155, and 0: integers of four digits.
pub(super) struct Year;

impl Kind for Year {
    #[inline]
    fn class(&self) -> Class {
        Class::Integer
    }

    fn name(&self, _: &FieldType) -> &'static str {
        "year"
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        if field_type.zerofill {
            text.push_str("(4)");
        }
    }

    fn protocol_type(&self) -> u8 {
        13
    }

    fn protocol_flags(&self) -> u16 {
        flags::UNSIGNED | flags::ZEROFILL
    }

    fn protocol_decimals(&self, _: &FieldType) -> u8 {
        0
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Integer(2)
    }

    fn display_width(&self, _: &FieldType) -> u32 {
        4
    }

    fn decimal_digits(&self, _: &FieldType) -> u32 {
        4
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::Int64
    }

    fn decode_row(&self, bytes: &[u8], _: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        row::compact_i64(bytes).map(Datum::Int).map_err(corrupt)
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let number = match &value {
            Datum::Bytes(text) => {
                let number = target.number_of_text(&value, text, "integer")?;
                // The text '0' is the year 2000, the number 0 is the year 0, and so is what is no number.
                let is_number = Decimal::parse_prefix(text).consumed > 0;
                let is_short = is_number && utf8(text).trim().len() < 4;
                if number.is_zero() && is_short { 2000 } else { saturating_integer(&number) }
            }
            Datum::Time(time) => i128::from(time.parts().year),
            Datum::Null
            | Datum::Int(_)
            | Datum::UInt(_)
            | Datum::Float(_)
            | Datum::Decimal(_)
            | Datum::Duration(_)
            | Datum::Member(_)
            | Datum::Json(_) => saturating_integer(&value.to_decimal(target.ctx)?),
        };
        let year = match number {
            1..=69 => number + 2000,
            70..=99 => number + 1900,
            _ => number,
        };
        if year != 0 && !(1901..=2155).contains(&year) {
            target.out_of_range()?;
            return Ok(Datum::Int(0));
        }
        Ok(Datum::Int(year as i64))
    }

    fn implicit_default(&self, _: &FieldType) -> Datum {
        Datum::Int(0)
    }

    fn write(&self, value: &Datum, _: &FieldType, out: &mut Vec<u8>) {
        match value {
            Datum::Int(year) => {
                // Writing to a vector cannot fail.
                let _ = write!(out, "{year:04}");
            }
            value => write_plain(value, out),
        }
    }
}
