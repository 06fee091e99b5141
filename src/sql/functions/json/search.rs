//! What documents hold, and where.

use super::super::call::{Call, not_null};
use super::super::definition::{Definition, MANY};
use super::super::like::Pattern;
use super::super::typing::boolean;
use super::{answer, document_type, of_documents};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::json::{self, Json, Misfit, Value, View};
use crate::sql::types::{Collation, Datum, FieldType};

pub(in super::super) static FUNCTIONS: &[Definition] = &[
    of_documents(
        &["json_extract"],
        (2, MANY),
        document_type,
        json_extract,
        "The part of a document that a path finds; of several paths, or of one with wildcards, an array of all.",
    ),
    of_documents(
        &["json_value"],
        (6, 6),
        |_| Ok(FieldType::varchar(512).collate(Collation::Utf8mb4Bin)),
        json_value,
        "The part of a document that a path finds as a value of the type after RETURNING; ON EMPTY and ON ERROR say what it is when \
         there is none, or no such value.",
    ),
    of_documents(
        &["json_contains"],
        (2, 3),
        boolean,
        json_contains,
        "Whether a document, or the part of it that a path finds, contains another.",
    ),
    of_documents(
        &["json_contains_path"],
        (3, MANY),
        boolean,
        json_contains_path,
        "Whether paths find something in a document: 'one' of them or 'all'.",
    ),
    of_documents(
        &["json_overlaps"],
        (2, 2),
        boolean,
        |call| {
            let left = not_null!(call.document(0));
            let right = not_null!(call.document(1));
            call.with_pulse(|pulse| left.as_ref().overlaps(right.as_ref(), pulse)).map(Datum::from)
        },
        "Whether two documents have an element or a member in common.",
    ),
    of_documents(
        &["member of"],
        (2, 2),
        boolean,
        |call| {
            if call.value(0)?.is_null() {
                return Ok(Datum::Null);
            }
            let array = not_null!(call.document(1));
            let value = call.part(0)?;
            call.with_pulse(|pulse| {
                let value = value.to_json(pulse)?;
                value.as_ref().is_member_of(array.as_ref(), pulse)
            })
            .map(Datum::from)
        },
        "Whether a value is an element of an array: `value MEMBER OF(array)`.",
    )
    .makes_documents(),
    of_documents(
        &["json_search"],
        (3, MANY),
        document_type,
        json_search,
        "The paths of the strings in a document that are like a pattern: of 'one' of them or 'all'.",
    ),
    of_documents(&["json_keys"], (1, 2), document_type, json_keys, "The keys of an object."),
];

fn json_extract(call: &Call<'_>) -> SqlResult<Datum> {
    let document = not_null!(call.document(0));
    let paths = not_null!(call.paths(1));
    call.with_pulse(|pulse| document.extract(&paths, pulse)).map(answer)
}

/// A document, or the part of it that the path in an argument finds, which may be left out. The path leads to one part.
fn part(call: &Call<'_>, document: Json, path: usize) -> SqlResult<Option<Json>> {
    if call.args.len() <= path {
        return Ok(Some(document));
    }
    let Some(path) = call.path(path)? else { return Ok(None) };
    let found = call.with_pulse(|pulse| document.as_ref().seek_single(&path, pulse))?;
    Ok(found.map(|part| document.part(part)))
}

pub(super) fn document_part(call: &Call<'_>, path: usize) -> SqlResult<Option<Json>> {
    match call.document(0)? {
        Some(document) => part(call, document, path),
        None => Ok(None),
    }
}

/// JSON_VALUE's arguments: document, path, whether nothing found is an error, what takes its place otherwise, the same of what is no
/// such value.
fn json_value(call: &Call<'_>) -> SqlResult<Datum> {
    let path = not_null!(call.path(1));
    let document = match call.document(0) {
        Ok(document) => not_null!(Ok::<_, SqlError>(document)),
        Err(error) if error.code == errno::INVALID_JSON_TEXT_IN_PARAM => {
            return instead(call, 4, error);
        }
        Err(error) => return Err(error),
    };
    let name = call.definition.name();
    let found = call.with_pulse(|pulse| document.as_ref().seek(&path, pulse))?;
    let part = match found.as_slice() {
        [] => return instead(call, 2, json::missing_value(name)),
        [part] => document.part(*part),
        _ => return instead(call, 4, json::multiple_values(name)),
    };
    let misfit = match part.value_of_type(call.field_type, call.ctx)? {
        Ok(value) => return Ok(value),
        // A container's text, where a text is asked for.
        Err(Misfit::Container) if call.field_type.kind.is_string() => {
            let text = Value::String(part.to_text());
            let text = call.with_pulse(|pulse| text.to_json(pulse))?;
            match text.value_of_type(call.field_type, call.ctx)? {
                Ok(value) => return Ok(value),
                Err(misfit) => misfit,
            }
        }
        Err(misfit) => misfit,
    };
    let target = json::cast_name(call.field_type);
    let (code, message) = match misfit {
        Misfit::Range if call.field_type.kind.is_string() => {
            (errno::DATA_TOO_LONG, format!("Data too long for column '{name}' at row 1"))
        }
        Misfit::Range => json::out_of_range_cast(target, name, 1),
        Misfit::Container | Misfit::Value => json::invalid_cast(target, name, 1),
    };
    instead(call, 4, SqlError::new(code, message))
}

/// What ON EMPTY or ON ERROR, in the arguments from a position on, says is to take the place of an error.
fn instead(call: &Call<'_>, position: usize, error: SqlError) -> SqlResult<Datum> {
    if call.truth(position)? == Some(true) { Err(error) } else { call.value(position + 1) }
}

fn json_contains(call: &Call<'_>) -> SqlResult<Datum> {
    let document = not_null!(call.document(0));
    let candidate = not_null!(call.document(1));
    let document = not_null!(part(call, document, 2));
    call.with_pulse(|pulse| document.as_ref().contains(candidate.as_ref(), pulse)).map(Datum::from)
}

fn json_contains_path(call: &Call<'_>) -> SqlResult<Datum> {
    let document = not_null!(call.document(0));
    let is_one_enough = not_null!(call.is_one(1));
    for position in 2..call.args.len() {
        let path = not_null!(call.path(position));
        let is_there = call.with_pulse(|pulse| document.as_ref().has(&path, pulse))?;
        if is_there == is_one_enough {
            return Ok(Datum::from(is_there));
        }
    }
    Ok(Datum::from(!is_one_enough))
}

fn json_search(call: &Call<'_>) -> SqlResult<Datum> {
    let document = not_null!(call.document(0));
    let is_one_enough = not_null!(call.is_one(1));
    let pattern = not_null!(call.bytes(2));
    let escape = match call.args.len() {
        3 => None,
        _ => call.text(3)?,
    };
    let mut letters = escape.as_deref().unwrap_or("\\").chars();
    let escape = match (letters.next(), letters.next()) {
        (escape, None) => escape.or(Some('\\')),
        (_, Some(_)) => {
            return Err(SqlError::new(errno::WRONG_ARGUMENTS, "Incorrect arguments to ESCAPE"));
        }
    };
    let paths = match call.args.len() {
        0..=4 => Vec::new(),
        _ => not_null!(call.paths(4)),
    };
    let pattern = Pattern::new(&pattern, escape, Collation::Utf8mb4Bin);
    let matches = |text: &str| pattern.matches(text.as_bytes(), call.ctx);
    let found =
        call.with_pulse(|pulse| json::search(&document, is_one_enough, &matches, &paths, pulse));
    found.map(answer)
}

fn json_keys(call: &Call<'_>) -> SqlResult<Datum> {
    let document = not_null!(document_part(call, 1));
    let View::Object(members) = document.as_ref().view() else { return Ok(Datum::Null) };
    let keys = (0..members.len()).map(|at| Value::from(members.key(at)));
    call.built(&Value::Array(keys.collect()))
}
