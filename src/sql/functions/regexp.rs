//! REGEXP and REGEXP_LIKE: regular expressions, as ICU reads them and MySQL 8.0 with it.
//!
//! A pattern is read into a tree ([`parse`]). Most trees are matched by an automaton, in time linear in the text ([`linear`]); those
//! with look-around, back references, possessive quantifiers or atomic groups cannot be, and are tried out, within bounds
//! ([`backtrack`]). Both look at the statement's interrupt as they go.

mod backtrack;
mod linear;
mod parse;
mod program;
mod regex;
mod search;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{Flags, Regex};

use super::call::{Call, not_null};
use super::definition::{Definition, Nulls, Numbers};
use super::typing::{compared, like_first, position_in_text};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::types::Datum;

pub(super) static REGEXP: Definition = Definition::function(
    &["regexp"],
    (2, 2),
    compared,
    regexp,
    "Whether a regular expression fits somewhere in a text; also RLIKE.",
)
.form()
.nulls(Nulls::OfArguments);

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::function(
        &["regexp_like"],
        (2, 3),
        compared,
        regexp,
        "Whether a regular expression fits somewhere in a text, by the letters of the third argument (`c`, `i`, `m`, `n`, `u`).",
    )
    .nulls(Nulls::OfArguments),
    Definition::function(
        &["regexp_instr"],
        (2, 6),
        position_in_text,
        search::instr,
        "Where a regular expression fits: text, pattern, where to begin, which match, whether its end is asked for, letters.",
    )
    .numbers(Numbers::At(&[2, 3, 4])),
    Definition::function(
        &["regexp_substr"],
        (2, 5),
        like_first,
        search::substr,
        "What a regular expression fits: text, pattern, where to begin, which match, letters.",
    )
    .text_of_arguments()
    .numbers(Numbers::At(&[2, 3])),
    Definition::function(
        &["regexp_replace"],
        (3, 6),
        |typing| typing.text_of(&typing.args[..2], u64::from(u32::MAX)),
        search::replace,
        "The text with what a regular expression fits replaced: text, pattern, what for, where to begin, which match (0: all), letters.",
    )
    .text_of_arguments()
    .numbers(Numbers::At(&[3, 4])),
];

/// Patterns that a statement keeps compiled.
const KEPT: usize = 16;

/// The patterns that a statement has compiled, not more than a few.
#[derive(Debug, Default)]
pub(in crate::sql) struct Regexes(BTreeMap<(String, Flags), Arc<Regex>>);

impl Regexes {
    /// Drops all of them.
    pub(in crate::sql) fn clear(&mut self) {
        self.0.clear();
    }

    fn compiled(&mut self, pattern: String, flags: Flags) -> SqlResult<Arc<Regex>> {
        let key = (pattern, flags);
        if let Some(regex) = self.0.get(&key) {
            return Ok(Arc::clone(regex));
        }
        let regex = Arc::new(Regex::new(&key.0, flags)?);
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(key, Arc::clone(&regex));
        Ok(regex)
    }
}

/// The pattern of a call, with the letters of an argument if there is one; `None`: one of them is NULL.
fn pattern(call: &Call<'_>, letters: usize) -> SqlResult<Option<Arc<Regex>>> {
    let Some(pattern) = call.text(1)? else { return Ok(None) };
    let mut flags = Flags { ignore_case: call.collation().ignores_case(), ..Flags::default() };
    if call.args.len() > letters {
        let Some(letters) = call.text(letters)? else { return Ok(None) };
        for flag in letters.chars() {
            match flag {
                'i' => flags.ignore_case = true,
                'c' => flags.ignore_case = false,
                'm' => flags.multi_line = true,
                'n' => flags.dot_all = true,
                'u' => flags.unix_lines = true,
                _ => return Err(wrong_arguments(call.definition.name())),
            }
        }
    }
    call.ctx.regexes.lock().compiled(pattern, flags).map(Some)
}

/// Whether a pattern fits somewhere in a text.
pub(super) fn matches_pattern(ctx: &EvalContext, pattern: &str, text: &str) -> SqlResult<bool> {
    let regex = ctx.regexes.lock().compiled(pattern.to_owned(), Flags::default())?;
    regex.is_match(text, ctx)
}

fn wrong_arguments(what: &str) -> SqlError {
    SqlError::new(errno::WRONG_ARGUMENTS, format!("Incorrect arguments to {what}"))
}

fn regexp(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.text(0));
    let regex = not_null!(pattern(call, 2));
    Ok(Datum::from(regex.is_match(&text, call.ctx)?))
}
