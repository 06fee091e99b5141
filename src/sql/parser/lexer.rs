//! Bytes to tokens.

use crate::sql::types::SqlMode;

/// Executable comments up to this version are executed: the one the server says it is.
const SERVER_VERSION: u32 = 80_011;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes.
    QuotedName,
    /// A string.
    String,
    /// N'…'.
    NationalString,
    /// Digits.
    Integer,
    /// Digits with a point.
    Decimal,
    /// A number with an exponent.
    Float,
    /// X'…' or 0x….
    Hex,
    /// b'…' or 0b….
    Bit,
    /// @name.
    UserVariable,
    /// ?.
    Parameter,
    /// Punctuation.
    Op(&'static str),
    /// Something no statement can hold: a stray byte, a string without an end.
    Bad,
    /// The end of the text.
    End,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// Past its last byte.
    pub end: usize,
}

/// Longest first among those with a common beginning.
const OPERATORS: &[&str] = &[
    "->>", "<=>", "->", "<=", "<>", "<<", ">=", ">>", "!=", "||", "&&", ":=", "@@", "(", ")", ",",
    ";", "+", "-", "*", "/", "%", "=", "<", ">", "!", "~", "^", "&", "|", ".", ":", "{", "}",
];

/// Cuts a text into tokens.
pub(super) struct Lexer<'a> {
    sql: &'a [u8],
    at: usize,
    sql_mode: SqlMode,
    /// Inside `/*! … */`: its end is a blank.
    in_executable_comment: bool,
    /// The token before was a point: what follows is a name even if it begins with a digit or is a keyword.
    after_point: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a [u8], at: usize, sql_mode: SqlMode) -> Lexer<'a> {
        Lexer { sql, at, sql_mode, in_executable_comment: false, after_point: false }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.sql.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The next token; `End` again and again at the end.
    pub(super) fn next(&mut self) -> Token {
        self.skip_blanks();
        let start = self.at;
        let kind = if start >= self.sql.len() { TokenKind::End } else { self.lex() };
        self.after_point = kind == TokenKind::Op(".");
        Token { kind, start, end: self.at }
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'#' => self.skip_line(),
                b'-' if self.byte(1) == b'-' && (self.byte(2) <= b' ') => self.skip_line(),
                b'/' if self.byte(1) == b'*' => {
                    if self.byte(2) == b'!' && self.enter_executable_comment() {
                        continue;
                    }
                    match memchr::memmem::find(&self.sql[self.at + 2..], b"*/") {
                        Some(length) => self.at += length + 4,
                        None => return,
                    }
                }
                b'*' if self.in_executable_comment && self.byte(1) == b'/' => {
                    self.in_executable_comment = false;
                    self.at += 2;
                }
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.sql[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// At `/*!`: whether what it holds is for us.
    fn enter_executable_comment(&mut self) -> bool {
        let digits = &self.sql[self.at + 3..];
        let count = digits.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        // Fewer than five digits are no version, but text.
        let (count, version) = if count < 5 {
            (0, 0)
        } else {
            (count, digits[..count].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0')))
        };
        if version > SERVER_VERSION {
            return false;
        }
        self.at += 3 + count;
        self.in_executable_comment = true;
        true
    }

    fn lex(&mut self) -> TokenKind {
        let first = self.byte(0);
        match first {
            // A comment without an end: those with one have been skipped.
            b'/' if self.byte(1) == b'*' => {
                self.at = self.sql.len();
                TokenKind::Bad
            }
            b'\'' => self.quoted(TokenKind::String),
            b'"' if self.sql_mode.contains(SqlMode::ANSI_QUOTES) => {
                self.quoted(TokenKind::QuotedName)
            }
            b'"' => self.quoted(TokenKind::String),
            b'`' => self.quoted(TokenKind::QuotedName),
            b'?' => {
                self.at += 1;
                TokenKind::Parameter
            }
            b'@' if self.byte(1) != b'@' => self.user_variable(),
            b'n' | b'N' if self.byte(1) == b'\'' => {
                self.at += 1;
                self.quoted(TokenKind::NationalString)
            }
            b'x' | b'X' if self.byte(1) == b'\'' => {
                self.at += 1;
                self.quoted(TokenKind::Hex)
            }
            b'b' | b'B' if self.byte(1) == b'\'' => {
                self.at += 1;
                self.quoted(TokenKind::Bit)
            }
            b'0'..=b'9' if !self.after_point => self.number(),
            b'.' if self.byte(1).is_ascii_digit() && !self.follows_name() => self.number(),
            _ if is_name_byte(first) => {
                self.at += self.name_length(0);
                TokenKind::Word
            }
            _ => self.operator(),
        }
    }

    /// Whether the byte before belongs to a name: then a point separates it from the next.
    fn follows_name(&self) -> bool {
        self.at > 0 && {
            let before = self.sql[self.at - 1];
            is_name_byte(before) || before == b'`'
        }
    }

    fn operator(&mut self) -> TokenKind {
        let rest = &self.sql[self.at..];
        match OPERATORS.iter().find(|operator| rest.starts_with(operator.as_bytes())) {
            Some(operator) => {
                self.at += operator.len();
                TokenKind::Op(operator)
            }
            None => {
                self.at += 1;
                TokenKind::Bad
            }
        }
    }

    fn name_length(&self, from: usize) -> usize {
        let rest = &self.sql[self.at + from..];
        rest.iter().take_while(|byte| is_name_byte(**byte)).count()
    }

    /// From the opening quote on; a doubled quote, or one after a backslash, does not end it.
    fn quoted(&mut self, kind: TokenKind) -> TokenKind {
        let quote = self.byte(0);
        let escapes =
            kind != TokenKind::QuotedName && !self.sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES);
        let mut at = self.at + 1;
        while let Some(&byte) = self.sql.get(at) {
            if byte == b'\\' && escapes {
                at += 2;
            } else if byte == quote {
                if self.sql.get(at + 1) != Some(&quote) {
                    self.at = at + 1;
                    return kind;
                }
                at += 2;
            } else {
                at += 1;
            }
        }
        self.at = self.sql.len();
        TokenKind::Bad
    }

    fn user_variable(&mut self) -> TokenKind {
        self.at += 1;
        match self.byte(0) {
            b'\'' | b'"' | b'`' => self.quoted(TokenKind::UserVariable),
            _ => {
                let rest = &self.sql[self.at..];
                let length = rest.iter().take_while(|b| is_name_byte(**b) || **b == b'.').count();
                self.at += length;
                if length == 0 { TokenKind::Bad } else { TokenKind::UserVariable }
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> TokenKind {
        let start = self.at;
        if self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'b') {
            let (kind, is_digit): (_, fn(&u8) -> bool) = if self.byte(1) == b'x' {
                (TokenKind::Hex, u8::is_ascii_hexdigit)
            } else {
                (TokenKind::Bit, |byte| matches!(byte, b'0' | b'1'))
            };
            let length = self.name_length(2);
            if length > 0 && self.sql[start + 2..start + 2 + length].iter().all(is_digit) {
                self.at += 2 + length;
                return kind;
            }
        }
        self.digits();
        let mut kind = TokenKind::Integer;
        if self.byte(0) == b'.' {
            self.at += 1;
            self.digits();
            kind = TokenKind::Decimal;
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits();
                return TokenKind::Float;
            }
        }
        if kind == TokenKind::Integer && is_name_byte(self.byte(0)) {
            // A name may begin with digits.
            self.at += self.name_length(0);
            return TokenKind::Word;
        }
        kind
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
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
