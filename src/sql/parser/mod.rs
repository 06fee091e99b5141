//! Text to syntax tree.
//!
//! The crate `sqlparser` reads the text, in a dialect of ours ([`dialect`]) that says how MySQL cuts it into tokens and
//! how tightly its operators bind. Its tree is then lowered into [`ast`] ([`lower`]), which is what the binder knows: a
//! node of sqlparser's that says something else is refused by name. What sqlparser has no grammar for, or another one
//! than MySQL's (most statements about the session and the schema), is read from its token stream by the rules of one
//! file per family ([`cursor`] has the steps they are made of).
//!
//! Three habits of MySQL's need the text at hand, so every token's span is its bytes ([`tokens`]):
//!
//! - a syntax error quotes the text from the offending token on, with its line (error 1064);
//! - a result column without an alias is named by the text of its expression (`SELECT 1+ 1` yields `1+ 1`);
//! - how the text is cut into tokens depends on `sql_mode` (ANSI_QUOTES, NO_BACKSLASH_ESCAPES, PIPES_AS_CONCAT) and on
//!   executable comments (`/*!40101 … */`), and its strings need not be UTF-8 (`_binary'…'`).
//!
//! Nothing is skipped: a word the grammar does not know is error 1064, a clause of MySQL's that TroupeDB does not
//! implement is error 1235 naming it. Optimizer hints (`/*+ … */`) are read by [`hints`].
//!
//! Several statements in one text are parsed one at a time ([`parse_one`]): in MySQL the ones before an error have
//! been executed by the time it is seen.

mod account;
mod admin;
mod alter;
pub mod ast;
mod check;
mod column;
mod cursor;
mod data_type;
mod ddl;
mod dialect;
mod dml;
mod escapes;
mod flush;
mod foreign_key;
mod grant;
mod hints;
mod infix;
mod into;
mod keywords;
mod load;
mod lower;
mod match_against;
mod partition;
mod pieces;
mod prefix;
mod program;
mod query;
mod rewrite;
#[cfg(test)]
mod scripts;
mod set;
mod shape;
mod show;
mod statement;
mod subquery;
mod table_options;
#[cfg(test)]
mod tests;
mod text;
mod token_kind;
mod tokens;
mod typed_calls;
mod view;

use std::ops::Range;
use std::sync::Arc;

pub(in crate::sql) use alter::not_instant;
pub use ast::{Hints, Statement};
pub use data_type::parse_data_type;
pub use shape::{DEEPEST, Shape};
pub use text::{ColumnText, as_written, expression_text, parse_expression};

use crate::common::SqlResult;
use crate::sql::expr::Interrupt;
use crate::sql::types::SqlMode;

/// A statement and where it stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedStatement {
    /// The bytes of the statement, without the semicolon after it.
    pub range: Range<usize>,
    /// Where the next statement may begin: past the semicolon, or the end of the text.
    pub next: usize,
    /// How many `?` it has.
    pub parameters: usize,
    /// The first byte of the first `?`.
    pub first_parameter: Option<usize>,
    /// How deep and how large it is.
    pub shape: Shape,
    /// The optimizer hints that have an effect.
    pub hints: Hints,
    /// What there is to say about the text, though it is a statement.
    pub warnings: Vec<ParseWarning>,
    /// The statement.
    pub statement: Statement,
}

/// A warning that the statement begins with when it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseWarning {
    /// MySQL's number.
    pub code: u16,
    /// What is to be known.
    pub message: String,
}

/// Parses a text of one or more statements, separated by semicolons. Error 1065 if there is none.
pub fn parse(sql: &str, sql_mode: SqlMode) -> SqlResult<Vec<ParsedStatement>> {
    let mut statements = Vec::new();
    let mut at = 0;
    loop {
        match parse_one(sql.as_bytes(), at, sql_mode)? {
            Some(statement) => {
                at = statement.next;
                statements.push(statement);
            }
            None if statements.is_empty() => return Err(cursor::empty_query()),
            None => return Ok(statements),
        }
    }
}

/// Parses the first statement at or after byte `start`; `None` if only blanks, comments and semicolons are left.
pub fn parse_one(
    sql: &[u8],
    start: usize,
    sql_mode: SqlMode,
) -> SqlResult<Option<ParsedStatement>> {
    let dialect = dialect::Dialect::new(sql_mode);
    cursor::Parser::new(sql, start, &dialect).parse_next()
}

/// What a long parse looks at on its way.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Ends it.
    pub interrupt: Arc<Interrupt>,
    /// So many bytes the tokens of a statement, and what is made of them, may take about; with more it is error 3170.
    pub memory: usize,
}

/// As [`parse_one`], under watch.
pub fn parse_watched(
    sql: &[u8],
    start: usize,
    sql_mode: SqlMode,
    watch: Watch,
) -> SqlResult<Option<ParsedStatement>> {
    let mut dialect = dialect::Dialect::new(sql_mode);
    dialect.watch = Some(watch);
    let parser = cursor::Parser::try_new(sql, start, &dialect)?;
    let parsed = parser.parse_next();
    // sqlparser tries another reading when one fails: what ended them all is the interrupt.
    dialect.check()?;
    parsed
}

/// What comes of a look at a statement by somebody who has neither time nor stack for a heavy one.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
pub enum Glance {
    /// The statement, as [`parse_one`] gives it.
    Parsed(Option<ParsedStatement>),
    /// It is heavy: [`parse_one`] it where that keeps nobody waiting.
    Heavy,
}

/// Parses the first statement at or after byte `start` if it is light ([`Shape::is_light`]).
pub fn parse_light(sql: &[u8], start: usize, sql_mode: SqlMode) -> SqlResult<Glance> {
    let dialect = dialect::Dialect::new(sql_mode);
    let parser = cursor::Parser::new(sql, start, &dialect);
    if !parser.shape.is_light() {
        return Ok(Glance::Heavy);
    }
    parser.parse_next().map(Glance::Parsed)
}

/// Whether a word can name something without quotes.
pub fn is_plain_name(name: &str) -> bool {
    let mut chars = name.bytes();
    let starts = chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    starts
        && chars.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !keywords::is_reserved(name.as_bytes())
}
