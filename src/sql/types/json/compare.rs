//! The order of documents.
//!
//! First by what they are: nulls, numbers, strings, objects, arrays, truth values, dates, times, moments, opaque bytes, bits,
//! BLOBs. Then by what that kind's order is.

use std::cmp::Ordering;

use super::read::{Container, JsonRef, View, is_blob, kind};
use super::value::compare_keys;
use super::{Json, number};
use crate::sql::types::TimeKind;

fn rank(view: View<'_>) -> u8 {
    match view {
        View::Null => 0,
        View::Int(_) | View::UInt(_) | View::Double(_) | View::Decimal(_) => 1,
        View::String(_) => 2,
        View::Object(_) => 3,
        View::Array(_) => 4,
        View::Bool(_) => 5,
        View::Time(time) if time.kind == TimeKind::Date => 6,
        View::Duration(_) => 7,
        View::Time(_) => 8,
        View::Opaque(of, _) if is_blob(of) => 11,
        View::Opaque(kind::field::BIT, _) => 10,
        View::Opaque(_, _) => 9,
    }
}

impl Json {
    /// Bytes whose order is the order of documents, and which are the same for documents that are.
    pub fn sort_key(&self) -> Vec<u8> {
        let mut key = Vec::new();
        self.as_ref().write_sort_key(&mut key);
        key
    }
}

impl JsonRef<'_> {
    /// The order of two documents.
    pub fn compare(&self, other: JsonRef<'_>) -> Ordering {
        let (left, right) = (self.view(), other.view());
        let by_rank = rank(left).cmp(&rank(right));
        by_rank.then_with(|| match (left, right) {
            (View::String(left), View::String(right)) => left.as_bytes().cmp(right.as_bytes()),
            (View::Bool(left), View::Bool(right)) => left.cmp(&right),
            (View::Time(left), View::Time(right)) => left.packed.cmp(&right.packed),
            (View::Duration(left), View::Duration(right)) => left.micros.cmp(&right.micros),
            (View::Opaque(_, left), View::Opaque(_, right)) => left.cmp(right),
            (View::Array(left), View::Array(right)) => compare_arrays(left, right),
            (View::Object(left), View::Object(right)) => compare_objects(left, right),
            (left, right) => number::compare(left, right).unwrap_or(Ordering::Equal),
        })
    }

    /// Whether both are the same.
    pub fn is_same(&self, other: JsonRef<'_>) -> bool {
        self.compare(other) == Ordering::Equal
    }

    /// Appends bytes whose order is the order of documents, and which are the same for documents that are.
    pub fn write_sort_key(&self, out: &mut Vec<u8>) {
        let view = self.view();
        out.push(rank(view));
        match view {
            View::Null => {}
            View::Bool(truth) => out.push(u8::from(truth)),
            View::String(text) => put_escaped(text.as_bytes(), out),
            View::Time(time) => out.extend_from_slice(&time.packed.to_be_bytes()),
            View::Duration(duration) => {
                let shifted = duration.micros as u64 ^ 1 << 63;
                out.extend_from_slice(&shifted.to_be_bytes());
            }
            View::Opaque(_, bytes) => put_escaped(bytes, out),
            View::Array(container) => {
                for value in container.values() {
                    out.push(1);
                    value.write_sort_key(out);
                }
                out.push(0);
            }
            View::Object(container) => {
                out.extend_from_slice(&(container.len() as u32).to_be_bytes());
                for (at, value) in container.values().enumerate() {
                    let key = container.key(at);
                    out.extend_from_slice(&(key.len() as u16).to_be_bytes());
                    out.extend_from_slice(key.as_bytes());
                    value.write_sort_key(out);
                }
            }
            View::Int(_) | View::UInt(_) | View::Double(_) | View::Decimal(_) => {
                if let Some(digits) = number::digits(view) {
                    digits.write_key(out);
                }
            }
        }
    }
}

fn compare_arrays(left: Container<'_>, right: Container<'_>) -> Ordering {
    for (left, right) in left.values().zip(right.values()) {
        let order = left.compare(right);
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

fn compare_objects(left: Container<'_>, right: Container<'_>) -> Ordering {
    let by_size = left.len().cmp(&right.len());
    if by_size != Ordering::Equal {
        return by_size;
    }
    for at in 0..left.len() {
        let by_key = compare_keys(left.key(at).as_bytes(), right.key(at).as_bytes());
        let order = by_key.then_with(|| left.get(at).compare(right.get(at)));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// Bytes that end before all that are longer.
fn put_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[0, 0xFF]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 0]);
}
