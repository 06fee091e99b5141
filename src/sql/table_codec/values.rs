//! One value of a column's type as bytes: in a row, and in a key. A thin layer over [`codec`] that shares a row's memory with its
//! strings, and reads strings back from keys where they happen to stand there in full.

use bytes::Bytes;

use crate::common::{SqlError, SqlResult};
use crate::sql::types::{Datum, FieldType, TimeZone, codec};
use crate::storage::codec::datum as part;

/// Reads the whole of a value from a row; strings share the row's memory.
pub(super) fn take_value(
    row: &Bytes,
    bytes: &[u8],
    field_type: &FieldType,
    zone: &TimeZone,
) -> SqlResult<Datum> {
    if field_type.kind.is_string() {
        return Ok(Datum::Bytes(row.slice_ref(bytes)));
    }
    codec::decode_row_value(bytes, field_type, zone)
}

/// Reads the whole of a value from its memcomparable form.
pub(super) fn take_key(bytes: &[u8], field_type: &FieldType, zone: &TimeZone) -> SqlResult<Datum> {
    if !field_type.kind.is_string() {
        return codec::decode_key_value(&mut &*bytes, field_type, zone);
    }
    match part::take_part(&mut &*bytes).map_err(SqlError::internal)? {
        part::Part::Bytes(bytes) => Ok(Datum::from(field_type.collation.restore(bytes))),
        part::Part::Nil => Ok(Datum::Null),
        _ => Err(SqlError::internal("an index key holds another type than its column")),
    }
}

/// Whether a value can be read back from its memcomparable form: everything but strings of which the collation ignores
/// something.
pub(super) fn restores(value: &Datum, field_type: &FieldType) -> bool {
    match value {
        Datum::Bytes(bytes) => field_type.collation.restores(bytes),
        Datum::Float(float) => *float != 0.0 || float.is_sign_positive(),
        // A key says only how documents are ordered.
        Datum::Json(_) => false,
        Datum::Null
        | Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Decimal(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Member(_) => true,
    }
}

/// The first characters of a string (bytes of a binary one).
pub(super) fn prefix(bytes: &Bytes, length: usize, binary: bool) -> Bytes {
    let end = if binary {
        length.min(bytes.len())
    } else {
        // A character starts at every byte that does not continue one.
        let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80);
        starts.map(|(at, _)| at).nth(length).unwrap_or(bytes.len())
    };
    bytes.slice(..end)
}

/// A value as error messages show it.
pub(super) fn shown(value: &Datum, field_type: &FieldType) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    let text = value.to_bytes_as(field_type);
    match std::str::from_utf8(&text) {
        Ok(text) => text.to_owned(),
        Err(_) => text.iter().map(|byte| format!("\\x{byte:02X}")).collect(),
    }
}
