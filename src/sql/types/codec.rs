//! Values as bytes: in row values and in index keys.
//!
//! **Row values** hold each column in the form that decodes fastest: integers as short as they fit, floats and decimals
//! memcomparable, strings as they are, times packed. A TIMESTAMP is stored in UTC, so both directions take the session's
//! time zone.
//!
//! **Index keys** are memcomparable behind a flag byte, so the order of keys is the order of values; strings stand in
//! them as their collation's sort key. Where the sort key does not give the string back ([`is_restorable`] is false:
//! every collation that ignores something), the index entry's value must hold the string as well.
//! A decimal comes back with the column's scale.

use arrow::datatypes::i256;

use super::convert::time_kind;
use super::{Class, Datum, Decimal, Duration, FieldType, Time, TimeKind, TimeZone};
use crate::common::{SqlError, SqlResult};
use crate::storage::codec::{self, datum, decimal, number, row};

const NANOS_PER_MICRO: i64 = 1000;

pub(super) fn corrupt(error: codec::Error) -> SqlError {
    SqlError::internal(error)
}

fn mismatch(value: &Datum, field_type: &FieldType) -> SqlError {
    SqlError::internal(format!(
        "{value:?} is not a value of a column of type {}",
        field_type.sql_text()
    ))
}

/// A time as it is stored: a TIMESTAMP in UTC.
fn stored_time(time: &Time, zone: &TimeZone) -> SqlResult<u64> {
    if time.kind != TimeKind::Timestamp || time.is_zero() || *zone == TimeZone::UTC {
        return Ok(time.packed);
    }
    let unix = time.unix_micros(zone).map(|moment| moment.unwrap_or_else(|jump| jump));
    let utc = unix.and_then(|unix| Time::from_unix_micros(unix, &TimeZone::UTC, time.kind, 6));
    utc.map(|utc| utc.packed).ok_or_else(|| SqlError::internal("a timestamp that is no moment"))
}

/// A time as it was stored, on the clocks of a time zone.
pub(super) fn loaded_time(
    packed: u64,
    field_type: &FieldType,
    zone: &TimeZone,
) -> SqlResult<Datum> {
    let kind = time_kind(field_type.kind);
    let time = Time { packed, kind, fsp: field_type.fsp() };
    if kind != TimeKind::Timestamp || time.is_zero() || *zone == TimeZone::UTC {
        return Ok(Datum::Time(time));
    }
    let local = time
        .unix_micros(&TimeZone::UTC)
        .and_then(|moment| Time::from_unix_micros(moment.ok()?, zone, kind, time.fsp));
    local.map(Datum::Time).ok_or_else(|| SqlError::internal("a stored timestamp is no moment"))
}

/// Appends a value that is not NULL as the row of a table holds it. The value is one of the column's type, as
/// [`convert_for_column`](super::convert_for_column) makes it.
pub fn encode_row_value(
    value: &Datum,
    field_type: &FieldType,
    zone: &TimeZone,
    out: &mut Vec<u8>,
) -> SqlResult<()> {
    match value {
        Datum::Int(number) => row::put_compact_i64(out, *number),
        Datum::UInt(number) => row::put_compact_u64(out, *number),
        Datum::Float(float) => number::put_f64(out, *float),
        Datum::Decimal(exact) => decimal::put_decimal(out, exact.unscaled, exact.scale),
        Datum::Bytes(bytes) => out.extend_from_slice(bytes),
        Datum::Time(time) => row::put_compact_u64(out, stored_time(time, zone)?),
        Datum::Duration(duration) => row::put_compact_i64(out, duration.micros * NANOS_PER_MICRO),
        Datum::Member(member) => row::put_compact_u64(out, member.number),
        Datum::Json(json) => json.write_to(out),
        Datum::Null => return Err(mismatch(value, field_type)),
    }
    Ok(())
}

/// The value that [`encode_row_value`] wrote.
pub fn decode_row_value(bytes: &[u8], field_type: &FieldType, zone: &TimeZone) -> SqlResult<Datum> {
    super::kinds::decode_row(bytes, field_type, zone)
}

/// A decimal of a column, with the column's scale.
pub(super) fn exact(unscaled: i256, scale: u8, field_type: &FieldType) -> SqlResult<Datum> {
    let number = Decimal { unscaled, scale };
    let shown = number.with_scale(field_type.precision_scale().1);
    shown.map(Datum::Decimal).ok_or_else(|| SqlError::internal("a stored decimal is too large"))
}

/// A TIME as it was stored.
pub(super) fn duration(nanos: i64, field_type: &FieldType) -> Datum {
    Datum::Duration(Duration { micros: nanos / NANOS_PER_MICRO, fsp: field_type.fsp() })
}

/// Appends a value of a column as an index key holds it, NULL included.
pub fn encode_key_value(
    value: &Datum,
    field_type: &FieldType,
    zone: &TimeZone,
    out: &mut Vec<u8>,
) -> SqlResult<()> {
    match value {
        Datum::Null => datum::put_nil(out),
        Datum::Int(number) => datum::put_int(out, *number),
        Datum::UInt(number) => datum::put_uint(out, *number),
        // -0 is 0.
        Datum::Float(number) => datum::put_float(out, number + 0.0),
        Datum::Decimal(exact) => datum::put_decimal(out, exact.unscaled, exact.scale),
        Datum::Bytes(bytes) => {
            field_type.collation.with_sort_key(bytes, |key| datum::put_bytes(out, key));
        }
        Datum::Time(time) => datum::put_uint(out, stored_time(time, zone)?),
        Datum::Duration(duration) => datum::put_duration(out, duration.micros * NANOS_PER_MICRO),
        Datum::Member(member) => datum::put_uint(out, member.number),
        Datum::Json(json) => datum::put_bytes(out, &json.sort_key()),
    }
    Ok(())
}

/// Reads a value that [`encode_key_value`] wrote from the start of `input`, which moves past it. For types that are not
/// restorable it is an error.
pub fn decode_key_value(
    input: &mut &[u8],
    field_type: &FieldType,
    zone: &TimeZone,
) -> SqlResult<Datum> {
    if !is_restorable(field_type) {
        return Err(SqlError::internal(format!(
            "an index key does not hold the value of a column of type {}",
            field_type.sql_text()
        )));
    }
    Ok(match datum::take_part(input).map_err(corrupt)? {
        datum::Part::Nil => Datum::Null,
        datum::Part::Bytes(bytes) => Datum::from(bytes),
        datum::Part::Int(number) => Datum::Int(number),
        datum::Part::Uint(packed) if field_type.kind.is_calendar() => {
            loaded_time(packed, field_type, zone)?
        }
        datum::Part::Uint(number) => field_type.datum_of_u64(number),
        datum::Part::Float(number) => Datum::Float(number),
        datum::Part::Decimal(unscaled, scale) => exact(unscaled, scale, field_type)?,
        datum::Part::Duration(nanos) => duration(nanos, field_type),
    })
}

/// Moves past one value of an index key, whatever it is.
pub fn skip_key_value(input: &mut &[u8]) -> SqlResult<()> {
    datum::skip_part(input).map(drop).map_err(corrupt)
}

/// Whether an index key gives a column's value back: everything but documents, and strings whose collation ignores
/// something.
pub fn is_restorable(field_type: &FieldType) -> bool {
    let exact = field_type.collation.compares_bytes();
    match field_type.kind.class() {
        Class::String => exact,
        Class::Json => false,
        Class::Integer
        | Class::Float
        | Class::Decimal
        | Class::Calendar
        | Class::Duration
        | Class::Member
        | Class::Null => true,
    }
}
