//! JSON documents.
//!
//! A [`Json`] is a document in binary form: what it is, and bytes in which a member or an element is found without reading
//! the others. [`JsonRef`] reads it, [`Value`] is the tree that one is built of; whatever changes a document opens only the
//! containers on its way, and takes the rest over as the bytes they are. Around them: [`parse`] and [`print`] for text,
//! [`Path`] for path expressions, [`JsonRef::compare`] for the order of documents.
//!
//! Nothing goes deeper than [`MAX_DEPTH`], so that recursion is bounded; long work looks at its [`Pulse`] now and then.

mod aggregate;
mod cell;
mod compare;
mod contains;
mod convert;
mod encode;
mod errors;
mod merge;
mod modify;
mod number;
mod parse;
mod path;
mod print;
mod read;
mod schema;
mod search;
mod seek;
mod table;
#[cfg(test)]
mod tests;
mod value;

use bytes::Bytes;

pub use aggregate::{JsonArrayState, JsonObjectState};
pub use cell::{Misfit, cast_name};
pub use errors::{
    bad_one_or_all, cell_is_container, cell_is_missing, cell_out_of_range, invalid_cast,
    invalid_text, invalid_text_in_argument, missing_value, multiple_values, not_an_object,
    not_json, null_key, out_of_range_cast,
};
pub use merge::{merge_patch, merge_patch_all, merge_preserve};
pub use modify::{Change, array_append, array_insert, change, check_removable, remove};
pub use parse::{Fault, parse, parse_string};
pub use path::{ArrayIndex, Leg, Path};
pub use print::quote;
pub use read::{Container, JsonRef, View};
pub use schema::{Failure, MatchesPattern, SchemaReport, validate};
pub use search::{Matches, search};
pub use table::{Cell, ColumnSource, TableColumn, TablePath};
pub use value::{Members, Value};

use crate::common::SqlResult;

/// How deep documents are at most: so many arrays and objects in each other.
pub const MAX_DEPTH: usize = 100;

/// What looks whether the statement is to end: an error if it is.
pub type Check<'a> = &'a dyn Fn() -> SqlResult<()>;

/// Steps between two looks.
const STEPS: u32 = 1 << 12;

/// Counts the steps of long work, and looks now and then whether the statement is to end.
pub struct Pulse<'a> {
    check: Check<'a>,
    steps: u32,
}

impl<'a> Pulse<'a> {
    /// Counts from 0.
    pub fn new(check: Check<'a>) -> Pulse<'a> {
        Pulse { check, steps: 0 }
    }

    /// Looks at nothing.
    pub fn unwatched() -> Pulse<'static> {
        Pulse { check: &|| Ok(()), steps: 0 }
    }

    /// A step.
    pub(crate) fn beat(&mut self) -> SqlResult<()> {
        self.steps += 1;
        if self.steps >= STEPS {
            self.steps = 0;
            return (self.check)();
        }
        Ok(())
    }
}

/// A document in binary form. Cloning it copies no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json {
    kind: u8,
    body: Bytes,
}

impl Json {
    /// JSON's null.
    pub fn null() -> Json {
        Json { kind: read::kind::LITERAL, body: Bytes::from_static(&[read::kind::NULL]) }
    }

    /// `true` or `false`.
    pub fn truth(truth: bool) -> Json {
        let body: &[u8] = if truth { &[read::kind::TRUE] } else { &[read::kind::FALSE] };
        Json { kind: read::kind::LITERAL, body: Bytes::from_static(body) }
    }

    /// The document that [`Json::write_to`] wrote; `None` for no bytes at all. Bytes that are no document read as nulls.
    pub fn from_stored(stored: &Bytes) -> Option<Json> {
        let kind = *stored.first()?;
        Some(Json { kind, body: stored.slice(1..) })
    }

    /// Appends it as it is stored.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        out.extend_from_slice(&self.body);
    }

    /// It as it is stored.
    pub fn to_stored(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(self.stored_size());
        self.write_to(&mut stored);
        stored
    }

    /// Bytes it takes.
    pub fn stored_size(&self) -> usize {
        1 + self.body.len()
    }

    /// For reading.
    pub fn as_ref(&self) -> JsonRef<'_> {
        JsonRef::new(self.kind, &self.body)
    }

    /// A part of this document as one of its own, without copying it.
    pub fn part(&self, part: JsonRef<'_>) -> Json {
        Json { kind: part.kind(), body: self.body.slice_ref(part.bytes()) }
    }

    /// Its text.
    pub fn to_text(&self) -> String {
        self.as_ref().to_text()
    }
}
