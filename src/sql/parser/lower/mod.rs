//! sqlparser's tree to ours.
//!
//! Every field of sqlparser's nodes is taken apart here by name: one that says something we do not implement is refused
//! with its name, so that no clause is dropped. What the tree does not keep as MySQL needs it (the bytes of a string,
//! the text of a column, how a number was written) is read from the text at the node's span.

mod cast;
mod expr;
mod from;
mod fulltext;
mod functions;
mod items;
mod json;
mod query;
mod radix;
mod window;

pub(super) use expr::system_variable;

use sqlparser::ast::{Ident, ObjectName as SqlName, ObjectNamePart, Value, ValueWithSpan};
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Token};

use super::ast::{Introducer, Literal, ObjectName};
use super::cursor::{DEPTH_LIMIT, Parser};
use super::keywords::is_reserved;
use super::shape::too_deep;
use super::tokens::{byte_at, unquote};
use crate::common::{SqlError, SqlResult, errno};

/// What makes a word a clause.
enum After {
    /// It stands in a query.
    Query,
    /// A parenthesis follows.
    Parenthesis,
    /// One of these words follows.
    Words(&'static [&'static str]),
}

/// Clauses of MySQL's that are refused, by their words.
const CLAUSES: &[(&str, After, &str)] = &[
    ("EXCLUDE", After::Words(&["CURRENT", "GROUP", "TIES", "NO"]), "EXCLUDE"),
    ("FROM", After::Words(&["LAST"]), "FROM LAST"),
    ("STRAIGHT_JOIN", After::Query, "STRAIGHT_JOIN"),
    ("PARTITION", After::Parenthesis, "PARTITION"),
    // With names between the parentheses they are obeyed.
    ("USE", After::Words(&["INDEX", "KEY"]), "USE INDEX ()"),
    ("WEIGHT_STRING", After::Parenthesis, "WEIGHT_STRING()"),
    ("MEMBER", After::Words(&["OF"]), "MEMBER OF"),
];

impl Parser<'_> {
    /// sqlparser's error as a client is to see it.
    pub(super) fn parse_error(&self, error: ParserError) -> SqlError {
        match error {
            ParserError::TokenizerError(feature) => SqlError::unsupported(feature),
            ParserError::RecursionLimitExceeded => match self.dialect.refused.take() {
                Some(feature) => SqlError::unsupported(feature),
                None => too_deep(DEPTH_LIMIT),
            },
            ParserError::ParserError(message) => {
                let column = message.rsplit_once(" at Line: 1, Column: ").map(|(_, column)| column);
                let column = column.and_then(|column| column.parse::<usize>().ok());
                let at = column.map_or(self.sql.len(), |column| column - 1);
                let at = at.max(self.dialect.furthest.get()).min(self.sql.len());
                self.unexpected(at)
            }
        }
    }

    /// The error for a text that goes on, or ends, as it may not: 1064, unless a clause before it would have been refused.
    pub(super) fn unexpected(&self, byte: usize) -> SqlError {
        match self.clause_before(byte) {
            Some(clause) => SqlError::unsupported(clause),
            None => self.syntax_error_from(byte),
        }
    }

    /// A clause of MySQL's that stands before a syntax error: sqlparser knows another form of it, or none, and it would have been
    /// refused.
    fn clause_before(&self, byte: usize) -> Option<&'static str> {
        let mut in_query = false;
        let before = |at: &usize| *at < self.token_count && self.token_start(*at) <= byte;
        (0..).take_while(before).find_map(|at| {
            let Token::Word(word) = &self.inner.token_at(at).token else { return None };
            if word.quote_style.is_some() {
                return None;
            }
            in_query |= word.value.eq_ignore_ascii_case("SELECT");
            let (_, after, clause) =
                CLAUSES.iter().find(|(name, ..)| word.value.eq_ignore_ascii_case(name))?;
            let follows = match after {
                After::Query => in_query,
                After::Parenthesis => self.inner.token_at(at + 1).token == Token::LParen,
                After::Words(words) => words.iter().any(|word| self.token_is(at + 1, word)),
            };
            follows.then_some(*clause)
        })
    }

    /// Error 1064 at a place in sqlparser's tree.
    fn error_at(&self, location: Location) -> SqlError {
        self.syntax_error_from(byte_at(location).unwrap_or(self.sql.len()))
    }

    /// Error 1064 at a token.
    fn error_at_token(&self, index: usize) -> SqlError {
        self.syntax_error_from(self.token_start(index))
    }

    /// Error 1064 at the first token at or after a place: what comes after a node that ends there.
    fn error_after(&self, end: Location) -> SqlError {
        self.error_at_token(self.token_index(end))
    }

    /// As [`Self::error_after`], where a clause that would have been refused may follow.
    fn missing_after(&self, end: Location) -> SqlError {
        self.unexpected(self.token_start(self.token_index(end)))
    }

    /// A name that is no reserved word.
    fn lower_name(&self, ident: &Ident) -> SqlResult<String> {
        if ident.quote_style.is_none() && is_reserved(ident.value.as_bytes()) {
            return Err(self.error_at(ident.span.start));
        }
        self.lower_any_name(ident)
    }

    /// A name where a reserved word may stand for one: after a point.
    fn lower_any_name(&self, ident: &Ident) -> SqlResult<String> {
        if self.is_string(ident) {
            return Err(self.error_at(ident.span.start));
        }
        self.lower_name_or_string(ident)
    }

    /// Whether sqlparser took a string for a name.
    fn is_string(&self, ident: &Ident) -> bool {
        match ident.quote_style {
            Some('\'') => true,
            Some('"') => !self.dialect.ansi_quotes,
            _ => false,
        }
    }

    /// A name, a word or a string: an alias, a character set.
    fn lower_name_or_string(&self, ident: &Ident) -> SqlResult<String> {
        let span = byte_at(ident.span.start).zip(byte_at(ident.span.end));
        let text = span.and_then(|(start, end)| self.sql.get(start..end)).unwrap_or_default();
        let bytes = match ident.quote_style {
            // sqlparser gives some strings that stand for names no place.
            Some(_) if text.len() < 2 => ident.value.clone().into_bytes(),
            Some(_) => unquote(text, self.is_string(ident) && self.dialect.escapes),
            None => text.to_vec(),
        };
        match String::from_utf8(bytes) {
            Ok(name) if !name.is_empty() => Ok(name),
            _ => Err(self.error_at(ident.span.start)),
        }
    }

    /// A string that is an alias; it may be empty.
    fn lower_alias_string(&self, ident: &Ident) -> SqlResult<String> {
        if ident.value.is_empty() { Ok(String::new()) } else { self.lower_name_or_string(ident) }
    }

    /// The parts of a name with points.
    fn lower_parts(&self, name: &SqlName) -> SqlResult<Vec<String>> {
        let parts = name.0.iter().enumerate().map(|(at, part)| match part {
            ObjectNamePart::Identifier(ident) if at == 0 => self.lower_name(ident),
            ObjectNamePart::Identifier(ident) => self.lower_any_name(ident),
            ObjectNamePart::Function(function) => Err(self.error_at(function.name.span.start)),
        });
        parts.collect()
    }

    /// name or database.name.
    fn lower_object_name(&self, name: &SqlName) -> SqlResult<ObjectName> {
        let mut parts = self.lower_parts(name)?;
        match (parts.pop(), parts.pop(), parts.pop()) {
            (Some(name), database, None) => Ok(ObjectName { database, name }),
            _ => match name.0.get(2) {
                // The point before the third name.
                Some(ObjectNamePart::Identifier(third)) => {
                    Err(self.error_at_token(self.token_index(third.span.start).saturating_sub(1)))
                }
                _ => Err(self.error_at(name_start(name))),
            },
        }
    }

    /// A name of one part; a string may stand for it.
    fn lower_one_name(&self, name: &SqlName) -> SqlResult<String> {
        match name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => self.lower_name_or_string(ident),
            _ => Err(self.error_at(name_start(name))),
        }
    }

    /// The bytes of a token.
    fn token_text(&self, index: usize) -> &[u8] {
        let span = self.inner.token_at(index).span;
        let start = byte_at(span.start).unwrap_or(self.sql.len());
        let end = byte_at(span.end).unwrap_or(self.sql.len());
        self.sql.get(start..end).unwrap_or_default()
    }

    /// The first token at or after a place.
    fn token_index(&self, location: Location) -> usize {
        let (mut low, mut high) = (0, self.token_count);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.inner.token_at(middle).span.start.column < location.column {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The bytes of a string; strings side by side are one.
    fn lower_string(&self, value: &ValueWithSpan) -> SqlResult<Vec<u8>> {
        let (bytes, count) = self.strings_from(self.token_index(value.span.start));
        if count == 0 {
            return Err(self.error_at(value.span.start));
        }
        Ok(bytes)
    }

    /// The bytes of the strings side by side from a token on, and how many there are.
    fn strings_from(&self, first: usize) -> (Vec<u8>, usize) {
        let mut index = first;
        let mut bytes = Vec::new();
        while index < self.token_count
            && matches!(
                self.inner.token_at(index).token,
                Token::SingleQuotedString(_) | Token::DoubleQuotedString(_)
            )
        {
            bytes.extend(unquote(self.token_text(index), self.dialect.escapes));
            index += 1;
        }
        (bytes, index - first)
    }

    /// A string that must be text.
    fn lower_text(&self, value: &ValueWithSpan) -> SqlResult<String> {
        String::from_utf8(self.lower_string(value)?).map_err(|_| self.error_at(value.span.start))
    }

    /// A literal; `None` is a parameter.
    fn lower_literal(&self, value: &ValueWithSpan) -> SqlResult<Option<Literal>> {
        let error = || self.error_at(value.span.start);
        let text = || self.token_text(self.token_index(value.span.start));
        Ok(Some(match &value.value {
            Value::Null => Literal::Null,
            Value::Boolean(value) => Literal::Bool(*value),
            Value::Number(digits, _) if digits.contains(['e', 'E']) => {
                let number: f64 = digits.parse().map_err(|_| error())?;
                if number.is_infinite() {
                    return Err(SqlError::new(
                        errno::ILLEGAL_VALUE_FOR_TYPE,
                        format!("Illegal double '{digits}' value found during parsing"),
                    ));
                }
                Literal::Float(number)
            }
            Value::Number(digits, _) if digits.contains('.') => Literal::Decimal(digits.clone()),
            Value::Number(digits, _) => {
                digits.parse().map_or_else(|_| Literal::Decimal(digits.clone()), Literal::Integer)
            }
            Value::SingleQuotedString(_) | Value::DoubleQuotedString(_) => {
                Literal::String(self.lower_string(value)?, None)
            }
            Value::NationalStringLiteral(_) => {
                let first = self.token_index(value.span.start);
                let mut bytes = unquote(&text()[1..], self.dialect.escapes);
                bytes.extend(self.strings_from(first + 1).0);
                Literal::String(
                    bytes,
                    Some(Introducer { charset: "utf8mb3".to_owned(), quoted: true }),
                )
            }
            Value::HexStringLiteral(_) => Literal::Hex(radix::hex_bytes(text()).ok_or_else(error)?),
            Value::SingleQuotedByteStringLiteral(_) => {
                Literal::Bit(radix::bit_bytes(text()).ok_or_else(error)?)
            }
            Value::Placeholder(_) => return Ok(None),
            _ => return Err(error()),
        }))
    }
}

/// Where a name begins.
fn name_start(name: &SqlName) -> Location {
    match name.0.first() {
        Some(ObjectNamePart::Identifier(ident)) => ident.span.start,
        Some(ObjectNamePart::Function(function)) => function.name.span.start,
        None => Location::empty(),
    }
}
