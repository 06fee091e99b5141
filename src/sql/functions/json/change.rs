//! Documents changed.

use super::super::call::{Call, not_null};
use super::super::definition::{Definition, Eval, MANY, Names};
use super::{document_type, of_documents, wrong_arity};
use crate::common::SqlResult;
use crate::sql::types::Datum;
use crate::sql::types::json::{self, Change, Path, Value};

const fn of_pairs(names: Names, eval: Eval, summary: &'static str) -> Definition {
    of_documents(names, (3, MANY), document_type, eval, summary).makes_documents()
}

const fn of_many(names: Names, eval: Eval, summary: &'static str) -> Definition {
    of_documents(names, (2, MANY), document_type, eval, summary)
}

pub(in super::super) static FUNCTIONS: &[Definition] = &[
    of_pairs(
        &["json_set"],
        |call| {
            changed(call, |document, path, value| json::change(document, path, value, Change::Set))
        },
        "The document with values at paths, whether something is there or not.",
    ),
    of_pairs(
        &["json_insert"],
        |call| {
            changed(call, |document, path, value| {
                json::change(document, path, value, Change::Insert)
            })
        },
        "The document with values at paths where nothing is.",
    ),
    of_pairs(
        &["json_replace"],
        |call| {
            changed(call, |document, path, value| {
                json::change(document, path, value, Change::Replace)
            })
        },
        "The document with values at paths where something is.",
    ),
    of_pairs(
        &["json_array_append"],
        |call| changed(call, json::array_append),
        "The document with values behind the arrays that paths lead to.",
    ),
    of_pairs(
        &["json_array_insert"],
        |call| changed(call, json::array_insert),
        "The document with values in front of the elements that paths lead to.",
    ),
    of_many(&["json_remove"], json_remove, "The document without what paths lead to."),
    of_many(
        &["json_merge_preserve", "json_merge"],
        merge_preserve,
        "The documents as one, with all that is in them.",
    ),
    of_many(
        &["json_merge_patch"],
        |call| {
            let documents = (0..call.args.len()).map(|position| call.document(position));
            let documents = documents.collect::<SqlResult<Vec<_>>>()?;
            let merged = call.with_pulse(|pulse| json::merge_patch_all(documents, pulse))?;
            merged.map_or(Ok(Datum::Null), |merged| call.built(&merged))
        },
        "The documents as one, in which later ones take the place of what is in earlier ones.",
    ),
];

/// The document after a change for each pair of a path and a value.
fn changed(
    call: &Call<'_>,
    change: fn(&mut Value, &Path, Value) -> SqlResult<()>,
) -> SqlResult<Datum> {
    if call.args.len().is_multiple_of(2) {
        return Err(wrong_arity(call));
    }
    let mut document = Value::Stored(not_null!(call.document(0)));
    for position in (1..call.args.len()).step_by(2) {
        let path = not_null!(call.path(position));
        change(&mut document, &path, call.part(position + 1)?)?;
    }
    call.built(&document)
}

fn json_remove(call: &Call<'_>) -> SqlResult<Datum> {
    let document = call.document(0)?;
    let paths = not_null!(call.paths(1));
    let mut document = Value::Stored(not_null!(Ok::<_, crate::common::SqlError>(document)));
    for path in &paths {
        json::check_removable(path)?;
    }
    for path in &paths {
        json::remove(&mut document, path)?;
    }
    call.built(&document)
}

fn merge_preserve(call: &Call<'_>) -> SqlResult<Datum> {
    let mut merged: Option<Value> = None;
    let mut has_null = false;
    for position in 0..call.args.len() {
        let Some(document) = call.document(position)? else {
            has_null = true;
            continue;
        };
        let document = Value::Stored(document);
        merged = Some(match merged {
            None => document,
            Some(known) => call.with_pulse(|pulse| json::merge_preserve(known, document, pulse))?,
        });
    }
    match merged.filter(|_| !has_null) {
        Some(merged) => call.built(&merged),
        None => Ok(Datum::Null),
    }
}
