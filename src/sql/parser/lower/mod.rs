//! sqlparser's tree to ours.
//!
//! Every field of sqlparser's nodes is taken apart here by name: one that says something we do not implement is refused
//! with its name, so that no clause is dropped. What the tree does not keep as MySQL needs it (the bytes of a string,
//! the text of a column, how a number was written) is read from the text at the node's span.

mod cast;
mod expr;
mod from;
mod functions;
mod items;
mod query;

pub(super) use expr::system_variable;
pub(super) use query::{select_all, with_tail};

use sqlparser::ast::{Ident, ObjectName as SqlName, ObjectNamePart, Value, ValueWithSpan};
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Token};

use super::ast::{Literal, ObjectName};
use super::cursor::{DEPTH_LIMIT, Parser};
use super::keywords::is_reserved;
use super::shape::too_deep;
use super::tokens::{byte_at, unquote};
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    /// sqlparser's error as a client is to see it.
    pub(super) fn parse_error(&self, error: ParserError) -> SqlError {
        match error {
            ParserError::TokenizerError(feature) => SqlError::unsupported(feature),
            ParserError::RecursionLimitExceeded => too_deep(DEPTH_LIMIT),
            ParserError::ParserError(message) => {
                let column = message.rsplit_once(" at Line: 1, Column: ").map(|(_, column)| column);
                let column = column.and_then(|column| column.parse::<usize>().ok());
                let at = column.map_or(self.sql.len(), |column| column - 1);
                self.syntax_error_from(at.max(self.dialect.furthest.get()).min(self.sql.len()))
            }
        }
    }

    /// Error 1064 at a place in sqlparser's tree.
    fn error_at(&self, location: Location) -> SqlError {
        self.syntax_error_from(byte_at(location).unwrap_or(self.sql.len()))
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
            _ => Err(self.error_at(name_start(name))),
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
                Literal::String(bytes, Some("utf8mb4".to_owned()))
            }
            Value::HexStringLiteral(_) => Literal::Hex(expr::hex_bytes(text()).ok_or_else(error)?),
            Value::SingleQuotedByteStringLiteral(_) => {
                Literal::Bit(expr::bit_bytes(text()).ok_or_else(error)?)
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
