//! Functions of JSON documents.
//!
//! A document is given as a value of type JSON or as its text. What is put into one may be any value: a text becomes a
//! string then, not the document that it may be the text of.

mod change;
mod describe;
mod make;
mod search;
mod table;
mod value;

use super::call::Call;
use super::definition::{Definition, Eval, Names, Text, TypeRule};
use super::typing::Typing;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::functions::Function;
use crate::sql::types::json::{self, Json, Path, Pulse, Value};
use crate::sql::types::{Collation, Datum, FieldType};

pub(super) use change::FUNCTIONS as CHANGES;
pub(super) use describe::FUNCTIONS as DESCRIPTIONS;
pub(super) use make::FUNCTIONS as MAKERS;
pub(super) use search::FUNCTIONS as SEARCHES;
pub use table::{DocumentColumn, DocumentTable, Fallback};
pub(super) use value::part_of;

/// The result type of what yields a document.
fn document_type(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::json())
}

/// The result type of what yields a document's text.
fn document_text(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::long_text().collate(Collation::Utf8mb4Bin))
}

/// A function whose text, if it yields one, is in the collation that documents have.
const fn of_documents(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    let mut definition = Definition::function(names, arity, result, eval, summary);
    definition.text = Text::AsTyped;
    definition
}

/// A document as an answer.
fn answer(json: Option<Json>) -> Datum {
    json.map_or(Datum::Null, Datum::Json)
}

impl Call<'_> {
    /// Does something long, looking now and then whether the statement is to end.
    fn with_pulse<T>(&self, done: impl FnOnce(&mut Pulse<'_>) -> T) -> T {
        with_pulse(self.ctx, done)
    }

    /// The document that an argument is; `None` for NULL. Error 3141 for a text that is none, 3146 for what is no text.
    fn document(&self, position: usize) -> SqlResult<Option<Json>> {
        let value = self.value(position)?;
        document_of(
            value,
            self.arg_type(position),
            (position + 1, self.definition.name()),
            self.ctx,
        )
    }

    /// The path that an argument is; `None` for NULL.
    fn path(&self, position: usize) -> SqlResult<Option<Path>> {
        let Some(bytes) = self.bytes(position)? else { return Ok(None) };
        if self.is_binary(position) {
            return Err(binary_text());
        }
        Path::parse(&String::from_utf8_lossy(&bytes)).map(Some)
    }

    /// The paths that the arguments from a position on are; `None` if one is NULL.
    fn paths(&self, from: usize) -> SqlResult<Option<Vec<Path>>> {
        (from..self.args.len()).map(|position| self.path(position)).collect()
    }

    /// An argument as a part of a document: a text is a string.
    fn part(&self, position: usize) -> SqlResult<Value> {
        let value = self.value(position)?;
        let is_truth = is_truth(&self.args[position]);
        Ok(part_of(value, self.arg_type(position), is_truth))
    }

    /// Whether 'one' is asked for, not 'all'; `None` for NULL. Error 3154 for anything else.
    fn is_one(&self, position: usize) -> SqlResult<Option<bool>> {
        Ok(match self.text(position)? {
            None => None,
            Some(word) if word.eq_ignore_ascii_case("one") => Some(true),
            Some(word) if word.eq_ignore_ascii_case("all") => Some(false),
            Some(_) => return Err(json::bad_one_or_all(self.definition.name())),
        })
    }

    /// A tree as an answer.
    fn built(&self, value: &Value) -> SqlResult<Datum> {
        self.with_pulse(|pulse| value.to_json(pulse)).map(Datum::Json)
    }
}

fn with_pulse<T>(ctx: &EvalContext, done: impl FnOnce(&mut Pulse<'_>) -> T) -> T {
    let check = || ctx.check_interrupted();
    done(&mut Pulse::new(&check))
}

/// The document that a value is: an argument, counted from 1, of a function.
fn document_of(
    value: Datum,
    field_type: &FieldType,
    (argument, function): (usize, &str),
    ctx: &EvalContext,
) -> SqlResult<Option<Json>> {
    let text = match value {
        Datum::Null => return Ok(None),
        Datum::Json(json) => return Ok(Some(json)),
        Datum::Bytes(_) if field_type.is_binary_string() => return Err(binary_text()),
        Datum::Bytes(text) => text,
        Datum::Member(member) => member.text,
        Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Time(_)
        | Datum::Duration(_) => return Err(json::not_json(argument, function)),
    };
    let text = String::from_utf8_lossy(&text);
    with_pulse(ctx, |pulse| {
        let value = json::parse(&text, pulse);
        value.map_err(|fault| fault.in_argument(argument, function))?.to_json(pulse).map(Some)
    })
}

/// Error 3144.
fn binary_text() -> SqlError {
    SqlError::new(
        errno::INVALID_JSON_CHARSET,
        "Cannot create a JSON value from a string with CHARACTER SET 'binary'.",
    )
}

/// Whether an expression yields a truth value, which is `true` or `false` in a document, and not 1 or 0.
pub(super) fn is_truth(expr: &Expr) -> bool {
    let Expr::Call { function, .. } = expr else { return false };
    function.is_comparison()
        || matches!(
            function,
            Function::In
                | Function::InRows
                | Function::Between
                | Function::And
                | Function::Or
                | Function::Xor
                | Function::Not
                | Function::IsTrue
                | Function::IsFalse
                | Function::IsNull
                | Function::Like
                | Function::Regexp
        )
}

/// CAST(… AS JSON): a text is that of a document.
pub(super) fn cast_as_json(call: &Call<'_>, value: Datum) -> SqlResult<Datum> {
    let field_type = call.arg_type(0);
    match value {
        Datum::Bytes(_) if !field_type.is_binary_string() => {
            document_of(value, field_type, (1, "cast_as_json"), call.ctx).map(answer)
        }
        Datum::Member(_) => {
            document_of(value, field_type, (1, "cast_as_json"), call.ctx).map(answer)
        }
        value => call.built(&part_of(value, field_type, is_truth(&call.args[0]))),
    }
}

/// Error 1582 for arguments that are to come in pairs.
fn wrong_arity(call: &Call<'_>) -> SqlError {
    SqlError::new(
        errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
        format!(
            "Incorrect parameter count in the call to native function '{}'",
            call.definition.name()
        ),
    )
}
