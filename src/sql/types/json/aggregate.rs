//! Documents that are gathered row by row.

use super::read::Container;
use super::value::{Members, Value};
use super::{Json, Pulse};
use crate::common::SqlResult;

/// What JSON_ARRAYAGG has gathered.
#[derive(Clone, Debug, Default)]
pub struct JsonArrayState {
    elements: Vec<Value>,
    bytes: usize,
}

/// Roughly the bytes that a value holds.
fn size_of_value(value: &Value) -> usize {
    let held = match value {
        Value::String(text) => text.capacity(),
        Value::Opaque(_, bytes) => bytes.len(),
        Value::Stored(json) => json.stored_size(),
        _ => 0,
    };
    size_of::<Value>() + held
}

impl JsonArrayState {
    /// One more.
    pub fn push(&mut self, value: Value) {
        self.bytes += size_of_value(&value);
        self.elements.push(value);
    }

    /// What another has gathered of rows behind.
    pub fn merge(&mut self, other: JsonArrayState) {
        self.bytes += other.bytes;
        self.elements.extend(other.elements);
    }

    /// What the array was gathered of that another has ended as.
    pub fn from_json(array: &Json) -> JsonArrayState {
        let mut state = JsonArrayState::default();
        for element in array.as_ref().container().into_iter().flat_map(Container::values) {
            state.push(Value::Stored(array.part(element)));
        }
        state
    }

    /// Roughly the bytes it holds.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Whether it has nothing yet: the answer is NULL then.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The array.
    pub fn finish(self, pulse: &mut Pulse<'_>) -> SqlResult<Option<Json>> {
        if self.elements.is_empty() {
            return Ok(None);
        }
        Value::Array(self.elements).to_json(pulse).map(Some)
    }
}

/// What JSON_OBJECTAGG has gathered: of members with the same key the last.
#[derive(Clone, Debug, Default)]
pub struct JsonObjectState {
    members: Vec<(String, Value)>,
    bytes: usize,
}

impl JsonObjectState {
    /// One more.
    pub fn push(&mut self, key: String, value: Value) {
        self.bytes += size_of::<String>() + key.capacity() + size_of_value(&value);
        self.members.push((key, value));
    }

    /// What another has gathered of rows behind.
    pub fn merge(&mut self, other: JsonObjectState) {
        self.bytes += other.bytes;
        self.members.extend(other.members);
    }

    /// What the object was gathered of that another has ended as.
    pub fn from_json(object: &Json) -> JsonObjectState {
        let mut state = JsonObjectState::default();
        let members = object.as_ref().container().into_iter();
        for (key, value) in members.flat_map(Container::members) {
            state.push(key.to_owned(), Value::Stored(object.part(value)));
        }
        state
    }

    /// Roughly the bytes it holds.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Whether it has nothing yet: the answer is NULL then.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The object.
    pub fn finish(self, pulse: &mut Pulse<'_>) -> SqlResult<Option<Json>> {
        if self.members.is_empty() {
            return Ok(None);
        }
        Value::Object(Members::from_any(self.members)).to_json(pulse).map(Some)
    }
}
