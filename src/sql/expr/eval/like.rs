//! LIKE and REGEXP.

use std::sync::Arc;

use super::{Call, not_null};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Function;
use crate::sql::types::{Collation, Datum, utf8};

/// A LIKE pattern, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql::expr) struct Pattern {
    parts: Vec<Part>,
    collation: Collation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// This letter, folded.
    Letter(u32),
    /// `_`.
    AnyOne,
    /// `%`.
    AnyMany,
}

/// A string as the units LIKE matches: bytes or folded letters.
fn units(text: &[u8], collation: Collation) -> Vec<u32> {
    match collation {
        Collation::Binary => text.iter().map(|byte| u32::from(*byte)).collect(),
        _ => utf8(text).chars().map(|letter| collation.fold(letter)).collect(),
    }
}

impl Pattern {
    pub(in crate::sql::expr) fn new(
        pattern: &[u8],
        escape: Option<char>,
        collation: Collation,
    ) -> Pattern {
        let letters: Vec<char> = match collation {
            Collation::Binary => pattern.iter().map(|byte| char::from(*byte)).collect(),
            _ => utf8(pattern).chars().collect(),
        };
        let fold = |letter: char| match collation {
            Collation::Binary => u32::from(letter),
            _ => collation.fold(letter),
        };
        let mut parts = Vec::with_capacity(letters.len());
        let mut at = 0;
        while at < letters.len() {
            let letter = letters[at];
            if Some(letter) == escape && at + 1 < letters.len() {
                at += 1;
                parts.push(Part::Letter(fold(letters[at])));
            } else {
                parts.push(match letter {
                    '%' => Part::AnyMany,
                    '_' => Part::AnyOne,
                    letter => Part::Letter(fold(letter)),
                });
            }
            at += 1;
        }
        Pattern { parts, collation }
    }

    pub(in crate::sql::expr) fn matches(&self, text: &[u8]) -> bool {
        let text = units(text, self.collation);
        let (mut at, mut part) = (0, 0);
        // Where to go on when what follows the last `%` does not match: that `%`, and one letter further.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match self.parts.get(part) {
                Some(Part::AnyMany) => {
                    retry = Some((part, at));
                    part += 1;
                    continue;
                }
                Some(Part::AnyOne) if at < text.len() => {
                    (at, part) = (at + 1, part + 1);
                    continue;
                }
                Some(Part::Letter(letter)) if text.get(at) == Some(letter) => {
                    (at, part) = (at + 1, part + 1);
                    continue;
                }
                None if at == text.len() => return true,
                _ => {}
            }
            match retry {
                Some((many, from)) if from < text.len() => {
                    retry = Some((many, from + 1));
                    (at, part) = (from + 1, many + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Call<'_> {
    pub(super) fn matching(&self) -> SqlResult<Datum> {
        if self.function != Function::Like {
            return self.regexp();
        }
        let text = not_null!(self.bytes(0));
        let pattern = not_null!(self.bytes(1));
        let escape = self.escape()?;
        Ok(Datum::from(Pattern::new(&pattern, escape, self.collation()).matches(&text)))
    }

    /// The escape character: a backslash unless said otherwise; an empty text means none.
    pub(super) fn escape(&self) -> SqlResult<Option<char>> {
        if self.args.len() < 3 {
            let none = self.ctx.sql_mode.contains(crate::sql::types::SqlMode::NO_BACKSLASH_ESCAPES);
            return Ok(if none { None } else { Some('\\') });
        }
        let text = self.text(2)?.unwrap_or_else(|| "\\".to_owned());
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (escape, None) => Ok(escape),
            _ => Err(SqlError::new(errno::WRONG_ARGUMENTS, "Incorrect arguments to ESCAPE")),
        }
    }

    fn regexp(&self) -> SqlResult<Datum> {
        let text = not_null!(self.text(0));
        let pattern = not_null!(self.text(1));
        let mut ignore_case = self.collation().ignores_case();
        let mut flags = String::new();
        if self.args.len() > 2 {
            for flag in not_null!(self.text(2)).chars() {
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
        Ok(Datum::from(self.compiled(&source)?.is_match(&text)))
    }

    fn compiled(&self, source: &str) -> SqlResult<Arc<regex::Regex>> {
        let mut known = self.ctx.regexes.lock();
        if let Some(regex) = known.get(source) {
            return Ok(Arc::clone(regex));
        }
        let regex = regex::Regex::new(source).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            SqlError::new(errno::REGEXP, format!("Got error '{reason}' from regexp"))
        })?;
        let regex = Arc::new(regex);
        known.insert(source.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }
}
