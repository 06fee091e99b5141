//! A pattern, ready to be matched.

use super::{backtrack, linear, parse, program, tree};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;

/// Bytes of the text of a pattern.
const PATTERN_BYTES: usize = 1 << 16;

/// How letters are compared and what anchors mean, as `match_type` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flags {
    /// `i`.
    pub(super) ignore_case: bool,
    /// `m`: ^ and $ are about lines.
    pub(super) multi_line: bool,
    /// `n`: a dot is any letter.
    pub(super) dot_all: bool,
    /// `u`: only \n ends a line.
    pub(super) unix_lines: bool,
    /// `x`: blanks and comments in the pattern are for people. Only the pattern can say so.
    pub(super) extended: bool,
}

/// Where the groups of a match begin and end, the whole match first; `None`: the group has matched nothing.
pub(super) type Groups = Vec<Option<(usize, usize)>>;

/// A pattern, ready to be matched.
#[derive(Debug)]
pub(super) struct Regex {
    /// `None`: the pattern needs the other.
    linear: Option<linear::Linear>,
    program: program::Program,
    /// Whether an end of line at the text's end matters.
    dollar: bool,
}

impl Regex {
    /// Reads a pattern. Errors 3685 and on.
    pub(super) fn new(pattern: &str, flags: Flags) -> SqlResult<Regex> {
        if pattern.len() > PATTERN_BYTES {
            return Err(too_big());
        }
        let parsed = parse::parse(pattern, flags)?;
        let linear = if parsed.tries { None } else { Some(linear::Linear::new(&parsed)?) };
        let program = program::Program::new(&parsed)?;
        Ok(Regex { linear, program, dollar: parsed.dollar })
    }

    /// Whether it is found in a text.
    pub(super) fn is_match(&self, text: &str, ctx: &EvalContext) -> SqlResult<bool> {
        match &self.linear {
            Some(linear) if !(self.dollar && text.ends_with(tree::is_line_end)) => {
                linear.is_match(text, ctx)
            }
            _ => Ok(backtrack::find(&self.program, text, 0, ctx)?.is_some()),
        }
    }

    /// The first match at a place or behind it.
    pub(super) fn find(
        &self,
        text: &str,
        start: usize,
        ctx: &EvalContext,
    ) -> SqlResult<Option<Groups>> {
        backtrack::find(&self.program, text, start, ctx)
    }
}

/// Error 3700.
pub(super) fn too_big() -> SqlError {
    SqlError::new(
        errno::REGEXP_PATTERN_TOO_BIG,
        "The regular expression pattern exceeds limits on size or complexity.",
    )
}

/// Error 3699.
pub(super) fn timeout() -> SqlError {
    SqlError::new(errno::REGEXP_TIME_OUT, "Timeout exceeded in regular expression match.")
}
