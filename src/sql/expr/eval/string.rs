//! Taking strings apart and putting them together.

use bytes::Bytes;

use super::like::{find_letters, units};
use super::{Call, not_null};
use crate::common::SqlResult;
use crate::sql::expr::Function;
use crate::sql::types::{Collation, Datum, utf8};

/// Where the `position`-th letter (of bytes: byte) starts; the text's end when there are fewer.
pub(super) fn letter_start(text: &[u8], position: usize, binary: bool) -> usize {
    if binary {
        return position.min(text.len());
    }
    // Bytes that do not continue a letter start one.
    let mut starts = text.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
    starts.nth(position).map_or(text.len(), |(at, _)| at)
}

/// Letters (of bytes: bytes) of a text.
pub(super) fn letter_count(text: &[u8], binary: bool) -> usize {
    if binary {
        return text.len();
    }
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// The letters from `start` on, at most `count`.
pub(super) fn letters(text: &Bytes, start: usize, count: usize, binary: bool) -> Bytes {
    let from = letter_start(text, start, binary);
    let len = letter_start(&text[from..], count, binary);
    text.slice(from..from + len)
}

/// Where `needle` first is in `text`, from the letter `start` on: the letter's position.
fn find(text: &[u8], needle: &[u8], start: usize, collation: Collation) -> Option<usize> {
    let binary = collation == Collation::Binary;
    if collation.ignores_case() {
        let (text, needle) = (units(text, collation), units(needle, collation));
        if start > text.len() {
            return None;
        }
        return find_letters(&needle, &text[start..]).map(|at| start + at);
    }
    if start > letter_count(text, binary) {
        return None;
    }
    let from = letter_start(text, start, binary);
    let at = memchr::memmem::find(&text[from..], needle)?;
    Some(start + letter_count(&text[from..from + at], binary))
}

impl Call<'_> {
    pub(super) fn string(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::Concat => self.concat(),
            F::ConcatWs => self.concat_ws(),
            F::Substring => self.substring(),
            F::SubstringIndex => self.substring_index(),
            F::Elt => self.elt(),
            F::MakeSet => self.make_set(),
            F::Locate | F::Instr => self.locate(),
            F::FindInSet => self.find_in_set(),
            F::Left | F::Right => self.side(),
            _ => {
                let text = not_null!(self.bytes(0));
                let value = self.of_one(&text);
                // In another case a letter may take more bytes, though not many.
                match &value {
                    Datum::Bytes(changed) if changed.len() > text.len() => {
                        Ok(if self.limited(changed.len())? { value } else { Datum::Null })
                    }
                    _ => Ok(value),
                }
            }
        }
    }

    fn of_one(&self, text: &Bytes) -> Datum {
        use Function as F;
        let binary = self.is_binary(0);
        match self.function {
            F::Length => Datum::Int(text.len() as i64),
            F::BitLength => Datum::Int(text.len() as i64 * 8),
            F::CharLength => Datum::Int(letter_count(text, binary) as i64),
            F::Upper if !binary => Datum::from(utf8(text).to_uppercase()),
            F::Lower if !binary => Datum::from(utf8(text).to_lowercase()),
            F::Reverse if binary => Datum::from(text.iter().rev().copied().collect::<Vec<u8>>()),
            F::Reverse => Datum::from(utf8(text).chars().rev().collect::<String>()),
            _ => Datum::Bytes(text.clone()),
        }
    }

    fn concat(&self) -> SqlResult<Datum> {
        let mut joined = Vec::new();
        for position in 0..self.args.len() {
            let part = not_null!(self.bytes(position));
            if !self.limited(joined.len() + part.len())? {
                return Ok(Datum::Null);
            }
            joined.extend_from_slice(&part);
        }
        Ok(Datum::from(joined))
    }

    fn concat_ws(&self) -> SqlResult<Datum> {
        let separator = not_null!(self.bytes(0));
        let mut joined = Vec::new();
        let mut first = true;
        for position in 1..self.args.len() {
            let Some(part) = self.bytes(position)? else { continue };
            if !self.limited(joined.len() + separator.len() + part.len())? {
                return Ok(Datum::Null);
            }
            if !first {
                joined.extend_from_slice(&separator);
            }
            first = false;
            joined.extend_from_slice(&part);
        }
        Ok(Datum::from(joined))
    }

    fn substring(&self) -> SqlResult<Datum> {
        let text = not_null!(self.bytes(0));
        let start = not_null!(self.int(1));
        let count = if self.args.len() > 2 { not_null!(self.int(2)) } else { i64::MAX };
        let binary = self.is_binary(0);
        let length = letter_count(&text, binary) as i64;
        let from = match start {
            0 => length,
            start if start > 0 => start - 1,
            start => length.saturating_add(start),
        };
        if from < 0 || from >= length || count <= 0 {
            return Ok(Datum::from(""));
        }
        Ok(Datum::Bytes(letters(&text, from as usize, count as usize, binary)))
    }

    fn side(&self) -> SqlResult<Datum> {
        let text = not_null!(self.bytes(0));
        let count = not_null!(self.int(1)).max(0) as usize;
        let binary = self.is_binary(0);
        if self.function == Function::Left {
            return Ok(Datum::Bytes(letters(&text, 0, count, binary)));
        }
        let skipped = letter_count(&text, binary).saturating_sub(count);
        Ok(Datum::Bytes(letters(&text, skipped, count, binary)))
    }

    fn substring_index(&self) -> SqlResult<Datum> {
        let text = not_null!(self.bytes(0));
        let delimiter = not_null!(self.bytes(1));
        let count = not_null!(self.int(2));
        if delimiter.is_empty() || count == 0 {
            return Ok(Datum::from(""));
        }
        let wanted = count.unsigned_abs() as usize;
        if count > 0 {
            let at = memchr::memmem::find_iter(&text, &delimiter[..]).nth(wanted - 1);
            return Ok(Datum::Bytes(at.map_or_else(|| text.clone(), |at| text.slice(..at))));
        }
        let at = memchr::memmem::rfind_iter(&text, &delimiter[..]).nth(wanted - 1);
        Ok(Datum::Bytes(match at {
            Some(at) => text.slice(at + delimiter.len()..),
            None => text,
        }))
    }

    fn elt(&self) -> SqlResult<Datum> {
        let wanted = not_null!(self.int(0));
        match usize::try_from(wanted) {
            Ok(position) if position >= 1 && position < self.args.len() => {
                Ok(Datum::Bytes(not_null!(self.bytes(position))))
            }
            _ => Ok(Datum::Null),
        }
    }

    fn make_set(&self) -> SqlResult<Datum> {
        let bits = not_null!(self.int(0));
        let (mut parts, mut length) = (Vec::new(), 0);
        for position in 1..self.args.len().min(65) {
            if bits >> (position - 1) & 1 == 1 {
                let Some(part) = self.bytes(position)? else { continue };
                length += part.len() + 1;
                if !self.limited(length - 1)? {
                    return Ok(Datum::Null);
                }
                parts.push(part);
            }
        }
        Ok(Datum::from(parts.join(&b","[..])))
    }

    /// LOCATE(needle, text [, start]) and INSTR(text, needle).
    fn locate(&self) -> SqlResult<Datum> {
        let swapped = usize::from(self.function == Function::Instr);
        let needle = not_null!(self.bytes(swapped));
        let text = not_null!(self.bytes(1 - swapped));
        let start = if self.args.len() > 2 { not_null!(self.int(2)) } else { 1 };
        let Some(start) = start.checked_sub(1).and_then(|start| usize::try_from(start).ok()) else {
            return Ok(Datum::Int(0));
        };
        let found = find(&text, &needle, start, self.collation());
        Ok(Datum::Int(found.map_or(0, |at| at as i64 + 1)))
    }

    fn find_in_set(&self) -> SqlResult<Datum> {
        let wanted = not_null!(self.bytes(0));
        let set = not_null!(self.bytes(1));
        if set.is_empty() || wanted.contains(&b',') {
            return Ok(Datum::Int(0));
        }
        // Letter by letter: here nothing is padded.
        let collation = self.collation();
        let wanted = units(&wanted, collation);
        let equal = |item: &[u8]| units(item, collation) == wanted;
        let at = set.split(|byte| *byte == b',').position(equal);
        Ok(Datum::Int(at.map_or(0, |at| at as i64 + 1)))
    }
}
