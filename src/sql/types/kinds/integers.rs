//! TINYINT to BIGINT.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind};
use crate::common::SqlResult;
use crate::sql::types::codec::corrupt;
use crate::sql::types::store::{Target, saturating_integer};
use crate::sql::types::{Datum, FieldType, TimeZone, TypeKind};
use crate::storage::codec::row;

/// An integer type.
pub(super) struct Integer {
    name: &'static str,
    protocol_type: u8,
    bits: u32,
    /// Bytes in the binary protocol.
    bytes: usize,
    /// Characters of the longest value with a sign.
    width: u32,
    /// Digits of the largest value.
    digits: u32,
}

pub(super) static TINYINT: Integer =
    Integer { name: "tinyint", protocol_type: 1, bits: 8, bytes: 1, width: 4, digits: 3 };
pub(super) static SMALLINT: Integer =
    Integer { name: "smallint", protocol_type: 2, bits: 16, bytes: 2, width: 6, digits: 5 };
pub(super) static MEDIUMINT: Integer =
    Integer { name: "mediumint", protocol_type: 9, bits: 24, bytes: 4, width: 9, digits: 8 };
pub(super) static INT: Integer =
    Integer { name: "int", protocol_type: 3, bits: 32, bytes: 4, width: 11, digits: 10 };
pub(super) static BIGINT: Integer =
    Integer { name: "bigint", protocol_type: 8, bits: 64, bytes: 8, width: 20, digits: 20 };

impl Integer {
    /// Smallest and largest value.
    pub(super) fn range(&self, unsigned: bool) -> (i128, i128) {
        match unsigned {
            true => (0, (1 << self.bits) - 1),
            false => (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1),
        }
    }

    fn is_widest(&self) -> bool {
        self.bits == 64
    }
}

impl Kind for Integer {
    #[inline]
    fn class(&self) -> Class {
        Class::Integer
    }

    fn name(&self, _: &FieldType) -> &'static str {
        self.name
    }

    /// The width is shown where it means something: of BOOL, and with ZEROFILL.
    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        let is_bool = self.bits == 8 && field_type.length == Some(1) && !field_type.unsigned;
        if is_bool || field_type.zerofill {
            text.push_str(&format!("({})", field_type.display_width()));
        }
    }

    fn protocol_type(&self) -> u8 {
        self.protocol_type
    }

    fn protocol_decimals(&self, _: &FieldType) -> u8 {
        0
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Integer(self.bytes)
    }

    fn display_width(&self, field_type: &FieldType) -> u32 {
        let sign = u32::from(field_type.unsigned && !self.is_widest());
        field_type.length.unwrap_or(self.width - sign)
    }

    fn decimal_digits(&self, field_type: &FieldType) -> u32 {
        if self.is_widest() {
            return field_type.length.unwrap_or(20).min(19 + u32::from(field_type.unsigned));
        }
        // 8,388,607 has a digit less than 16,777,215.
        self.digits - u32::from(self.bits == 24 && !field_type.unsigned)
    }

    fn arrow_type(&self, field_type: &FieldType) -> DataType {
        if field_type.unsigned { DataType::UInt64 } else { DataType::Int64 }
    }

    fn decode_row(&self, bytes: &[u8], field_type: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        if field_type.unsigned {
            row::compact_u64(bytes).map(Datum::UInt).map_err(corrupt)
        } else {
            row::compact_i64(bytes).map(Datum::Int).map_err(corrupt)
        }
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let number = match &value {
            Datum::Int(number) => i128::from(*number),
            Datum::UInt(number) => i128::from(*number),
            Datum::Float(number) => number.round_ties_even() as i128,
            Datum::Bytes(text) => {
                saturating_integer(&target.number_of_text(&value, text, "integer")?)
            }
            Datum::Null
            | Datum::Decimal(_)
            | Datum::Time(_)
            | Datum::Duration(_)
            | Datum::Member(_)
            | Datum::Json(_) => saturating_integer(&value.to_decimal(target.ctx)?),
        };
        let (min, max) = self.range(target.field_type.unsigned);
        let fitted = number.clamp(min, max);
        if fitted != number {
            target.out_of_range()?;
        }
        Ok(if target.field_type.unsigned {
            Datum::UInt(fitted as u64)
        } else {
            Datum::Int(fitted as i64)
        })
    }

    fn integer_range(&self, unsigned: bool) -> (i128, i128) {
        self.range(unsigned)
    }

    fn implicit_default(&self, field_type: &FieldType) -> Datum {
        if field_type.unsigned { Datum::UInt(0) } else { Datum::Int(0) }
    }
}

impl TypeKind {
    /// The largest integer of the kind that has a sign; of what is no integer, that of BIGINT.
    pub fn largest_integer(self) -> i128 {
        self.definition().integer_range(false).1
    }
}

impl FieldType {
    /// Smallest and largest value of an integer type; of others, those of BIGINT.
    pub fn integer_range(&self) -> (i128, i128) {
        self.kind.definition().integer_range(self.unsigned)
    }
}
