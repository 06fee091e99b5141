//! Text to trees.
//!
//! What is wrong with a text is said in the words of RapidJSON, which MySQL reads documents with, and at the byte that it
//! stops at.

use super::value::{Members, Value};
use super::{MAX_DEPTH, Pulse, errors};
use crate::common::SqlError;

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not well formed.
    Text {
        /// What is wrong.
        message: &'static str,
        /// At which byte.
        position: usize,
    },
    /// Anything else.
    Error(SqlError),
}

impl Fault {
    /// As the error of an argument, counted from 1.
    pub fn in_argument(self, argument: usize, function: &str) -> SqlError {
        match self {
            Fault::Text { message, position } => {
                errors::invalid_text_in_argument(message, position, argument, function)
            }
            Fault::Error(error) => error,
        }
    }

    /// As the error of a value for a column.
    pub fn in_column(self, column: &str) -> SqlError {
        match self {
            Fault::Text { message, position } => errors::invalid_text(message, position, column),
            Fault::Error(error) => error,
        }
    }
}

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Fault {
        Fault::Error(error)
    }
}

type Parsed<T> = Result<T, Fault>;

mod says {
    pub(super) const EMPTY: &str = "The document is empty.";
    pub(super) const NOT_SINGULAR: &str = "The document root must not be followed by other values.";
    pub(super) const VALUE: &str = "Invalid value.";
    pub(super) const NAME: &str = "Missing a name for object member.";
    pub(super) const COLON: &str = "Missing a colon after a name of object member.";
    pub(super) const MEMBER_END: &str = "Missing a comma or '}' after an object member.";
    pub(super) const ELEMENT_END: &str = "Missing a comma or ']' after an array element.";
    pub(super) const HEX: &str = "Incorrect hex digit after \\u escape in string.";
    pub(super) const SURROGATE: &str = "The surrogate pair in string is invalid.";
    pub(super) const ESCAPE: &str = "Invalid escape character in string.";
    pub(super) const QUOTATION_MARK: &str = "Missing a closing quotation mark in string.";
    pub(super) const ENCODING: &str = "Invalid encoding in string.";
    pub(super) const TOO_BIG: &str = "Number too big to be stored in double.";
    pub(super) const FRACTION: &str = "Miss fraction part in number.";
    pub(super) const EXPONENT: &str = "Miss exponent in number.";
}

/// The document that a text is of.
pub fn parse(text: &str, pulse: &mut Pulse<'_>) -> Result<Value, Fault> {
    let mut parser = Parser { text, at: 0, pulse };
    parser.skip_blanks();
    if parser.at == text.len() {
        return parser.fault(says::EMPTY);
    }
    let value = parser.value(0)?;
    parser.skip_blanks();
    if parser.at < text.len() {
        return parser.fault(says::NOT_SINGULAR);
    }
    Ok(value)
}

/// The text that a string in a document's text is of, with its quotation marks; `None` for what is no such string.
pub fn parse_string(text: &str, pulse: &mut Pulse<'_>) -> Result<Option<String>, Fault> {
    Ok(match parse(text, pulse)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

struct Parser<'t, 'a, 'p> {
    text: &'t str,
    at: usize,
    pulse: &'a mut Pulse<'p>,
}

impl Parser<'_, '_, '_> {
    fn fault<T>(&self, message: &'static str) -> Parsed<T> {
        fault_at(message, self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take_if(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Value> {
        self.pulse.beat()?;
        match self.peek() {
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'"') => self.string().map(Value::String),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Parsed<Value> {
        for byte in word.bytes() {
            if !self.take_if(byte) {
                return self.fault(says::VALUE);
            }
        }
        Ok(value)
    }

    fn deeper(depth: usize) -> Parsed<usize> {
        if depth >= MAX_DEPTH {
            return Err(Fault::Error(errors::too_deep()));
        }
        Ok(depth + 1)
    }

    fn array(&mut self, depth: usize) -> Parsed<Value> {
        let depth = Parser::deeper(depth)?;
        self.at += 1;
        self.skip_blanks();
        let mut elements = Vec::new();
        if self.take_if(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.skip_blanks();
            if self.take_if(b',') {
                self.skip_blanks();
            } else if self.take_if(b']') {
                return Ok(Value::Array(elements));
            } else {
                return self.fault(says::ELEMENT_END);
            }
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Value> {
        let depth = Parser::deeper(depth)?;
        self.at += 1;
        self.skip_blanks();
        let mut members = Vec::new();
        if self.take_if(b'}') {
            return Ok(Value::Object(Members::default()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fault(says::NAME);
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.take_if(b':') {
                return self.fault(says::COLON);
            }
            self.skip_blanks();
            members.push((key, self.value(depth)?));
            self.skip_blanks();
            if self.take_if(b',') {
                self.skip_blanks();
            } else if self.take_if(b'}') {
                return Ok(Value::Object(Members::from_any(members)));
            } else {
                return self.fault(says::MEMBER_END);
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.take_if(b'-');
        if !self.take_if(b'0') && self.digits() == 0 {
            return self.fault(says::VALUE);
        }
        let mut is_whole = true;
        if self.take_if(b'.') {
            is_whole = false;
            if self.digits() == 0 {
                return self.fault(says::FRACTION);
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            is_whole = false;
            if !self.take_if(b'+') {
                self.take_if(b'-');
            }
            if self.digits() == 0 {
                return self.fault(says::EXPONENT);
            }
        }
        let text = &self.text[start..self.at];
        if is_whole {
            if let Ok(number) = text.parse() {
                return Ok(Value::Int(number));
            }
            if let Ok(number) = text.parse() {
                return Ok(Value::UInt(number));
            }
        }
        match text.parse() {
            Ok(number) if f64::is_finite(number) => Ok(Value::Double(number)),
            _ => fault_at(says::TOO_BIG, start),
        }
    }

    fn string(&mut self) -> Parsed<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = plain_bytes(rest.as_bytes());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.pulse.beat()?;
                    out.push(self.escape()?);
                }
                None | Some(0) => return self.fault(says::QUOTATION_MARK),
                Some(_) => return self.fault(says::ENCODING),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.code_point(start);
            }
            _ => return fault_at(says::ESCAPE, start),
        };
        self.at += 1;
        Ok(plain)
    }

    /// The character of an escape that began at `start`.
    fn code_point(&mut self, start: usize) -> Parsed<char> {
        let first = self.hex(start)?;
        let code = if (0xD800..0xDC00).contains(&first) {
            if !self.take_if(b'\\') || !self.take_if(b'u') {
                return fault_at(says::SURROGATE, start);
            }
            let second = self.hex(start)?;
            if !(0xDC00..0xE000).contains(&second) {
                return fault_at(says::SURROGATE, start);
            }
            0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        } else {
            first
        };
        char::from_u32(code).ok_or(Fault::Text { message: says::SURROGATE, position: start })
    }

    fn hex(&mut self, start: usize) -> Parsed<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return fault_at(says::HEX, start) };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

fn fault_at<T>(message: &'static str, position: usize) -> Parsed<T> {
    Err(Fault::Text { message, position })
}

/// How many bytes of a string stand for themselves.
fn plain_bytes(bytes: &[u8]) -> usize {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
    bytes.iter().position(special).unwrap_or(bytes.len())
}
