//! SELECT … INTO OUTFILE, DUMPFILE and variables.
//!
//! The clause may stand before FROM or at the end. sqlparser has no grammar for it: it is moved behind the query, where it is read.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::ast::{IntoFile, Query, Statement};
use super::cursor::Parser;
use super::tokens::byte_at;
use crate::common::{SqlError, SqlResult};

/// What takes INTO's place: nothing that a query could go on with.
const INTO: Token = Token::Backslash;

fn is(token: Option<&TokenWithSpan>, words: &[&str]) -> bool {
    match token.map(|token| &token.token) {
        Some(Token::Word(word)) => {
            word.quote_style.is_none() && words.iter().any(|w| word.value.eq_ignore_ascii_case(w))
        }
        _ => false,
    }
}

/// The statement's tokens with the clause, if it has one, at its end.
pub(super) fn moved_last(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !is(tokens.first(), &["SELECT", "WITH"]) {
        return tokens;
    }
    let Some(start) = clause(&tokens) else { return tokens };
    let end = end_of(&tokens, start);
    let semicolon = tokens.last().is_some_and(|last| last.token == Token::SemiColon);
    let last = tokens.len() - usize::from(semicolon);
    let end = end.min(last);
    tokens[start..last].rotate_left(end - start);
    // sqlparser knows another INTO, which may stand behind a select list.
    tokens[last - (end - start)].token = INTO;
    tokens
}

/// Where the clause begins, outside of parentheses.
fn clause(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().position(|(at, token)| {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is(Some(token), &["INTO"]) && at + 1 < tokens.len()
    })
}

/// Past the clause: its words, each with its text.
fn end_of(tokens: &[TokenWithSpan], start: usize) -> usize {
    if !is(tokens.get(start + 1), &["OUTFILE", "DUMPFILE"]) {
        return end_of_names(tokens, start + 1);
    }
    // INTO OUTFILE 'name'.
    let mut at = start + 3;
    loop {
        let words = if is(tokens.get(at), &["CHARACTER"]) {
            3
        } else if is(tokens.get(at), &["CHARSET"]) {
            2
        } else if is(tokens.get(at), &["FIELDS", "COLUMNS", "LINES", "OPTIONALLY"]) {
            1
        } else if is(tokens.get(at), &["TERMINATED", "ENCLOSED", "ESCAPED", "STARTING"]) {
            3
        } else {
            return at.min(tokens.len());
        };
        at += words;
    }
}

/// Past names with commas between them.
fn end_of_names(tokens: &[TokenWithSpan], mut at: usize) -> usize {
    loop {
        at += 1;
        if tokens.get(at).is_none_or(|token| token.token != Token::Comma) {
            return at.min(tokens.len());
        }
        at += 1;
    }
}

impl Parser<'_> {
    /// INTO @a, b. Error 1327 for what is no variable.
    pub(super) fn variables_of(&mut self, query: Query) -> SqlResult<Statement> {
        self.advance();
        let targets = self.list(Parser::read_target)?;
        if !query.locking.is_empty() {
            return Err(SqlError::unsupported("INTO variables of a query that locks"));
        }
        Ok(Statement::SelectIntoVariables { query: Box::new(query), targets })
    }

    /// Past the last of all tokens before the semicolon.
    pub(super) fn furthest_end(&self) -> usize {
        let tokens = (0..self.token_count).map(|at| self.inner.token_at(at));
        let ends = tokens
            .filter(|token| token.token != Token::SemiColon)
            .filter_map(|token| byte_at(token.span.end));
        ends.max().unwrap_or(self.sql.len())
    }

    /// Whether the clause stands here.
    pub(super) fn at_into(&self) -> bool {
        let is_moved = self.inner.peek_token_ref().token == INTO
            && self.text(self.peek()).eq_ignore_ascii_case(b"INTO");
        is_moved || self.at("INTO")
    }

    /// Whether it is about a file.
    pub(super) fn at_into_file(&self) -> bool {
        self.at_into() && (self.at_nth(1, "OUTFILE") || self.at_nth(1, "DUMPFILE"))
    }

    /// INTO OUTFILE … or DUMPFILE ….
    pub(super) fn select_into(&mut self, query: Query) -> SqlResult<Statement> {
        self.advance();
        let is_dump = self.word("DUMPFILE");
        if !is_dump {
            self.expect_word("OUTFILE")?;
        }
        let file = self.string()?;
        let (mut charset, mut format) = (None, None);
        if !is_dump {
            if self.character_set()? {
                charset = Some(self.word_or_string()?.to_lowercase());
            }
            format = Some(self.file_format()?);
        }
        if !query.locking.is_empty() {
            return Err(SqlError::unsupported("INTO OUTFILE of a query that locks"));
        }
        Ok(Statement::SelectIntoFile {
            query: Box::new(query),
            into: IntoFile { file, charset, format },
        })
    }
}
