//! Comparing values of any two types.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::json::{Json, Pulse};
use super::{Collation, Datum, Decimal, Duration, Time, TimeKind, ValueContext};
use crate::common::SqlResult;

/// Compares two values that are not NULL, as `=` and `<` do: strings by `collation`, numbers by value, times with
/// what the other can be read as, and whatever is left as doubles.
pub fn compare(
    left: &Datum,
    right: &Datum,
    collation: Collation,
    ctx: &ValueContext,
) -> SqlResult<Ordering> {
    if let Some(order) = compare_alike(left, right, collation) {
        return Ok(order);
    }
    match (left, right) {
        (Datum::Json(json), other) => compare_document(json, other),
        (other, Datum::Json(json)) => Ok(compare_document(json, other)?.reverse()),
        (Datum::Time(time), other) => compare_time(time, other, collation, ctx),
        (other, Datum::Time(time)) => Ok(compare_time(time, other, collation, ctx)?.reverse()),
        (Datum::Duration(duration), Datum::Bytes(_) | Datum::Member(_)) => {
            // What is no time at all counts as midnight.
            let other = right.to_duration(6, ctx)?;
            Ok(duration.cmp(&other.unwrap_or(Duration { micros: 0, fsp: 6 })))
        }
        (Datum::Bytes(_) | Datum::Member(_), Datum::Duration(_)) => {
            Ok(compare(right, left, collation, ctx)?.reverse())
        }
        (Datum::Duration(duration), other) => {
            compare(&Datum::Decimal(duration.to_decimal()), other, collation, ctx)
        }
        (other, Datum::Duration(duration)) => {
            compare(other, &Datum::Decimal(duration.to_decimal()), collation, ctx)
        }
        // A number and a text, or numbers of which one is a double.
        _ => Ok(compare_floats(left.to_f64(ctx)?, right.to_f64(ctx)?)),
    }
}

/// Compares values of kinds that need no conversion that could fail; `None` for the others.
fn compare_alike(left: &Datum, right: &Datum, collation: Collation) -> Option<Ordering> {
    Some(match (left, right) {
        (Datum::Int(left), Datum::Int(right)) => left.cmp(right),
        (Datum::UInt(left), Datum::UInt(right)) => left.cmp(right),
        (Datum::Int(left), Datum::UInt(right)) => i128::from(*left).cmp(&i128::from(*right)),
        (Datum::UInt(left), Datum::Int(right)) => i128::from(*left).cmp(&i128::from(*right)),
        (Datum::Float(left), Datum::Float(right)) => compare_floats(*left, *right),
        (Datum::Decimal(left), Datum::Decimal(right)) => left.cmp(right),
        (Datum::Decimal(left), Datum::Int(right)) => left.cmp(&Decimal::from(*right)),
        (Datum::Decimal(left), Datum::UInt(right)) => left.cmp(&Decimal::from(*right)),
        (Datum::Int(left), Datum::Decimal(right)) => Decimal::from(*left).cmp(right),
        (Datum::UInt(left), Datum::Decimal(right)) => Decimal::from(*left).cmp(right),
        (Datum::Bytes(left), Datum::Bytes(right)) => collation.compare(left, right),
        (Datum::Member(left), Datum::Member(right)) => collation.compare(&left.text, &right.text),
        (Datum::Member(left), Datum::Bytes(right)) => collation.compare(&left.text, right),
        (Datum::Bytes(left), Datum::Member(right)) => collation.compare(left, &right.text),
        (Datum::Json(left), Datum::Json(right)) => left.as_ref().compare(right.as_ref()),
        (Datum::Time(left), Datum::Time(right)) => left.cmp(right),
        (Datum::Duration(left), Datum::Duration(right)) => left.cmp(right),
        // Kinds that differ: one has to be converted.
        _ => return None,
    })
}

/// A document with what is none: that is a string, a number or a time of a document then, not the document that a text may be of.
fn compare_document(json: &Json, other: &Datum) -> SqlResult<Ordering> {
    let other = Json::of_datum(other, &mut Pulse::unwatched())?;
    Ok(json.as_ref().compare(other.as_ref()))
}

fn compare_time(
    time: &Time,
    other: &Datum,
    collation: Collation,
    ctx: &ValueContext,
) -> SqlResult<Ordering> {
    let text = match other {
        Datum::Bytes(text) => text,
        Datum::Member(member) => &member.text,
        Datum::Float(_) => {
            return Ok(compare_floats(time.to_decimal().to_f64(), other.to_f64(ctx)?));
        }
        Datum::Duration(_) => {
            let other = other.to_time(TimeKind::DateTime, 6, ctx)?;
            return Ok(other.map_or(Ordering::Equal, |other| time.cmp(&other)));
        }
        number => {
            let number = number.to_decimal(ctx)?;
            let rules = super::TimeRules::lenient();
            return Ok(match Time::from_number(&number, TimeKind::DateTime, 6, &rules) {
                Some(other) => time.cmp(&other),
                None => time.to_decimal().cmp(&number),
            });
        }
    };
    match other.to_time(TimeKind::DateTime, 6, ctx)? {
        Some(other) => Ok(time.cmp(&other)),
        None => Ok(collation.compare(time.to_string().as_bytes(), text)),
    }
}

fn compare_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or(Ordering::Equal)
}

impl Datum {
    /// A total order for sorting values of one column: NULL first, strings by `collation`.
    pub fn sort_cmp(&self, other: &Datum, collation: Collation) -> Ordering {
        // As in keys, which hold the number only.
        if let (Datum::Member(one), Datum::Member(two)) = (self, other) {
            return one.number.cmp(&two.number);
        }
        match (self.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => compare_alike(self, other, collation).unwrap_or_else(|| {
                let quiet = ValueContext::default();
                compare(self, other, collation, &quiet).unwrap_or(Ordering::Equal)
            }),
        }
    }

    /// Whether both are the same value of one column, NULL like NULL: grouping, DISTINCT.
    pub fn same(&self, other: &Datum, collation: Collation) -> bool {
        self.sort_cmp(other, collation) == Ordering::Equal
    }

    /// Hashes so that values which are [`same`](Datum::same) in a column hash alike.
    pub fn hash_into<H: Hasher>(&self, collation: Collation, state: &mut H) {
        match self {
            Datum::Null => state.write_u8(0),
            // An integer hashes alike signed or unsigned.
            Datum::Int(number) => i128::from(*number).hash(state),
            Datum::UInt(number) => i128::from(*number).hash(state),
            Datum::Float(number) => (number + 0.0).to_bits().hash(state),
            Datum::Decimal(number) => number.hash(state),
            Datum::Bytes(bytes) => collation.with_sort_key(bytes, |key| key.hash(state)),
            Datum::Time(time) => time.hash(state),
            Datum::Duration(duration) => duration.micros.hash(state),
            Datum::Member(member) => member.hash(state),
            Datum::Json(json) => json.sort_key().hash(state),
        }
    }
}
