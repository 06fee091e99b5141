//! Path expressions.

use std::fmt;

use super::parse::parse_string;
use super::print::quote;
use super::{Pulse, errors};
use crate::common::SqlResult;

/// A path expression: from the root `$`, leg by leg.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Path {
    legs: Vec<Leg>,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leg {
    /// `.key`.
    Member(String),
    /// `.*`.
    AnyMember,
    /// `[n]`.
    Cell(ArrayIndex),
    /// `[m to n]`.
    Range(ArrayIndex, ArrayIndex),
    /// `[*]`.
    AnyCell,
    /// `**`.
    Ellipsis,
}

/// A position in an array: from its start, or from its last element backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayIndex {
    /// `n`.
    FromStart(u32),
    /// `last-n`.
    FromLast(u32),
}

impl ArrayIndex {
    /// The position in an array of so many elements; before the first: `Err(0)`, behind the last: `Err` of how many.
    pub fn within(self, length: usize) -> Result<usize, usize> {
        match self {
            ArrayIndex::FromStart(at) if (at as usize) < length => Ok(at as usize),
            ArrayIndex::FromStart(_) => Err(length),
            ArrayIndex::FromLast(back) => length.checked_sub(back as usize + 1).ok_or(0),
        }
    }
}

/// The elements of a range in an array of so many.
pub(super) fn range_within(
    from: ArrayIndex,
    to: ArrayIndex,
    length: usize,
) -> std::ops::Range<usize> {
    let start = from.within(length).unwrap_or_else(|edge| edge);
    let end = match to.within(length) {
        Ok(at) => at + 1,
        Err(edge) => edge,
    };
    start..end.max(start)
}

impl Leg {
    /// Whether it stays where it is at what is no array, which counts as an array of one.
    pub(super) fn stays_at_scalar(&self) -> bool {
        match self {
            Leg::Cell(index) => index.within(1).is_ok(),
            Leg::Range(from, to) => !range_within(*from, *to, 1).is_empty(),
            Leg::Member(_) | Leg::AnyMember | Leg::AnyCell | Leg::Ellipsis => false,
        }
    }

    fn finds_many(&self) -> bool {
        match self {
            Leg::Member(_) | Leg::Cell(_) => false,
            Leg::AnyMember | Leg::Range(_, _) | Leg::AnyCell | Leg::Ellipsis => true,
        }
    }
}

impl Path {
    /// Its legs.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// Whether it can find more than one part: it has a wildcard or a range.
    pub fn finds_many(&self) -> bool {
        self.legs.iter().any(Leg::finds_many)
    }

    pub(super) fn has_ellipsis(&self) -> bool {
        self.legs.contains(&Leg::Ellipsis)
    }

    /// Error 3149 for one that can find more than one part.
    pub fn check_single(&self) -> SqlResult<()> {
        if self.finds_many() { Err(errors::wildcard()) } else { Ok(()) }
    }

    /// Reads a path. What is none: error 3143, with the character at which it is seen.
    pub fn parse(text: &str) -> SqlResult<Path> {
        let mut reader = Reader { text, at: 0, legs: Vec::new() };
        match reader.read() {
            Some(()) => Ok(Path { legs: reader.legs }),
            None => Err(errors::invalid_path(reader.at)),
        }
    }

    /// A leg further.
    pub(super) fn push(&mut self, leg: Leg) {
        self.legs.push(leg);
    }

    /// Back by a leg.
    pub(super) fn pop(&mut self) {
        self.legs.pop();
    }
}

/// Reads a text; where it stops when it fails is where the fault is said to be.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    legs: Vec<Leg>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn read(&mut self) -> Option<()> {
        self.skip_blanks();
        if self.next()? != b'$' {
            return None;
        }
        loop {
            self.skip_blanks();
            match self.peek() {
                None => break,
                Some(b'.') => self.member()?,
                Some(b'[') => self.array_leg()?,
                Some(b'*') => self.ellipsis()?,
                Some(_) => return None,
            }
        }
        (self.legs.last() != Some(&Leg::Ellipsis)).then_some(())
    }

    fn ellipsis(&mut self) -> Option<()> {
        self.at += 1;
        if self.next()? != b'*' || self.peek()? == b'*' {
            return None;
        }
        self.legs.push(Leg::Ellipsis);
        Some(())
    }

    fn member(&mut self) -> Option<()> {
        self.at += 1;
        self.skip_blanks();
        if self.peek()? == b'*' {
            self.at += 1;
            self.legs.push(Leg::AnyMember);
            return Some(());
        }
        let start = self.at;
        let is_quoted = self.peek() == Some(b'"');
        self.at = if is_quoted { self.end_of_quoted() } else { self.end_of_name() };
        let written = &self.text[start..self.at];
        let in_quotes = if is_quoted { written.to_owned() } else { format!("\"{written}\"") };
        let name = parse_string(&in_quotes, &mut Pulse::unwatched()).ok().flatten()?;
        if !is_quoted && !is_identifier(&name) {
            return None;
        }
        self.legs.push(Leg::Member(name));
        Some(())
    }

    fn end_of_quoted(&self) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => return at + 1,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        bytes.len()
    }

    fn end_of_name(&self) -> usize {
        let ends = |byte: u8| is_blank(byte) || matches!(byte, b'.' | b'[' | b'*');
        let name = self.text.as_bytes()[self.at..].iter();
        self.at + name.take_while(|byte| !ends(**byte)).count()
    }

    fn array_leg(&mut self) -> Option<()> {
        self.at += 1;
        self.skip_blanks();
        let leg = if self.peek()? == b'*' {
            self.at += 1;
            Leg::AnyCell
        } else {
            let from = self.index()?;
            if self.takes_to() {
                self.skip_blanks();
                let to = self.index()?;
                if is_backwards(from, to) {
                    return None;
                }
                Leg::Range(from, to)
            } else {
                Leg::Cell(from)
            }
        };
        self.skip_blanks();
        if self.next()? != b']' {
            return None;
        }
        self.legs.push(leg);
        Some(())
    }

    /// Whether the word `to` stands here, between blanks.
    fn takes_to(&mut self) -> bool {
        let start = self.at;
        self.skip_blanks();
        let rest = &self.text.as_bytes()[self.at..];
        if self.at > start && rest.len() > 2 && rest.starts_with(b"to") && is_blank(rest[2]) {
            self.at += 2;
            return true;
        }
        self.at = start;
        false
    }

    fn index(&mut self) -> Option<ArrayIndex> {
        if !self.text[self.at..].starts_with("last") {
            return self.number().map(ArrayIndex::FromStart);
        }
        self.at += 4;
        self.skip_blanks();
        if self.peek() != Some(b'-') {
            return Some(ArrayIndex::FromLast(0));
        }
        self.at += 1;
        self.skip_blanks();
        self.number().map(ArrayIndex::FromLast)
    }

    fn number(&mut self) -> Option<u32> {
        let digits =
            self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let number = self.text[self.at..self.at + digits].parse().ok()?;
        self.at += digits;
        Some(number)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0D)
}

/// Whether a range ends before it begins, in any array.
fn is_backwards(from: ArrayIndex, to: ArrayIndex) -> bool {
    match (from, to) {
        (ArrayIndex::FromStart(from), ArrayIndex::FromStart(to)) => to < from,
        (ArrayIndex::FromLast(from), ArrayIndex::FromLast(to)) => from < to,
        _ => false,
    }
}

/// Whether a key needs no quotation marks: an identifier as ECMAScript has them.
pub(super) fn is_identifier(name: &str) -> bool {
    let starts = |letter: char| letter.is_alphabetic() || matches!(letter, '$' | '_');
    let continues = |letter: char| {
        letter.is_alphanumeric()
            || matches!(letter, '$' | '_' | '\u{200C}' | '\u{200D}' | '\u{0300}'..='\u{036F}')
    };
    let mut letters = name.chars();
    letters.next().is_some_and(starts) && letters.all(continues)
}

impl fmt::Display for ArrayIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArrayIndex::FromStart(at) => write!(f, "{at}"),
            ArrayIndex::FromLast(0) => f.write_str("last"),
            ArrayIndex::FromLast(back) => write!(f, "last-{back}"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for leg in &self.legs {
            match leg {
                Leg::Member(name) if is_identifier(name) => write!(f, ".{name}")?,
                Leg::Member(name) => write!(f, ".{}", quote(name))?,
                Leg::AnyMember => f.write_str(".*")?,
                Leg::Cell(index) => write!(f, "[{index}]")?,
                Leg::Range(from, to) => write!(f, "[{from} to {to}]")?,
                Leg::AnyCell => f.write_str("[*]")?,
                Leg::Ellipsis => f.write_str("**")?,
            }
        }
        Ok(())
    }
}
