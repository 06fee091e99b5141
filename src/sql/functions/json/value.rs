//! Values of SQL as parts of documents.

use crate::sql::types::json::Value;
use crate::sql::types::{Datum, FieldType, TypeKind};

/// The types of the protocol that opaque bytes are kept with.
mod field {
    pub(super) const YEAR: u8 = 13;
    pub(super) const VARCHAR: u8 = 15;
    pub(super) const BIT: u8 = 16;
    pub(super) const BLOB: u8 = 252;
    pub(super) const STRING: u8 = 254;
}

/// A value as a part of a document; `is_truth`: 0 is false, and other numbers are true.
pub(in super::super) fn part_of(value: Datum, field_type: &FieldType, is_truth: bool) -> Value {
    match value {
        Datum::Null => Value::Null,
        Datum::Json(json) => Value::Stored(json),
        Datum::Int(number) if is_truth => Value::Bool(number != 0),
        Datum::Int(year) if field_type.kind == TypeKind::Year => {
            Value::Opaque(field::YEAR, format!("{year:04}").into_bytes().into())
        }
        Datum::Int(number) => Value::Int(number),
        Datum::UInt(_) if field_type.kind == TypeKind::Bit => {
            Value::Opaque(field::BIT, value.to_bytes_as(field_type))
        }
        Datum::UInt(number) => Value::UInt(number),
        Datum::Float(number) => Value::Double(number),
        Datum::Decimal(number) => Value::Decimal(number),
        Datum::Bytes(bytes) if field_type.is_binary_string() => {
            let of = match field_type.kind {
                TypeKind::Char => field::STRING,
                kind if kind.is_text() => field::BLOB,
                // VARBINARY, and what has no column.
                _ => field::VARCHAR,
            };
            Value::Opaque(of, bytes)
        }
        Datum::Bytes(bytes) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
        Datum::Member(member) => Value::String(String::from_utf8_lossy(&member.text).into_owned()),
        Datum::Time(time) => Value::Time(time),
        Datum::Duration(duration) => Value::Duration(duration),
    }
}
