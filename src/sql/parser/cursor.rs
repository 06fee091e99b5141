//! The parser's place in the text, and the steps every rule is made of.

use sqlparser::tokenizer::{Token as SqlToken, TokenWithSpan};

use super::ast::{ObjectName, Statement};
use super::dialect::Dialect;
use super::hints::HintComment;
use super::keywords::is_reserved;
use super::shape::{Shape, too_deep};
pub(super) use super::token_kind::TokenKind;
use super::token_kind::kind_of;
use super::tokens::{Tokens, byte_at, first_statement, unquote};
use super::{Hints, ParseWarning, ParsedStatement};
use crate::common::{SqlError, SqlResult, errno};

/// How much of the text a syntax error quotes, in characters, as MySQL does.
const NEAR_LIMIT: usize = 80;

/// How deep expressions and queries may nest: the parser, the binder and the executor recurse.
pub(super) const DEPTH_LIMIT: usize = 100;

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: TokenKind,
    /// Its first byte.
    pub(super) start: usize,
    /// Past its last byte.
    pub(super) end: usize,
}

pub(super) struct Parser<'a> {
    pub(super) sql: &'a [u8],
    pub(super) inner: sqlparser::parser::Parser<'a>,
    pub(super) dialect: &'a Dialect,
    /// How deep and how large the statement is.
    pub(super) shape: Shape,
    /// How many tokens there are.
    pub(super) token_count: usize,
    /// The first byte of each `?`.
    pub(super) placeholders: Vec<usize>,
    /// The comments of optimizer hints that are not read yet.
    pub(super) hint_comments: Vec<HintComment>,
    /// What there is to say about the text.
    pub(super) warnings: Vec<ParseWarning>,
    /// Of a program, whose statements have semicolons: past its last token, and where the next statement may begin.
    pub(super) ends_at: Option<(usize, usize)>,
    depth: usize,
}

/// Error 1065.
pub(super) fn empty_query() -> SqlError {
    SqlError::new(errno::EMPTY_QUERY, "Query was empty")
}

impl<'a> Parser<'a> {
    /// At the first statement at or after a byte.
    pub(super) fn new(sql: &'a [u8], start: usize, dialect: &'a Dialect) -> Parser<'a> {
        Parser::over(sql, first_statement(sql, start, dialect), dialect)
    }

    /// At the first statement at or after a byte; an error if the text is too much, or was ended.
    pub(super) fn try_new(
        sql: &'a [u8],
        start: usize,
        dialect: &'a Dialect,
    ) -> SqlResult<Parser<'a>> {
        let tokens = first_statement(sql, start, dialect);
        dialect.check()?;
        dialect.check_size()?;
        Ok(Parser::over(sql, tokens, dialect))
    }

    fn over(sql: &'a [u8], tokens: Tokens, dialect: &'a Dialect) -> Parser<'a> {
        let Tokens { tokens, hints } = tokens;
        let token_count = tokens.len();
        let placeholders = tokens.iter().filter(|t| matches!(t.token, SqlToken::Placeholder(_)));
        let placeholders = placeholders.filter_map(|t| byte_at(t.span.start)).collect();
        let shape = Shape::of(tokens.iter().map(|token| &token.token), dialect.concat);
        dialect.furthest.set(0);
        let inner = sqlparser::parser::Parser::new(dialect)
            .with_recursion_limit(DEPTH_LIMIT)
            .with_tokens_with_locations(tokens);
        Parser {
            sql,
            inner,
            dialect,
            shape,
            token_count,
            placeholders,
            hint_comments: hints,
            warnings: Vec::new(),
            ends_at: None,
            depth: 0,
        }
    }

    /// The next statement, up to its semicolon.
    pub(super) fn parse_next(mut self) -> SqlResult<Option<ParsedStatement>> {
        if self.peek().kind == TokenKind::End {
            return Ok(None);
        }
        self.shape.check()?;
        let start = self.peek().start;
        let statement: Statement = self.statement()?;
        let end = match statement {
            // The clause may have stood before what has been read last.
            Statement::SelectIntoFile { .. } | Statement::SelectIntoVariables { .. } => {
                self.furthest_end()
            }
            _ => self.last_end(),
        };
        if let Some((end, next)) = self.ends_at {
            return Ok(Some(ParsedStatement {
                hints: Hints::default(),
                warnings: self.warnings,
                range: start..end,
                next,
                parameters: 0,
                first_parameter: None,
                shape: self.shape,
                statement,
            }));
        }
        let token = self.peek();
        let next = match token.kind {
            TokenKind::End => self.sql.len(),
            TokenKind::Op(";") => token.end,
            // The word could have gone on with BY.
            _ if (self.at("ORDER") || self.at("GROUP")) && !self.at_nth(1, "BY") => {
                return Err(self.unexpected(self.peek_nth(1).start));
            }
            _ => return Err(self.unexpected(token.start)),
        };
        let hints = self.hints(matches!(statement, Statement::Query(_) | Statement::Explain(_)));
        Ok(Some(ParsedStatement {
            hints,
            warnings: self.warnings,
            range: start..end,
            next,
            parameters: self.placeholders.len(),
            first_parameter: self.placeholders.first().copied(),
            shape: self.shape,
            statement,
        }))
    }

    // Looking.

    pub(super) fn peek(&self) -> Token {
        self.peek_nth(0)
    }

    pub(super) fn peek_nth(&self, n: usize) -> Token {
        self.token(self.inner.peek_nth_token_ref(n))
    }

    fn token(&self, token: &TokenWithSpan) -> Token {
        let start = byte_at(token.span.start).unwrap_or(self.sql.len());
        let end = byte_at(token.span.end).unwrap_or(self.sql.len());
        Token { kind: kind_of(&token.token), start, end }
    }

    /// Whether the token at an index is this word.
    pub(super) fn token_is(&self, index: usize, word: &str) -> bool {
        match &self.inner.token_at(index).token {
            SqlToken::Word(found) => {
                found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word)
            }
            _ => false,
        }
    }

    /// The first byte of the token at an index.
    pub(super) fn token_start(&self, index: usize) -> usize {
        byte_at(self.inner.token_at(index).span.start).unwrap_or(self.sql.len())
    }

    /// Past the last token taken.
    pub(super) fn last_end(&self) -> usize {
        byte_at(self.inner.get_current_token().span.end).unwrap_or(self.sql.len())
    }

    pub(super) fn text(&self, token: Token) -> &'a [u8] {
        &self.sql[token.start..token.end]
    }

    fn is_word(&self, token: Token, word: &str) -> bool {
        token.kind == TokenKind::Word && self.text(token).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether the next word is this one.
    pub(super) fn at(&self, word: &str) -> bool {
        self.at_nth(0, word)
    }

    /// Whether the word after `n` others is this one.
    pub(super) fn at_nth(&self, n: usize, word: &str) -> bool {
        self.is_word(self.peek_nth(n), word)
    }

    /// Whether the next words are these (two or three).
    pub(super) fn at_all(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.at_nth(n, word))
    }

    pub(super) fn at_op(&self, op: &str) -> bool {
        self.nth_is_op(0, op)
    }

    pub(super) fn nth_is_op(&self, n: usize, op: &str) -> bool {
        matches!(self.peek_nth(n).kind, TokenKind::Op(found) if found == op)
    }

    /// Whether the statement ends here.
    pub(super) fn at_end(&self) -> bool {
        self.peek().kind == TokenKind::End || self.at_op(";")
    }

    // Taking.

    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek();
        self.inner.advance_token();
        token
    }

    /// Takes the word if it is next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = self.at(word);
        if found {
            self.advance();
        }
        found
    }

    /// Takes the words if all of them are next.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let found = self.at_all(words);
        if found {
            words.iter().for_each(|_| {
                self.advance();
            });
        }
        found
    }

    /// Takes the punctuation if it is next.
    pub(super) fn op(&mut self, op: &str) -> bool {
        let found = self.at_op(op);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_word(&mut self, word: &str) -> SqlResult<()> {
        if self.word(word) { Ok(()) } else { Err(self.syntax_error()) }
    }

    pub(super) fn expect_words(&mut self, words: &[&str]) -> SqlResult<()> {
        words.iter().try_for_each(|word| self.expect_word(word))
    }

    pub(super) fn expect_op(&mut self, op: &str) -> SqlResult<()> {
        if self.op(op) { Ok(()) } else { Err(self.syntax_error()) }
    }

    /// Items separated by commas.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.op(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Items separated by commas, in parentheses.
    pub(super) fn parenthesised<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<Vec<T>> {
        self.expect_op("(")?;
        let items = self.list(item)?;
        self.expect_op(")")?;
        Ok(items)
    }

    /// One level deeper, for as long as `inner` takes.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        if self.depth >= DEPTH_LIMIT {
            return Err(too_deep(DEPTH_LIMIT));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    // Names and values.

    /// Whether a name can begin here.
    pub(super) fn at_name(&self) -> bool {
        let token = self.peek();
        match token.kind {
            TokenKind::QuotedName => true,
            TokenKind::Word => !is_reserved(self.text(token)),
            _ => false,
        }
    }

    /// A name.
    pub(super) fn name(&mut self) -> SqlResult<String> {
        if !self.at_name() {
            return Err(self.syntax_error());
        }
        self.any_word()
    }

    /// A name, or a keyword used as one (after a point, or where nothing else can stand).
    pub(super) fn any_word(&mut self) -> SqlResult<String> {
        let token = self.peek();
        let bytes = match token.kind {
            TokenKind::QuotedName => unquote(self.text(token), false),
            TokenKind::Word => self.text(token).to_vec(),
            _ => return Err(self.syntax_error()),
        };
        let Ok(name) = String::from_utf8(bytes) else {
            return Err(self.syntax_error());
        };
        if name.is_empty() {
            return Err(self.syntax_error());
        }
        self.advance();
        Ok(name)
    }

    /// A name as it is compared: lower case.
    pub(super) fn lower_word(&mut self) -> SqlResult<String> {
        self.any_word().map(|word| word.to_lowercase())
    }

    /// name or database.name.
    pub(super) fn object_name(&mut self) -> SqlResult<ObjectName> {
        let first = self.name()?;
        if !self.op(".") {
            return Ok(ObjectName { database: None, name: first });
        }
        Ok(ObjectName { database: Some(first), name: self.any_word()? })
    }

    fn escapes(&self) -> bool {
        self.dialect.escapes
    }

    /// The bytes of a string token; strings side by side are one.
    pub(super) fn string_bytes(&mut self) -> SqlResult<Vec<u8>> {
        let token = self.peek();
        let text = match token.kind {
            TokenKind::String => self.text(token),
            TokenKind::NationalString => &self.text(token)[1..],
            _ => return Err(self.syntax_error()),
        };
        let mut bytes = unquote(text, self.escapes());
        self.advance();
        while self.peek().kind == TokenKind::String {
            let more = self.text(self.peek());
            bytes.extend(unquote(more, self.escapes()));
            self.advance();
        }
        Ok(bytes)
    }

    /// A string that must be text.
    pub(super) fn string(&mut self) -> SqlResult<String> {
        let token = self.peek();
        String::from_utf8(self.string_bytes()?).map_err(|_| self.syntax_error_at(token))
    }

    /// A name or a string: where MySQL takes either (character sets, engines, aliases).
    pub(super) fn word_or_string(&mut self) -> SqlResult<String> {
        if self.peek().kind == TokenKind::String { self.string() } else { self.any_word() }
    }

    /// A user variable's name, lower case.
    pub(super) fn user_variable(&mut self) -> SqlResult<String> {
        let token = self.peek();
        if token.kind != TokenKind::UserVariable {
            return Err(self.syntax_error());
        }
        let name = self.variable_text(self.text(token)).ok_or_else(|| self.syntax_error())?;
        self.advance();
        Ok(name)
    }

    /// The name in `@name`, lower case.
    pub(super) fn variable_text(&self, token: &[u8]) -> Option<String> {
        let text = token.get(1..)?;
        let bytes = match text.first()? {
            b'\'' | b'"' | b'`' => unquote(text, self.dialect.escapes),
            _ => text.to_vec(),
        };
        String::from_utf8(bytes).ok().map(|name| name.to_lowercase())
    }

    /// A number without point or sign.
    pub(super) fn integer(&mut self) -> SqlResult<u64> {
        let token = self.peek();
        let number = match token.kind {
            TokenKind::Integer => std::str::from_utf8(self.text(token)).ok(),
            _ => None,
        };
        match number.and_then(|digits| digits.parse().ok()) {
            Some(number) => {
                self.advance();
                Ok(number)
            }
            None => Err(self.syntax_error()),
        }
    }

    /// A number in parentheses, if there is one.
    pub(super) fn optional_length(&mut self) -> SqlResult<Option<u32>> {
        if !self.op("(") {
            return Ok(None);
        }
        let number = self.small_integer()?;
        self.expect_op(")")?;
        Ok(Some(number))
    }

    pub(super) fn small_integer(&mut self) -> SqlResult<u32> {
        let token = self.peek();
        u32::try_from(self.integer()?).map_err(|_| self.syntax_error_at(token))
    }

    /// Takes CHARACTER SET or CHARSET if it is next.
    pub(super) fn character_set(&mut self) -> SqlResult<bool> {
        if !self.word("CHARACTER") {
            return Ok(self.word("CHARSET"));
        }
        self.expect_word("SET")?;
        Ok(true)
    }

    /// Takes `[=]`.
    pub(super) fn optional_equals(&mut self) {
        if !self.op("=") {
            self.op(":=");
        }
    }

    // Errors.

    /// Error 1064 at the next token.
    pub(super) fn syntax_error(&self) -> SqlError {
        self.syntax_error_at(self.peek())
    }

    /// Error 1064 at a token.
    pub(super) fn syntax_error_at(&self, token: Token) -> SqlError {
        self.syntax_error_from(token.start)
    }

    /// Error 1064 at a byte.
    pub(super) fn syntax_error_from(&self, start: usize) -> SqlError {
        const SYNTAX: &str = "You have an error in your SQL syntax; check the manual that corresponds to your TroupeDB server version for the right syntax to use";
        SqlError::new(errno::PARSE, self.near(SYNTAX, start))
    }

    /// A message, and the text from a byte on.
    pub(super) fn near(&self, message: &str, start: usize) -> String {
        let start = start.min(self.sql.len());
        let rest = &self.sql[start..self.sql.len().min(start + 4 * NEAR_LIMIT)];
        let near: String = String::from_utf8_lossy(rest).chars().take(NEAR_LIMIT).collect();
        let line = 1 + memchr::memchr_iter(b'\n', &self.sql[..start]).count();
        format!("{message} near '{near}' at line {line}")
    }
}
