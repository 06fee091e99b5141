//! What documents are.

use super::super::call::{Call, not_null};
use super::super::definition::{Definition, Eval, Names, TypeRule};
use super::super::regexp::matches_pattern;
use super::super::typing::{bigint, boolean};
use super::search::document_part;
use super::{document_text, document_type, of_documents};
use crate::common::SqlResult;
use crate::sql::types::json::{self, Fault, SchemaReport, View};
use crate::sql::types::{Collation, Datum, FieldType};

const fn of_one(names: Names, result: TypeRule, eval: Eval, summary: &'static str) -> Definition {
    of_documents(names, (1, 1), result, eval, summary)
}

pub(in super::super) static FUNCTIONS: &[Definition] = &[
    of_one(
        &["json_depth"],
        bigint,
        |call| {
            let document = not_null!(call.document(0));
            let depth = call.with_pulse(|pulse| document.as_ref().depth(pulse))?;
            Ok(Datum::Int(depth as i64))
        },
        "How deep a document is; scalars and what is empty are 1 deep.",
    ),
    of_documents(
        &["json_length"],
        (1, 2),
        bigint,
        |call| {
            let document = not_null!(document_part(call, 1));
            Ok(Datum::Int(document.as_ref().length() as i64))
        },
        "How many elements or members a document, or the part of it that a path finds, has; a scalar has one.",
    ),
    of_one(
        &["json_type"],
        |_| Ok(FieldType::varchar(17).collate(Collation::Utf8mb4Bin)),
        |call| Ok(Datum::from(not_null!(call.document(0)).as_ref().type_name())),
        "What a document is: `OBJECT`, `ARRAY`, `STRING`, `INTEGER` and so on.",
    ),
    of_one(&["json_valid"], boolean, json_valid, "Whether a text is that of a document."),
    of_one(
        &["json_pretty"],
        document_text,
        |call| {
            let document = not_null!(call.document(0));
            call.with_pulse(|pulse| document.to_pretty_text(pulse)).map(Datum::from)
        },
        "The text of a document, each element in a line of its own.",
    ),
    of_one(
        &["json_storage_size"],
        bigint,
        |call| Ok(Datum::Int(not_null!(call.document(0)).stored_size() as i64)),
        "Bytes that a document takes in a column.",
    ),
    of_one(
        &["json_storage_free"],
        bigint,
        |call| {
            not_null!(call.document(0));
            // Documents are written anew when they change.
            Ok(Datum::Int(0))
        },
        "Bytes that were freed in a column by changes to a document.",
    ),
    of_documents(
        &["json_schema_valid"],
        (2, 2),
        boolean,
        |call| Ok(report(call)?.map_or(Datum::Null, |report| Datum::from(report.failure.is_none()))),
        "Whether a document is as a schema says.",
    ),
    of_documents(
        &["json_schema_validation_report"],
        (2, 2),
        document_type,
        |call| match report(call)? {
            Some(report) => call.built(&report.to_value()),
            None => Ok(Datum::Null),
        },
        "Whether a document is as a schema says, and if not, where and why.",
    ),
];

fn json_valid(call: &Call<'_>) -> SqlResult<Datum> {
    let text = match call.value(0)? {
        Datum::Null => return Ok(Datum::Null),
        Datum::Json(_) => return Ok(Datum::from(true)),
        Datum::Bytes(_) if call.is_binary(0) => return Ok(Datum::from(false)),
        Datum::Bytes(text) => text,
        Datum::Member(member) => member.text,
        Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Time(_)
        | Datum::Duration(_) => return Ok(Datum::from(false)),
    };
    let text = String::from_utf8_lossy(&text);
    match call.with_pulse(|pulse| json::parse(&text, pulse)) {
        Ok(_) => Ok(Datum::from(true)),
        Err(Fault::Text { .. }) => Ok(Datum::from(false)),
        // Too deep, or the statement is to end.
        Err(Fault::Error(error)) => Err(error),
    }
}

fn report(call: &Call<'_>) -> SqlResult<Option<SchemaReport>> {
    let Some(schema) = call.document(0)? else { return Ok(None) };
    if !matches!(schema.as_ref().view(), View::Object(_)) {
        return Err(json::not_an_object(1, call.definition.name()));
    }
    let Some(document) = call.document(1)? else { return Ok(None) };
    let matches = |pattern: &str, text: &str| matches_pattern(call.ctx, pattern, text);
    let report = call
        .with_pulse(|pulse| json::validate(schema.as_ref(), document.as_ref(), &matches, pulse));
    report.map(Some)
}
