//! Optimizer hints: `/*+ … */` after the first word of SELECT, INSERT, REPLACE, UPDATE and DELETE.
//!
//! MAX_EXECUTION_TIME and SET_VAR have an effect on the statement, those about the order of joins and about indexes on the tables of their own
//! SELECT. The others, and those that name other query blocks, advise an optimizer how to do what is done
//! here in one way; they are read, so that one that is not written as it must be is told of, and come to nothing. As in MySQL, a comment
//! with an error in it is ignored as a whole, with a warning.

use std::ops::Range;

use super::ParseWarning;
use super::ast::{
    Hints, IndexHint, IndexHintKind, IndexPurpose, JoinOrder, JoinOrderKind, Literal,
};
use super::cursor::Parser;
use super::tokens::unquote;
use crate::common::errno;

/// What stands in a hint's parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arguments {
    /// Names of tables, indexes, query blocks or ways to do it.
    Names,
    /// One name.
    Name,
    /// A number of milliseconds.
    Time,
    /// variable = value.
    Variable,
}

/// Every hint of MySQL's.
const HINTS: &[(&str, Arguments)] = &[
    ("BKA", Arguments::Names),
    ("BNL", Arguments::Names),
    ("DERIVED_CONDITION_PUSHDOWN", Arguments::Names),
    ("GROUP_INDEX", Arguments::Names),
    ("HASH_JOIN", Arguments::Names),
    ("INDEX", Arguments::Names),
    ("INDEX_MERGE", Arguments::Names),
    ("JOIN_FIXED_ORDER", Arguments::Names),
    ("JOIN_INDEX", Arguments::Names),
    ("JOIN_ORDER", Arguments::Names),
    ("JOIN_PREFIX", Arguments::Names),
    ("JOIN_SUFFIX", Arguments::Names),
    ("MAX_EXECUTION_TIME", Arguments::Time),
    ("MERGE", Arguments::Names),
    ("MRR", Arguments::Names),
    ("NO_BKA", Arguments::Names),
    ("NO_BNL", Arguments::Names),
    ("NO_DERIVED_CONDITION_PUSHDOWN", Arguments::Names),
    ("NO_GROUP_INDEX", Arguments::Names),
    ("NO_HASH_JOIN", Arguments::Names),
    ("NO_ICP", Arguments::Names),
    ("NO_INDEX", Arguments::Names),
    ("NO_INDEX_MERGE", Arguments::Names),
    ("NO_JOIN_INDEX", Arguments::Names),
    ("NO_MERGE", Arguments::Names),
    ("NO_MRR", Arguments::Names),
    ("NO_ORDER_INDEX", Arguments::Names),
    ("NO_RANGE_OPTIMIZATION", Arguments::Names),
    ("NO_SEMIJOIN", Arguments::Names),
    ("NO_SKIP_SCAN", Arguments::Names),
    ("ORDER_INDEX", Arguments::Names),
    ("QB_NAME", Arguments::Name),
    ("RESOURCE_GROUP", Arguments::Name),
    ("SEMIJOIN", Arguments::Names),
    ("SET_VAR", Arguments::Variable),
    ("SKIP_SCAN", Arguments::Names),
    ("SUBQUERY", Arguments::Names),
];

/// A comment of hints in a text.
#[derive(Clone, Debug)]
pub(super) struct HintComment {
    /// Its bytes, from the slash to the last slash.
    pub(super) range: Range<usize>,
    /// Whether no SELECT stands before that of its own.
    pub(super) leads: bool,
}

/// One that has an effect.
enum Hint {
    Time(u64),
    Variable(String, Literal),
    /// The tables of its SELECT are read in the order of the text.
    FixedOrder,
    /// Which tables are read before which.
    Order(JoinOrder),
    /// Which indexes a table is read by.
    Indexes(String, IndexHint),
}

/// What the hints of a SELECT say of its tables.
#[derive(Default)]
pub(super) struct TableHints {
    /// They are read in the order of the text.
    pub(super) fixed: bool,
    /// Which of them are read before which.
    pub(super) orders: Vec<JoinOrder>,
    /// Which indexes they are read by, with the table's name.
    pub(super) indexes: Vec<(String, IndexHint)>,
}

impl Parser<'_> {
    /// What the hints behind the SELECT at this byte say of its tables.
    pub(super) fn table_hints(&self, select: usize) -> TableHints {
        let mut hints = TableHints::default();
        let words = select + "SELECT".len();
        let behind = |comment: &&HintComment| {
            let between = self.sql.get(words..comment.range.start);
            between.is_some_and(|between| between.iter().all(u8::is_ascii_whitespace))
        };
        let Some(comment) = self.hint_comments.iter().find(behind) else { return hints };
        for (hint, _) in Reader::of(self.sql, comment).hints().unwrap_or_default() {
            match hint {
                Hint::FixedOrder => hints.fixed = true,
                Hint::Order(order) => hints.orders.push(order),
                Hint::Indexes(table, indexes) => hints.indexes.push((table, indexes)),
                Hint::Time(_) | Hint::Variable(..) => {}
            }
        }
        hints
    }

    /// The hints of the statement. `query`: it is a query, which MAX_EXECUTION_TIME is for.
    pub(super) fn hints(&mut self, query: bool) -> Hints {
        let mut hints = Hints::default();
        for comment in std::mem::take(&mut self.hint_comments) {
            match Reader::of(self.sql, &comment).hints() {
                Ok(found) => {
                    for (hint, text) in found {
                        self.add_hint(&mut hints, hint, &text, query && comment.leads);
                    }
                }
                Err(at) => {
                    let message = self.near("Optimizer hint syntax error", at);
                    self.warnings.push(ParseWarning { code: errno::PARSE, message });
                }
            }
        }
        hints
    }

    fn add_hint(&mut self, hints: &mut Hints, hint: Hint, text: &str, query: bool) {
        let known = match &hint {
            Hint::Time(_) => hints.max_execution_time.is_some(),
            Hint::Variable(name, _) => hints.variables.iter().any(|(known, _)| known == name),
            Hint::FixedOrder | Hint::Order(_) | Hint::Indexes(..) => false,
        };
        if known {
            let message = format!("Hint {text} is ignored as conflicting/duplicated");
            self.warnings.push(ParseWarning { code: errno::CONFLICTING_HINT, message });
            return;
        }
        match hint {
            Hint::Time(milliseconds) if query => hints.max_execution_time = Some(milliseconds),
            Hint::Time(_) => self.warnings.push(ParseWarning {
                code: errno::UNSUPPORTED_MAX_EXECUTION_TIME,
                message: "MAX_EXECUTION_TIME hint is supported by top-level standalone SELECT statements only"
                    .to_owned(),
            }),
            Hint::Variable(name, value) => hints.variables.push((name, value)),
            // Its SELECT knows.
            Hint::FixedOrder | Hint::Order(_) | Hint::Indexes(..) => {}
        }
    }
}

/// Reads a comment of hints; an error is the byte where it stands.
struct Reader<'a> {
    sql: &'a [u8],
    range: Range<usize>,
}

type Read<T> = Result<T, usize>;

impl<'a> Reader<'a> {
    fn of(sql: &'a [u8], comment: &HintComment) -> Reader<'a> {
        Reader { sql, range: comment.range.start + 3..comment.range.end - 2 }
    }
}

impl Reader<'_> {
    fn hints(&mut self) -> Read<Vec<(Hint, String)>> {
        let mut found = Vec::new();
        let mut count = 0;
        loop {
            self.blanks();
            if self.range.is_empty() {
                return if count == 0 { Err(self.range.start) } else { Ok(found) };
            }
            let start = self.range.start;
            let hint = self.hint()?;
            let text = String::from_utf8_lossy(&self.sql[start..self.range.start]).into_owned();
            found.extend(hint.map(|hint| (hint, text)));
            count += 1;
            self.blanks();
            self.sign(b',');
        }
    }

    fn hint(&mut self) -> Read<Option<Hint>> {
        let start = self.range.start;
        let name = self.word().ok_or(start)?.to_ascii_uppercase();
        let (_, arguments) = HINTS.iter().find(|(known, _)| *known == name).ok_or(start)?;
        self.expect(b'(')?;
        let hint = match arguments {
            Arguments::Names => {
                let (mut names, mut blocks) = (Vec::new(), false);
                while !self.at(b')') {
                    blocks |= self.sign(b'@');
                    let at = self.range.start;
                    names.push(self.name().ok_or(at)?);
                    self.sign(b',');
                }
                if blocks { None } else { about_tables(&name, names) }
            }
            Arguments::Name => {
                let at = self.range.start;
                self.name().ok_or(at)?;
                None
            }
            Arguments::Time => {
                let at = self.start();
                let number = self.word().and_then(|word| word.parse().ok());
                Some(Hint::Time(number.ok_or(at)?))
            }
            Arguments::Variable => Some(self.variable()?),
        };
        self.expect(b')')?;
        Ok(hint)
    }

    fn variable(&mut self) -> Read<Hint> {
        let at = self.start();
        let name = self.name().ok_or(at)?.to_lowercase();
        self.expect(b'=')?;
        let at = self.start();
        let quoted = matches!(self.sql[at..self.range.end].first(), Some(b'\'' | b'"'));
        let text = self.name().ok_or(at)?;
        let value = if quoted { None } else { number(&text) };
        Ok(Hint::Variable(name, value.unwrap_or_else(|| Literal::String(text.into_bytes(), None))))
    }

    fn blanks(&mut self) {
        let rest = &self.sql[self.range.clone()];
        self.range.start += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    /// Where what comes next begins.
    fn start(&mut self) -> usize {
        self.blanks();
        self.range.start
    }

    fn at(&mut self, sign: u8) -> bool {
        self.blanks();
        self.sql[self.range.clone()].first() == Some(&sign)
    }

    fn sign(&mut self, sign: u8) -> bool {
        let found = self.at(sign);
        self.range.start += usize::from(found);
        found
    }

    fn expect(&mut self, sign: u8) -> Read<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.range.start) }
    }

    /// A name or a number without quotes; a number may have a point.
    fn word(&mut self) -> Option<String> {
        self.blanks();
        let rest = &self.sql[self.range.clone()];
        let of_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.".contains(byte) || *byte >= 0x80;
        let length = rest.iter().take_while(|byte| of_word(byte)).count();
        let word = String::from_utf8(rest[..length].to_vec()).ok().filter(|word| !word.is_empty());
        self.range.start += length;
        word
    }

    /// A word, or what stands in quotes.
    fn name(&mut self) -> Option<String> {
        self.blanks();
        let rest = &self.sql[self.range.clone()];
        let Some(quote @ (b'\'' | b'"' | b'`')) = rest.first() else { return self.word() };
        let end = rest[1..].iter().position(|byte| byte == quote)? + 2;
        let name = String::from_utf8(unquote(&rest[..end], false)).ok();
        self.range.start += end;
        name
    }
}

/// A hint about tables that has an effect.
fn about_tables(hint: &str, mut names: Vec<String>) -> Option<Hint> {
    if hint == "JOIN_FIXED_ORDER" {
        return names.is_empty().then_some(Hint::FixedOrder);
    }
    let order = match hint {
        "JOIN_ORDER" => Some(JoinOrderKind::Order),
        "JOIN_PREFIX" => Some(JoinOrderKind::Prefix),
        "JOIN_SUFFIX" => Some(JoinOrderKind::Suffix),
        _ => None,
    };
    if let Some(kind) = order {
        return Some(Hint::Order(JoinOrder { kind, tables: names }));
    }
    let (kind, scope) = match hint.strip_prefix("NO_") {
        Some(scope) => (IndexHintKind::Ignore, scope),
        None => (IndexHintKind::Force, hint),
    };
    let purpose = match scope {
        "INDEX" => None,
        "JOIN_INDEX" => Some(IndexPurpose::Join),
        "ORDER_INDEX" => Some(IndexPurpose::OrderBy),
        "GROUP_INDEX" => Some(IndexPurpose::GroupBy),
        _ => return None,
    };
    if names.is_empty() {
        return None;
    }
    let table = names.remove(0);
    // Without names: all indexes.
    let kind = match (names.is_empty(), kind) {
        (true, IndexHintKind::Ignore) => IndexHintKind::Use,
        (true, _) => return None,
        (false, kind) => kind,
    };
    Some(Hint::Indexes(table, IndexHint { kind, purpose, names, advice: true }))
}

/// A number, perhaps with a letter after it that makes it larger.
fn number(text: &str) -> Option<Literal> {
    let units = [('K', 10), ('M', 20), ('G', 30)];
    let unit = units.iter().find(|(unit, _)| text.to_ascii_uppercase().ends_with(*unit));
    if let Some((_, bits)) = unit {
        let digits: u64 = text[..text.len() - 1].parse().ok()?;
        return digits.checked_mul(1 << bits).map(Literal::Integer);
    }
    if let Ok(number) = text.parse() {
        return Some(Literal::Integer(number));
    }
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_decimal.then(|| Literal::Decimal(text.to_owned()))
}
