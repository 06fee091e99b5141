//! ENUM and SET.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind};
use crate::common::SqlResult;
use crate::sql::types::codec::corrupt;
use crate::sql::types::describe::flags;
use crate::sql::types::store::{Target, saturating_integer};
use crate::sql::types::{Collation, Datum, Decimal, FieldType, Members, TimeZone};
use crate::storage::codec::row;

/// A type whose values are chosen among the members that it declares.
pub(super) struct Choice {
    name: &'static str,
    protocol_flag: u16,
    /// Whether a value may have several members.
    is_set: bool,
}

pub(super) static ENUM: Choice = Choice { name: "enum", protocol_flag: flags::ENUM, is_set: false };
pub(super) static SET: Choice = Choice { name: "set", protocol_flag: flags::SET, is_set: true };

impl Choice {
    fn value(&self, number: u64, field_type: &FieldType) -> Datum {
        match (&field_type.members, self.is_set) {
            (Some(members), false) => members.of_enum(number),
            (Some(members), true) => members.of_set(number),
            (None, _) => Datum::UInt(number),
        }
    }

    /// The largest number that is a value.
    fn largest(&self, members: &Members) -> u64 {
        if self.is_set { members.all() } else { members.names().len() as u64 }
    }

    /// The number of a text; `None` if it is not wholly of members.
    fn number_of(&self, text: &[u8], members: &Members, collation: Collation) -> (u64, bool) {
        if !self.is_set {
            let position = members.position(text, collation);
            return (position.unwrap_or(0), position.is_some());
        }
        let (mut bits, mut is_whole) = (0, true);
        if text.is_empty() {
            return (bits, is_whole);
        }
        for name in text.split(|byte| *byte == b',') {
            match members.position(name, collation) {
                Some(position) => bits |= 1 << (position - 1),
                None => is_whole = false,
            }
        }
        (bits, is_whole)
    }

    /// A text that is the number of a value: `'2'`.
    fn number_written(&self, text: &[u8], members: &Members) -> Option<u64> {
        let number = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
        let least = u64::from(!self.is_set);
        (least..=self.largest(members)).contains(&number).then_some(number)
    }
}

/// A constant text as a value of the type, if it is one.
pub(in crate::sql::types) fn constant(text: &[u8], field_type: &FieldType) -> Option<Datum> {
    let members = field_type.members.as_ref()?;
    let choice = if field_type.kind.is_set() { &SET } else { &ENUM };
    let (number, is_whole) = choice.number_of(text, members, field_type.collation);
    let value = choice.value(number, field_type);
    // A SET has its members in order, and each of them once: of `b,a` there is no value.
    let is_same = field_type.collation.compare(&value.to_bytes(), text).is_eq();
    (is_whole && is_same).then_some(value)
}

impl Kind for Choice {
    #[inline]
    fn class(&self) -> Class {
        Class::Member
    }

    fn name(&self, _: &FieldType) -> &'static str {
        self.name
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        let names = field_type.members.iter().flat_map(Members::names);
        let names = names.map(|name| String::from_utf8_lossy(name).replace('\'', "''"));
        let names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
        text.push_str(&format!("({})", names.join(",")));
    }

    /// CHAR: the flag tells them from it.
    fn protocol_type(&self) -> u8 {
        254
    }

    fn protocol_flags(&self) -> u16 {
        self.protocol_flag
    }

    fn protocol_length(&self, field_type: &FieldType, character_bytes: u32) -> u32 {
        self.display_width(field_type).saturating_mul(character_bytes)
    }

    fn protocol_decimals(&self, _: &FieldType) -> u8 {
        0
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Text
    }

    fn display_width(&self, field_type: &FieldType) -> u32 {
        let names = field_type.members.iter().flat_map(Members::names);
        let widths = names.map(|name| String::from_utf8_lossy(name).chars().count());
        let width = if self.is_set {
            let (sum, count) = widths.fold((0, 0), |(sum, count), width| (sum + width, count + 1));
            sum + usize::saturating_sub(count, 1)
        } else {
            widths.max().unwrap_or(0)
        };
        u32::try_from(width).unwrap_or(u32::MAX)
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::UInt64
    }

    fn decode_row(&self, bytes: &[u8], field_type: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        let number = row::compact_u64(bytes).map_err(corrupt)?;
        Ok(self.value(number, field_type))
    }

    fn of_number(&self, number: u64, field_type: &FieldType) -> Datum {
        self.value(number, field_type)
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let field_type = target.field_type;
        let Some(members) = &field_type.members else { return Ok(value) };
        let text = match &value {
            Datum::Bytes(text) => text,
            // Another type's member is what it is called.
            Datum::Member(member) => &member.text,
            Datum::Null
            | Datum::Int(_)
            | Datum::UInt(_)
            | Datum::Float(_)
            | Datum::Decimal(_)
            | Datum::Time(_)
            | Datum::Duration(_)
            | Datum::Json(_) => {
                let number = saturating_integer(&truncated(&value.to_decimal(target.ctx)?));
                let least = i128::from(!self.is_set);
                let largest = i128::from(self.largest(members));
                if (least..=largest).contains(&number) {
                    return Ok(self.value(number as u64, field_type));
                }
                target.data_truncated()?;
                let kept = if self.is_set { number as u64 & members.all() } else { 0 };
                return Ok(self.value(kept, field_type));
            }
        };
        let (number, is_whole) = self.number_of(text, members, field_type.collation);
        if is_whole {
            return Ok(self.value(number, field_type));
        }
        if let Some(number) = self.number_written(text, members) {
            return Ok(self.value(number, field_type));
        }
        target.data_truncated()?;
        Ok(self.value(number, field_type))
    }

    fn default_of_text(&self, text: &str, field_type: &FieldType) -> Option<Datum> {
        constant(text.as_bytes(), field_type)
    }

    /// Of an ENUM the first member.
    fn implicit_default(&self, field_type: &FieldType) -> Datum {
        self.value(u64::from(!self.is_set), field_type)
    }

    fn same_values(&self, one: &FieldType, other: &FieldType) -> bool {
        one.members == other.members
    }
}

/// A number without its fraction.
fn truncated(number: &Decimal) -> Decimal {
    number.truncate(0)
}
