//! Changing strings.

use bytes::Bytes;

use super::string::{letter_count, letter_start, letters};
use super::{Call, not_null};
use crate::common::SqlResult;
use crate::sql::expr::Function;
use crate::sql::types::{Datum, Decimal};

impl Call<'_> {
    pub(super) fn string_edit(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::Replace => self.replace(),
            F::Repeat => self.repeat(),
            F::LPad | F::RPad => self.pad(),
            F::Space => self.space(),
            F::Insert => self.insert(),
            F::Quote => self.quote(),
            F::Format => self.format(),
            _ => self.trim(),
        }
    }

    fn trim(&self) -> SqlResult<Datum> {
        use Function as F;
        let text = not_null!(self.bytes(0));
        let what =
            if self.args.len() > 1 { not_null!(self.bytes(1)) } else { Bytes::from_static(b" ") };
        if what.is_empty() {
            return Ok(Datum::Bytes(text));
        }
        let (mut from, mut to) = (0, text.len());
        if matches!(self.function, F::Trim | F::LTrim | F::TrimLeading) {
            while text[from..to].starts_with(&what) {
                from += what.len();
            }
        }
        if matches!(self.function, F::Trim | F::RTrim | F::TrimTrailing) {
            while text[from..to].ends_with(&what) {
                to -= what.len();
            }
        }
        Ok(Datum::Bytes(text.slice(from..to)))
    }

    fn replace(&self) -> SqlResult<Datum> {
        let text = not_null!(self.bytes(0));
        let from = not_null!(self.bytes(1));
        let to = not_null!(self.bytes(2));
        if from.is_empty() {
            return Ok(Datum::Bytes(text));
        }
        let mut replaced = Vec::with_capacity(text.len());
        let mut rest = 0;
        for at in memchr::memmem::find_iter(&text, &from[..]) {
            replaced.extend_from_slice(&text[rest..at]);
            replaced.extend_from_slice(&to);
            rest = at + from.len();
        }
        replaced.extend_from_slice(&text[rest..]);
        if !self.limited(replaced.len())? {
            return Ok(Datum::Null);
        }
        Ok(Datum::from(replaced))
    }

    fn repeat(&self) -> SqlResult<Datum> {
        let text = not_null!(self.bytes(0));
        let count = not_null!(self.int(1)).max(0) as usize;
        if !self.limited(text.len().saturating_mul(count))? {
            return Ok(Datum::Null);
        }
        Ok(Datum::from(text.repeat(count)))
    }

    fn space(&self) -> SqlResult<Datum> {
        let count = not_null!(self.int(0)).max(0) as usize;
        if !self.limited(count)? {
            return Ok(Datum::Null);
        }
        Ok(Datum::from(" ".repeat(count)))
    }

    fn pad(&self) -> SqlResult<Datum> {
        let text = not_null!(self.bytes(0));
        let wanted = not_null!(self.int(1));
        let filler = not_null!(self.bytes(2));
        let Ok(wanted) = usize::try_from(wanted) else {
            return Ok(Datum::Null);
        };
        let binary = self.field_type.is_binary_string();
        let length = letter_count(&text, binary);
        if length >= wanted {
            return Ok(Datum::Bytes(letters(&text, 0, wanted, binary)));
        }
        let filler_length = letter_count(&filler, binary);
        let most = text.len().saturating_add((wanted - length).saturating_mul(4));
        if filler_length == 0 || !self.limited(most)? {
            return Ok(Datum::Null);
        }
        let missing = wanted - length;
        let mut padding = filler.repeat(missing / filler_length);
        let part = letter_start(&filler, missing % filler_length, binary);
        padding.extend_from_slice(&filler[..part]);
        Ok(Datum::from(match self.function {
            Function::LPad => [&padding[..], &text[..]].concat(),
            _ => [&text[..], &padding[..]].concat(),
        }))
    }

    /// INSERT(text, position, length, new).
    fn insert(&self) -> SqlResult<Datum> {
        let text = not_null!(self.bytes(0));
        let position = not_null!(self.int(1));
        let length = not_null!(self.int(2));
        let new = not_null!(self.bytes(3));
        let binary = self.is_binary(0);
        let count = letter_count(&text, binary);
        if position < 1 || position as u64 > count as u64 {
            return Ok(Datum::Bytes(text));
        }
        let start = letter_start(&text, position as usize - 1, binary);
        let replaced = usize::try_from(length).unwrap_or(usize::MAX);
        let end = start + letter_start(&text[start..], replaced, binary);
        Ok(Datum::from([&text[..start], &new[..], &text[end..]].concat()))
    }

    fn quote(&self) -> SqlResult<Datum> {
        let Some(text) = self.bytes(0)? else {
            return Ok(Datum::from("NULL"));
        };
        let mut quoted = vec![b'\''];
        for byte in text.iter() {
            match byte {
                b'\\' | b'\'' => quoted.extend([b'\\', *byte]),
                0 => quoted.extend(b"\\0"),
                0x1A => quoted.extend(b"\\Z"),
                byte => quoted.push(*byte),
            }
        }
        quoted.push(b'\'');
        Ok(Datum::from(quoted))
    }

    /// FORMAT(number, places): commas between thousands. The locale is always en_US.
    fn format(&self) -> SqlResult<Datum> {
        let number: Decimal = not_null!(self.decimal(0));
        let places = not_null!(self.int(1)).clamp(0, 30) as u8;
        let rounded = number.round(i32::from(places)).with_scale(places).unwrap_or(number);
        let text = rounded.to_string();
        let (sign, size) = match text.strip_prefix('-') {
            Some(size) => ("-", size),
            None => ("", text.as_str()),
        };
        let (whole, fraction) = match size.split_once('.') {
            Some((whole, fraction)) => (whole, format!(".{fraction}")),
            None => (size, String::new()),
        };
        let mut grouped = String::new();
        for (position, digit) in whole.chars().enumerate() {
            if position > 0 && (whole.len() - position).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        Ok(Datum::from(format!("{sign}{grouped}{fraction}")))
    }
}
