//! Bytes to sqlparser's tokens.
//!
//! The tokenizer is sqlparser's, run in our [`Dialect`]. Around it stands what it has no notion of: a text that holds
//! more statements than the one wanted, bytes that are not UTF-8, executable comments with a version, and the names of
//! variables. A token's span counts bytes of the whole text, so that any node of sqlparser's tree can be looked up in
//! it: line 1, column 1 + byte.

use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::dialect::Dialect;
use super::hints::HintComment;
use super::pieces::Pieces;
use super::rewrite::{is_hint, statement_of};

/// Executable comments up to this version are executed: the one the server says it is.
const SERVER_VERSION: u32 = 80_011;

/// Characters that stand for single bytes of a text that is not UTF-8: the last 256 there are.
const BYTE_CHARS: u32 = 0x10_ff00;

/// The place of a byte.
fn location(byte: usize) -> Location {
    Location { line: 1, column: byte as u64 + 1 }
}

/// The byte of a place; `None` for that of a token that is not in the text.
pub(super) fn byte_at(location: Location) -> Option<usize> {
    usize::try_from(location.column).ok()?.checked_sub(1)
}

pub(super) fn token(token: Token, start: usize, end: usize) -> TokenWithSpan {
    TokenWithSpan { token, span: Span { start: location(start), end: location(end) } }
}

/// What no statement can hold, for a token without an end.
const BAD: Token = Token::Char('\0');

/// A statement's tokens, and the comments among them that are optimizer hints.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) tokens: Vec<TokenWithSpan>,
    pub(super) hints: Vec<HintComment>,
}

/// The tokens of the first statement at or after byte `start`, its semicolon included; none if there is no statement.
pub(super) fn first_statement(sql: &[u8], start: usize, dialect: &Dialect) -> Tokens {
    // Programs in C send the zero byte at the end of their strings along.
    let end = sql.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let sql = &sql[..end];
    let mut from = start;
    // A semicolon may stand in a string or a comment: then more of the text is cut, twice as much each time.
    let mut semicolons = 1;
    while from < sql.len() {
        let end = memchr::memchr_iter(b';', &sql[from..]).nth(semicolons - 1);
        let end = end.map_or(sql.len(), |at| from + at + 1);
        let mut tokens = Vec::new();
        let mut complete = cut_in_pieces(sql, from..end, dialect, &mut tokens);
        if dialect.check().is_err() || dialect.check_size().is_err() {
            return Tokens::default();
        }
        if end == sql.len() {
            if !complete {
                let at = tokens.last().and_then(|last| byte_at(last.span.end)).unwrap_or(from);
                tokens.push(token(BAD, at, end));
            }
            complete = true;
        } else if let Some(TokenWithSpan { token: Token::Whitespace(blank), .. }) = tokens.last() {
            // A comment to the end of its line, which holds the semicolon.
            complete &= !matches!(blank, Whitespace::SingleLineComment { .. });
        }
        if !complete {
            semicolons *= 2;
            continue;
        }
        let tokens = statement_of(tokens, sql);
        if !tokens.tokens.is_empty() {
            return tokens;
        }
        from = end;
        semicolons = 1;
    }
    Tokens::default()
}

/// A text that is longer is looked over before it is cut.
const LONG: usize = 512 << 10;

/// As [`cut`]; a long part piece by piece, unless it is too much or ended. What is not cut is of no interest then.
fn cut_in_pieces(
    sql: &[u8],
    part: std::ops::Range<usize>,
    dialect: &Dialect,
    tokens: &mut Vec<TokenWithSpan>,
) -> bool {
    if part.len() <= LONG {
        return cut(sql, part, dialect, tokens);
    }
    let pieces = Pieces::of(&sql[part.clone()], dialect.escapes);
    dialect.tokens.set(pieces.tokens + pieces.parentheses);
    let mut start = part.start;
    for end in pieces.divisions.iter().map(|at| part.start + at).chain([part.end]) {
        if dialect.check_size().is_err() || dialect.check().is_err() {
            return false;
        }
        let before = tokens.len();
        let complete = cut(sql, start..end, dialect, tokens);
        if !complete && end < part.end {
            // A division where there should be none: what is left is cut as a whole.
            tokens.truncate(before);
            return cut(sql, start..part.end, dialect, tokens);
        }
        if end == part.end {
            return complete;
        }
        let fresh = tokens.split_off(before);
        let is_blank =
            |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_)) && !is_hint(token);
        tokens.extend(fresh.into_iter().filter(|token| !is_blank(token)));
        start = end;
    }
    true
}

/// Cuts a part of the text; whether all of it could be cut.
fn cut(
    sql: &[u8],
    part: std::ops::Range<usize>,
    dialect: &Dialect,
    tokens: &mut Vec<TokenWithSpan>,
) -> bool {
    let bytes = &sql[part.clone()];
    let lossless = std::str::from_utf8(bytes);
    let mapped = lossless.is_err();
    let mut text = match lossless {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        Err(_) => std::borrow::Cow::Owned(map_bytes(bytes)),
    };
    if text.ends_with("--") {
        // A comment needs a blank after its dashes, or the end of the text.
        text.to_mut().push('\n');
    }
    let mut cut_here = Vec::new();
    let result = Tokenizer::new(dialect, &text).tokenize_with_location_into_buf(&mut cut_here);
    let mut place = Place { rest: text.chars(), line: 1, column: 1, byte: part.start, mapped };
    let mut complete = result.is_ok();
    for cut_token in cut_here {
        let start = place.byte;
        let end = place.advance(cut_token.span.end).min(part.end);
        match &cut_token.token {
            Token::Whitespace(Whitespace::MultiLineComment(comment))
                if comment.starts_with('!') =>
            {
                if let Some(skip) = executable(comment) {
                    complete &= cut(sql, start + 3 + skip..end - 2, dialect, tokens);
                }
                // So that the place of an error after it is known.
                tokens.push(token(Token::Whitespace(Whitespace::Space), end, end));
            }
            _ => tokens.push(token(cut_token.token, start, end)),
        }
    }
    complete
}

/// How long the version in an executable comment is; `None` if the comment is for a newer server.
fn executable(comment: &str) -> Option<usize> {
    let digits = &comment.as_bytes()[1..];
    let count = digits.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    // Fewer than five digits are no version, but text.
    if count < 5 {
        return Some(0);
    }
    let version = digits[..count].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    (version <= SERVER_VERSION).then_some(count)
}

/// A character for each byte that is not of a UTF-8 sequence.
fn map_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 64);
    let byte_char = |byte: &u8| char::from_u32(BYTE_CHARS + u32::from(*byte)).unwrap_or('\u{fffd}');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if u32::from(c) >= BYTE_CHARS {
                let mut buffer = [0; 4];
                text.extend(c.encode_utf8(&mut buffer).as_bytes().iter().map(byte_char));
            } else {
                text.push(c);
            }
        }
        text.extend(chunk.invalid().iter().map(byte_char));
    }
    text
}

/// Follows the tokenizer through its text, counting bytes.
struct Place<'a> {
    rest: std::str::Chars<'a>,
    line: u64,
    column: u64,
    byte: usize,
    /// The text has been through [`map_bytes`].
    mapped: bool,
}

impl Place<'_> {
    /// Goes on to a place of the tokenizer's; its byte.
    fn advance(&mut self, to: Location) -> usize {
        while (self.line, self.column) < (to.line, to.column) {
            let Some(c) = self.rest.next() else {
                break;
            };
            let single = self.mapped && u32::from(c) >= BYTE_CHARS;
            self.byte += if single { 1 } else { c.len_utf8() };
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.byte
    }
}

/// What stands between quotes, with doubled quotes and escapes resolved.
pub(super) fn unquote(token: &[u8], escapes: bool) -> Vec<u8> {
    let quote = token[0];
    let inner = &token[1..token.len() - 1];
    if memchr::memchr2(b'\\', quote, inner).is_none() {
        return inner.to_vec();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == quote {
            bytes.next();
            out.push(quote);
        } else if byte == b'\\' && escapes {
            match bytes.next() {
                Some(b'0') => out.push(0),
                Some(b'b') => out.push(8),
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b't') => out.push(b'\t'),
                Some(b'Z') => out.push(26),
                // LIKE gives these two a meaning of their own.
                Some(wildcard @ (b'%' | b'_')) => out.extend([b'\\', wildcard]),
                Some(other) => out.push(other),
                None => out.push(b'\\'),
            }
        } else {
            out.push(byte);
        }
    }
    out
}
