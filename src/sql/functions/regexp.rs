//! REGEXP and REGEXP_LIKE.
//!
//! A pattern is matched in time linear in the text. Look-around and back references cannot be matched so, and are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::call::{Call, not_null};
use super::definition::{Definition, Nulls};
use super::typing::compared;
use crate::common::{SqlError, SqlResult, errno};
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

pub(super) static FUNCTIONS: &[Definition] = &[Definition::function(
    &["regexp_like"],
    (2, 3),
    compared,
    regexp,
    "Whether a regular expression fits somewhere in a text, by the letters of the third argument (`c`, `i`, `m`, `n`, `u`).",
)
.nulls(Nulls::OfArguments)];

/// Bytes that a compiled pattern may take.
const PROGRAM_BYTES: usize = 1 << 20;
/// Bytes that the automaton built while matching may take.
const CACHE_BYTES: usize = 1 << 20;
/// Bytes of the text of a pattern.
const PATTERN_BYTES: usize = 1 << 16;
/// Letters of the text times letters of the pattern: what a match costs at worst.
const MATCH_COST: u64 = 1 << 34;
/// Patterns that a statement keeps compiled.
const KEPT: usize = 16;

/// The patterns that a statement has compiled, not more than a few.
#[derive(Debug, Default)]
pub(in crate::sql) struct Regexes(BTreeMap<String, Arc<regex::Regex>>);

impl Regexes {
    /// Drops all of them.
    pub(in crate::sql) fn clear(&mut self) {
        self.0.clear();
    }

    fn compiled(&mut self, source: &str) -> SqlResult<Arc<regex::Regex>> {
        if let Some(regex) = self.0.get(source) {
            return Ok(Arc::clone(regex));
        }
        let regex = Arc::new(compile(source)?);
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(source.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }
}

fn refused(reason: impl std::fmt::Display) -> SqlError {
    SqlError::new(errno::REGEXP, format!("Got error '{reason}' from regexp"))
}

fn timeout() -> SqlError {
    SqlError::new(errno::REGEXP_TIME_OUT, "Timeout exceeded in regular expression match.")
}

fn compile(source: &str) -> SqlResult<regex::Regex> {
    if source.len() > PATTERN_BYTES {
        return Err(refused("the pattern is too large"));
    }
    let compiled = regex::RegexBuilder::new(source)
        .size_limit(PROGRAM_BYTES)
        .dfa_size_limit(CACHE_BYTES)
        .build();
    let error = match compiled {
        Ok(regex) => return Ok(regex),
        Err(regex::Error::CompiledTooBig(_)) => return Err(refused("the pattern is too large")),
        Err(error) => error.to_string(),
    };
    if error.contains("look-around") {
        return Err(SqlError::unsupported("look-around in REGEXP"));
    }
    if error.contains("backreferences") {
        return Err(SqlError::unsupported("back references in REGEXP"));
    }
    let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
    Err(refused(reason))
}

fn regexp(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.text(0));
    let pattern = not_null!(call.text(1));
    let mut ignore_case = call.collation().ignores_case();
    let mut flags = String::new();
    if call.args.len() > 2 {
        for flag in not_null!(call.text(2)).chars() {
            match flag {
                'i' => ignore_case = true,
                'c' => ignore_case = false,
                'm' => flags.push('m'),
                'n' => flags.push('s'),
                'u' => {}
                _ => {
                    return Err(SqlError::new(
                        errno::WRONG_ARGUMENTS,
                        "Incorrect arguments to regexp_like",
                    ));
                }
            }
        }
    }
    if ignore_case {
        flags.push('i');
    }
    let source = if flags.is_empty() { pattern } else { format!("(?{flags}){pattern}") };
    let regex = call.ctx.regexes.lock().compiled(&source)?;
    call.ctx.check_interrupted()?;
    // Not all of it can be looked at in pieces, so what would take minutes at worst is not begun.
    if (text.len() as u64).saturating_mul(source.len() as u64) > MATCH_COST {
        return Err(timeout());
    }
    Ok(Datum::from(regex.is_match(&text)))
}
