//! The tree that documents are built of.

use std::cmp::Ordering;

use bytes::Bytes;

use super::read::View;
use super::{Json, JsonRef};
use crate::common::SqlResult;
use crate::sql::types::{Decimal, Duration, Time};

/// A document, or a part of one, being built.
#[derive(Clone, Debug)]
pub enum Value {
    /// JSON's null.
    Null,
    /// true or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A double.
    Double(f64),
    /// A decimal; no text of a document yields one, but SQL's values do.
    Decimal(Decimal),
    /// A text.
    String(String),
    /// A date, a moment or a timestamp.
    Time(Time),
    /// A time of day.
    Duration(Duration),
    /// Bytes of a type of the protocol.
    Opaque(u8, Bytes),
    /// Elements.
    Array(Vec<Value>),
    /// Members.
    Object(Members),
    /// A part that is in binary form already.
    Stored(Json),
}

/// The members of an object, in the order of their keys: shorter ones first, then by bytes.
#[derive(Clone, Debug, Default)]
pub struct Members(Vec<(String, Value)>);

/// The order of keys.
pub(super) fn compare_keys(left: &[u8], right: &[u8]) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

impl Members {
    /// Of members in any order; of those with the same key the last.
    pub fn from_any(mut members: Vec<(String, Value)>) -> Members {
        // Stable, so that of the same keys the last stays last.
        members.sort_by(|left, right| compare_keys(left.0.as_bytes(), right.0.as_bytes()));
        members.reverse();
        members.dedup_by(|next, kept| next.0 == kept.0);
        members.reverse();
        Members(members)
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|member| compare_keys(member.0.as_bytes(), key.as_bytes()))
    }

    /// Adds a member, or replaces the one with that key.
    pub fn insert(&mut self, key: String, value: Value) {
        match self.position(&key) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    /// The value of a key.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.position(key).ok()?;
        Some(&mut self.0[at].1)
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// All members, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The members of both, in order: each key once, with what `combine` makes of its values.
    pub(super) fn combined(
        self,
        other: Members,
        mut combine: impl FnMut(Option<Value>, Option<Value>) -> SqlResult<Option<Value>>,
    ) -> SqlResult<Members> {
        let mut all = Vec::with_capacity(self.len().max(other.len()));
        let (mut left, mut right) = (self.0.into_iter().peekable(), other.0.into_iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(Members(all)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => compare_keys(one.0.as_bytes(), other.0.as_bytes()),
            };
            let one = if order.is_le() { left.next() } else { None };
            let other = if order.is_ge() { right.next() } else { None };
            let (key, one) = match one {
                Some((key, value)) => (Some(key), Some(value)),
                None => (None, None),
            };
            let (other_key, other) = match other {
                Some((key, value)) => (Some(key), Some(value)),
                None => (None, None),
            };
            if let (Some(key), Some(value)) = (key.or(other_key), combine(one, other)?) {
                all.push((key, value));
            }
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Value {
        Value::Stored(json)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(text.to_owned())
    }
}

impl Value {
    /// Opens a part that is in binary form: its elements and members stay so.
    pub(super) fn open(&mut self) {
        let Value::Stored(json) = self else { return };
        *self = match json.as_ref().view() {
            View::Array(container) => {
                let parts = (0..container.len()).map(|at| part_of(json, container.get(at)));
                Value::Array(parts.collect())
            }
            View::Object(container) => {
                let members = (0..container.len())
                    .map(|at| (container.key(at).to_owned(), part_of(json, container.get(at))));
                // They stand in order.
                Value::Object(Members(members.collect()))
            }
            scalar => scalar.to_scalar(),
        };
    }

    /// The same, opened.
    #[must_use]
    pub(super) fn opened(mut self) -> Value {
        self.open();
        self
    }

    /// Wraps what is no array in one.
    pub(super) fn into_array(self) -> Vec<Value> {
        match self.opened() {
            Value::Array(elements) => elements,
            other => vec![other],
        }
    }
}

fn part_of(json: &Json, part: JsonRef<'_>) -> Value {
    Value::Stored(json.part(part))
}
