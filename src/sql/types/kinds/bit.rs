//! BIT.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind, write_plain};
use crate::common::{SqlResult, errno};
use crate::sql::types::codec::corrupt;
use crate::sql::types::describe::flags;
use crate::sql::types::store::{Target, saturating_integer};
use crate::sql::types::{Datum, FieldType, TimeZone};
use crate::storage::codec::row;

/// Up to 64 bits: a number without a sign, whose text is the bytes that hold them, the first of the highest bits.
pub(super) struct Bit;

fn bits(field_type: &FieldType) -> u32 {
    field_type.length.unwrap_or(1).clamp(1, 64)
}

fn largest(field_type: &FieldType) -> u64 {
    u64::MAX >> (64 - bits(field_type))
}

fn bytes(field_type: &FieldType) -> usize {
    bits(field_type).div_ceil(8) as usize
}

impl Kind for Bit {
    #[inline]
    fn class(&self) -> Class {
        Class::Integer
    }

    fn name(&self, _: &FieldType) -> &'static str {
        "bit"
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        text.push_str(&format!("({})", bits(field_type)));
    }

    fn protocol_type(&self) -> u8 {
        16
    }

    fn protocol_flags(&self) -> u16 {
        flags::UNSIGNED
    }

    fn protocol_length(&self, field_type: &FieldType, _: u32) -> u32 {
        bits(field_type)
    }

    fn protocol_decimals(&self, _: &FieldType) -> u8 {
        0
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Text
    }

    /// Of its bytes.
    fn display_width(&self, field_type: &FieldType) -> u32 {
        bits(field_type).div_ceil(8)
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::UInt64
    }

    fn decode_row(&self, bytes: &[u8], _: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        row::compact_u64(bytes).map(Datum::UInt).map_err(corrupt)
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let largest = largest(target.field_type);
        let number = match &value {
            Datum::Int(number) => Some(number.cast_unsigned()),
            Datum::UInt(number) => Some(*number),
            Datum::Bytes(text) => {
                let leading = text.iter().take_while(|byte| **byte == 0).count();
                let digits = &text[leading..];
                let number = digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
                (digits.len() <= 8).then_some(number)
            }
            Datum::Member(member) => Some(member.number),
            Datum::Null
            | Datum::Float(_)
            | Datum::Decimal(_)
            | Datum::Time(_)
            | Datum::Duration(_)
            | Datum::Json(_) => {
                u64::try_from(saturating_integer(&value.to_decimal(target.ctx)?)).ok()
            }
        };
        match number.filter(|number| *number <= largest) {
            Some(number) => Ok(Datum::UInt(number)),
            None => {
                if target.ctx.is_strict() {
                    target.fail(errno::DATA_TOO_LONG, "Data too long")?;
                } else {
                    target.out_of_range()?;
                }
                Ok(Datum::UInt(largest))
            }
        }
    }

    fn default_of_text(&self, text: &str, _: &FieldType) -> Option<Datum> {
        let digits = text.strip_prefix("b'")?.strip_suffix('\'')?;
        u64::from_str_radix(digits, 2).ok().map(Datum::UInt)
    }

    fn implicit_default(&self, _: &FieldType) -> Datum {
        Datum::UInt(0)
    }

    fn write(&self, value: &Datum, field_type: &FieldType, out: &mut Vec<u8>) {
        match value {
            Datum::UInt(number) => {
                out.extend_from_slice(&number.to_be_bytes()[8 - bytes(field_type)..]);
            }
            value => write_plain(value, out),
        }
    }

    fn same_values(&self, one: &FieldType, other: &FieldType) -> bool {
        one.length == other.length
    }
}
