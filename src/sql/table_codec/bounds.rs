//! Constants as keys: where a value stands among those that a column can hold.
//!
//! A bound may be a value the column cannot hold: 3.5 or -1 for an unsigned integer, a DATETIME for a DATE, a date before
//! 1970 for a TIMESTAMP. Keys of most types order such values, too; of the others the nearest one is taken, with how it
//! compares, so that exactly the rows for which the comparison holds are inside. NULL comes of NULL only.

use std::cmp::Ordering;

use arrow::datatypes::i256;

use crate::common::SqlResult;
use crate::sql::expr::{EvalContext, Expr, constant_as};
use crate::sql::types::time::Parts;
use crate::sql::types::{Class, Datum, Decimal, FieldType, Time, TimeKind, TimeZone, TypeKind};

/// A constant of a range or a key, read as the comparison with a column reads it.
pub(in crate::sql) fn constant(
    expr: &Expr,
    field_type: &FieldType,
    ctx: &EvalContext,
) -> SqlResult<Datum> {
    constant_as(expr.eval(&[], ctx)?, field_type, ctx)
}

/// A value that has a key among the column's, nearest to this one, and how it compares with it.
pub(in crate::sql) fn nearest(
    value: &Datum,
    field_type: &FieldType,
    ctx: &EvalContext,
) -> SqlResult<(Datum, Ordering)> {
    if value.is_null() {
        return Ok((Datum::Null, Ordering::Equal));
    }
    let itself = || (value.clone(), Ordering::Equal);
    Ok(match field_type.kind.class() {
        Class::Integer => integer(around(value, ctx)?, field_type.unsigned),
        Class::Float => (Datum::Float(value.to_f64(ctx)?), Ordering::Equal),
        Class::Decimal => (Datum::Decimal(value.to_decimal(ctx)?), Ordering::Equal),
        Class::Calendar => {
            let Datum::Time(time) = value else { return Ok(itself()) };
            if field_type.kind == TypeKind::Timestamp {
                timestamp(time, &ctx.time_zone)
            } else {
                (Datum::Time(time.with_kind(TimeKind::DateTime)), Ordering::Equal)
            }
        }
        // What is no member equals none: it is taken for the number after the last.
        Class::Member if matches!(value, Datum::Bytes(_)) => {
            (Datum::UInt(u64::MAX), Ordering::Less)
        }
        Class::Member if matches!(value, Datum::Member(_)) => itself(),
        Class::Member => integer(around(value, ctx)?, true),
        // Documents are in no key.
        Class::String | Class::Duration | Class::Json | Class::Null => itself(),
    })
}

/// The integers around a number (equal if it is one).
pub(in crate::sql) fn around(value: &Datum, ctx: &EvalContext) -> SqlResult<(i128, i128)> {
    let number = match value {
        Datum::Int(number) => return Ok((i128::from(*number), i128::from(*number))),
        Datum::UInt(number) => return Ok((i128::from(*number), i128::from(*number))),
        Datum::Decimal(number) => return Ok(decimal_around(number)),
        other => other.to_f64(ctx)?,
    };
    // Casts from floats saturate, well outside of what an integer column can hold.
    let floor = number.floor().clamp(-1e30, 1e30) as i128;
    let ceil = number.ceil().clamp(-1e30, 1e30) as i128;
    Ok((floor, ceil))
}

/// The integer of a column that is nearest to what lies between these two, and how it compares with that: an unsigned column holds nothing
/// below zero, and neither kind anything beyond its end.
fn integer((floor, ceil): (i128, i128), unsigned: bool) -> (Datum, Ordering) {
    if !unsigned {
        return match i64::try_from(floor) {
            Ok(number) if floor == ceil => (Datum::Int(number), Ordering::Equal),
            Ok(number) => (Datum::Int(number), Ordering::Less),
            Err(_) if floor < 0 => (Datum::Int(i64::MIN), Ordering::Greater),
            Err(_) => (Datum::Int(i64::MAX), Ordering::Less),
        };
    }
    match u64::try_from(floor) {
        Ok(number) if floor == ceil => (Datum::UInt(number), Ordering::Equal),
        Ok(number) => (Datum::UInt(number), Ordering::Less),
        Err(_) if floor < 0 => (Datum::UInt(0), Ordering::Greater),
        Err(_) => (Datum::UInt(u64::MAX), Ordering::Less),
    }
}

/// A TIMESTAMP is a moment of 1970 to 2038, or zero.
fn timestamp(time: &Time, zone: &TimeZone) -> (Datum, Ordering) {
    let time = time.with_kind(TimeKind::Timestamp);
    let parts = time.parts();
    if time.is_zero() {
        return (Datum::Time(time), Ordering::Equal);
    }
    if parts.year < 1969 {
        return (Datum::Time(Time::zero(TimeKind::Timestamp, 6)), Ordering::Less);
    }
    if parts.year > 2038 {
        let end = Time::date(2039, 1, 1).with_kind(TimeKind::Timestamp);
        return (Datum::Time(end), Ordering::Less);
    }
    match time.unix_micros(zone) {
        Some(Ok(_)) => (Datum::Time(time), Ordering::Equal),
        // The clocks jumped over it.
        Some(Err(_)) => (Datum::Time(time), Ordering::Greater),
        None => (Datum::Time(next_day(&parts)), Ordering::Greater),
    }
}

/// The first day of the calendar after one that is not in it: 2024-00-10, 2024-02-30.
fn next_day(parts: &Parts) -> Time {
    let (year, month) = match (parts.month, parts.day) {
        (0, _) => (parts.year, 1),
        (month, 0) => (parts.year, month),
        (12, _) => (parts.year + 1, 1),
        (month, _) => (parts.year, month + 1),
    };
    Time::date(year, month, 1).with_kind(TimeKind::Timestamp)
}

/// The integers around a DECIMAL, equal if it is one; those past every integer column's ends stand for all of them.
fn decimal_around(decimal: &Decimal) -> (i128, i128) {
    let unit = power_of_ten(u32::from(decimal.scale));
    let quotient = decimal.unscaled.wrapping_div(unit);
    let exact = quotient.wrapping_mul(unit) == decimal.unscaled;
    let negative = decimal.unscaled.is_negative();
    let end = if negative { i128::MIN / 2 } else { i128::MAX / 2 };
    let clamped = quotient.to_i128().unwrap_or(end);
    match (exact, negative) {
        (true, _) => (clamped, clamped),
        (false, true) => (clamped - 1, clamped),
        (false, false) => (clamped, clamped + 1),
    }
}

/// Ten to a power that DECIMAL can have.
pub(crate) fn power_of_ten(exponent: u32) -> i256 {
    i256::from_i128(10).wrapping_pow(exponent)
}
