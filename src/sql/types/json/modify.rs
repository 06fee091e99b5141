//! Changing what paths lead to.

use super::errors;
use super::path::{ArrayIndex, Leg, Path};
use super::value::Value;
use crate::common::SqlResult;

/// What becomes of a value for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It takes the place of what is there, or is added.
    Set,
    /// It is added where nothing is.
    Insert,
    /// It takes the place of what is there.
    Replace,
}

impl Value {
    /// What these legs, each of which leads to one part, lead to.
    fn at(&mut self, legs: &[Leg]) -> Option<&mut Value> {
        let mut here = self;
        for leg in legs {
            here.open();
            here = match (leg, here) {
                (Leg::Member(name), Value::Object(members)) => members.get_mut(name)?,
                (Leg::Cell(index), Value::Array(elements)) => {
                    let position = index.within(elements.len()).ok()?;
                    elements.get_mut(position)?
                }
                (Leg::Cell(index), here) if index.within(1).is_ok() => here,
                _ => return None,
            };
        }
        here.open();
        Some(here)
    }
}

/// JSON_SET, JSON_INSERT and JSON_REPLACE for one path.
pub fn change(document: &mut Value, path: &Path, value: Value, how: Change) -> SqlResult<()> {
    path.check_single()?;
    if let Some(there) = document.at(path.legs()) {
        if how != Change::Insert {
            *there = value;
        }
        return Ok(());
    }
    let Some((last, before)) = path.legs().split_last() else { return Ok(()) };
    let parent = if how == Change::Replace { None } else { document.at(before) };
    match (last, parent) {
        (Leg::Member(name), Some(Value::Object(members))) => members.insert(name.clone(), value),
        (Leg::Cell(index), Some(Value::Array(elements))) => add(elements, *index, value),
        // What is no array becomes one.
        (Leg::Cell(index), Some(scalar)) => {
            let mut elements = vec![std::mem::replace(scalar, Value::Null)];
            add(&mut elements, *index, value);
            *scalar = Value::Array(elements);
        }
        _ => {}
    }
    Ok(())
}

/// Adds an element at a position, or at the end that it is beyond.
fn add(elements: &mut Vec<Value>, index: ArrayIndex, value: Value) {
    let position = index.within(elements.len()).unwrap_or_else(|edge| edge);
    elements.insert(position, value);
}

/// JSON_ARRAY_APPEND for one path: what is no array becomes one.
pub fn array_append(document: &mut Value, path: &Path, value: Value) -> SqlResult<()> {
    path.check_single()?;
    match document.at(path.legs()) {
        Some(Value::Array(elements)) => elements.push(value),
        Some(other) => {
            let first = std::mem::replace(other, Value::Null);
            *other = Value::Array(vec![first, value]);
        }
        None => {}
    }
    Ok(())
}

/// JSON_ARRAY_INSERT for one path; error 3165 when it does not lead to a cell.
pub fn array_insert(document: &mut Value, path: &Path, value: Value) -> SqlResult<()> {
    path.check_single()?;
    let Some((Leg::Cell(index), before)) = path.legs().split_last() else {
        return Err(errors::not_a_cell());
    };
    if let Some(Value::Array(elements)) = document.at(before) {
        add(elements, *index, value);
    }
    Ok(())
}

/// Error 3149 for a path that leads to several parts, 3153 for one that leads to all.
pub fn check_removable(path: &Path) -> SqlResult<()> {
    path.check_single()?;
    if path.legs().is_empty() { Err(errors::vacuous_path()) } else { Ok(()) }
}

/// JSON_REMOVE for one path; error 3153 for the root.
pub fn remove(document: &mut Value, path: &Path) -> SqlResult<()> {
    path.check_single()?;
    let Some((last, before)) = path.legs().split_last() else {
        return Err(errors::vacuous_path());
    };
    match (last, document.at(before)) {
        (Leg::Member(name), Some(Value::Object(members))) => {
            members.remove(name);
        }
        (Leg::Cell(index), Some(Value::Array(elements))) => {
            if let Ok(position) = index.within(elements.len()) {
                elements.remove(position);
            }
        }
        _ => {}
    }
    Ok(())
}
