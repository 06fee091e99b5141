//! Documents made of two.

use super::value::{Members, Value};
use super::{Json, Pulse};
use crate::common::SqlResult;

/// JSON_MERGE_PRESERVE: objects member by member, anything else as arrays one after the other.
pub fn merge_preserve(left: Value, right: Value, pulse: &mut Pulse<'_>) -> SqlResult<Value> {
    pulse.beat()?;
    match (left.opened(), right.opened()) {
        (Value::Object(members), Value::Object(others)) => {
            let members = members.combined(others, |one, other| match (one, other) {
                (Some(one), Some(other)) => merge_preserve(one, other, pulse).map(Some),
                (one, other) => Ok(one.or(other)),
            })?;
            Ok(Value::Object(members))
        }
        (left, right) => {
            let mut elements = left.into_array();
            elements.extend(right.into_array());
            Ok(Value::Array(elements))
        }
    }
}

/// JSON_MERGE_PATCH of two: members of the patch take the place of those with the same key, nulls take them away; a patch
/// that is no object takes the place of all.
pub fn merge_patch(target: Value, patch: Value, pulse: &mut Pulse<'_>) -> SqlResult<Value> {
    pulse.beat()?;
    let changes = match patch.opened() {
        Value::Object(changes) => changes,
        other => return Ok(other),
    };
    let members = match target.opened() {
        Value::Object(members) => members,
        _ => Members::default(),
    };
    let members = members.combined(changes, |known, change| {
        let Some(change) = change.map(Value::opened) else { return Ok(known) };
        match change {
            Value::Null => Ok(None),
            change => merge_patch(known.unwrap_or(Value::Null), change, pulse).map(Some),
        }
    })?;
    Ok(Value::Object(members))
}

/// JSON_MERGE_PATCH of many. A NULL makes the answer NULL, until a document that is no object takes the place of all.
pub fn merge_patch_all(
    documents: impl IntoIterator<Item = Option<Json>>,
    pulse: &mut Pulse<'_>,
) -> SqlResult<Option<Value>> {
    let mut merged = None;
    for (at, document) in documents.into_iter().enumerate() {
        let Some(document) = document else {
            merged = None;
            continue;
        };
        let is_object = matches!(document.as_ref().view(), super::View::Object(_));
        let document = Value::Stored(document);
        merged = match merged {
            Some(known) => Some(merge_patch(known, document, pulse)?),
            None if at == 0 || !is_object => Some(document),
            None => None,
        };
    }
    Ok(merged)
}
