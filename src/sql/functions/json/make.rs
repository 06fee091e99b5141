//! Documents made of values, and strings of documents.

use super::super::call::{Call, not_null};
use super::super::definition::{Definition, MANY, Nulls};
use super::super::typing::string_of;
use super::{document_text, document_type, of_documents};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::json::{self, Members, Value, View};
use crate::sql::types::{Collation, Datum};

pub(in super::super) static FUNCTIONS: &[Definition] = &[
    of_documents(
        &["json_array"],
        (0, MANY),
        document_type,
        |call| {
            let parts = (0..call.args.len()).map(|position| call.part(position));
            call.built(&Value::Array(parts.collect::<SqlResult<_>>()?))
        },
        "An array of the values.",
    )
    .makes_documents()
    .nulls(Nulls::Never),
    of_documents(
        &["json_object"],
        (0, MANY),
        document_type,
        json_object,
        "An object of keys, each with the value after it.",
    )
    .makes_documents()
    .nulls(Nulls::Never),
    of_documents(
        &["json_quote"],
        (1, 1),
        |typing| {
            let length = typing.width(0).saturating_mul(6).saturating_add(2);
            Ok(string_of(u32::try_from(length).unwrap_or(u32::MAX)).collate(Collation::Utf8mb4Bin))
        },
        |call| {
            if call.arg_type(0).kind.is_textual() || call.value(0)?.is_null() {
                return Ok(Datum::from(json::quote(&not_null!(call.text(0)))));
            }
            Err(SqlError::new(
                errno::WRONG_ARGUMENTS,
                "Incorrect type for argument 1 in function json_quote.",
            ))
        },
        "The text as a string of a document.",
    ),
    of_documents(
        &["json_unquote"],
        (1, 1),
        document_text,
        json_unquote,
        "The text that a string of a document is of; other documents as they are printed.",
    ),
];

fn json_object(call: &Call<'_>) -> SqlResult<Datum> {
    let count = call.args.len();
    if count % 2 == 1 {
        return Err(super::wrong_arity(call));
    }
    let mut members = Vec::with_capacity(count / 2);
    for position in (0..count).step_by(2) {
        let key = call.text(position)?.ok_or_else(json::null_key)?;
        members.push((key, call.part(position + 1)?));
    }
    call.built(&Value::Object(Members::from_any(members)))
}

fn json_unquote(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = match call.value(0)? {
        Datum::Null => return Ok(Datum::Null),
        Datum::Json(json) => {
            return Ok(match json.as_ref().view() {
                View::String(text) => Datum::from(text),
                _ => Datum::from(unquoted(&json.to_text())),
            });
        }
        value => value.to_bytes_as(call.arg_type(0)),
    };
    let text = String::from_utf8_lossy(&bytes);
    if text.len() < 2 || !text.starts_with('"') || !text.ends_with('"') {
        return Ok(Datum::Bytes(bytes));
    }
    let string = call.with_pulse(|pulse| json::parse_string(&text, pulse));
    let string = string.map_err(|fault| fault.in_argument(1, call.definition.name()))?;
    Ok(string.map_or_else(|| Datum::from(text.as_ref()), Datum::from))
}

/// Dates and bytes are printed in quotation marks, but need no escapes.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}
