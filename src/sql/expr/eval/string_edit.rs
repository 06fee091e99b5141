//! Changing strings.

use bytes::Bytes;

use super::string::{letter_count, letter_start, letters};
use super::{Call, not_null};
use crate::common::{SqlResult, errno};
use crate::sql::expr::Function;
use crate::sql::types::{Datum, Decimal, NumberFormat};

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
        let mut length = text.len();
        if to.len() > from.len() {
            let found = memchr::memmem::find_iter(&text, &from[..]).count();
            length = length.saturating_add(found.saturating_mul(to.len() - from.len()));
            if !self.limited(length)? {
                return Ok(Datum::Null);
            }
        }
        let mut replaced = Vec::with_capacity(length);
        let mut rest = 0;
        for at in memchr::memmem::find_iter(&text, &from[..]) {
            replaced.extend_from_slice(&text[rest..at]);
            replaced.extend_from_slice(&to);
            rest = at + from.len();
        }
        replaced.extend_from_slice(&text[rest..]);
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
        if filler_length == 0 {
            return Ok(Datum::Null);
        }
        let missing = wanted - length;
        let whole = missing / filler_length;
        let part = &filler[..letter_start(&filler, missing % filler_length, binary)];
        let total = filler.len().saturating_mul(whole).saturating_add(part.len() + text.len());
        if !self.limited(total)? {
            return Ok(Datum::Null);
        }
        let mut padded = Vec::with_capacity(total);
        if self.function == Function::RPad {
            padded.extend_from_slice(&text);
        }
        for _ in 0..whole {
            padded.extend_from_slice(&filler);
        }
        padded.extend_from_slice(part);
        if self.function == Function::LPad {
            padded.extend_from_slice(&text);
        }
        Ok(Datum::from(padded))
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
        if !self.limited(start + new.len() + (text.len() - end))? {
            return Ok(Datum::Null);
        }
        Ok(Datum::from([&text[..start], &new[..], &text[end..]].concat()))
    }

    fn quote(&self) -> SqlResult<Datum> {
        let Some(text) = self.bytes(0)? else {
            return Ok(Datum::from("NULL"));
        };
        let escaped = text.iter().filter(|byte| matches!(byte, b'\\' | b'\'' | 0 | 0x1A)).count();
        let length = text.len() + escaped + 2;
        if !self.limited(length)? {
            return Ok(Datum::Null);
        }
        let mut quoted = Vec::with_capacity(length);
        quoted.push(b'\'');
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

    /// FORMAT(number, places [, locale]).
    fn format(&self) -> SqlResult<Datum> {
        let number: Decimal = not_null!(self.decimal(0));
        let places = not_null!(self.int(1)).clamp(0, 30) as u8;
        let rounded = number.round(i32::from(places)).with_scale(places).unwrap_or(number);
        let locale = if self.args.len() > 2 { self.locale()? } else { NumberFormat::EN_US };
        Ok(Datum::from(locale.write(&rounded.to_string())))
    }

    /// The locale that the third argument names; en_US with a warning if there is none of that name.
    fn locale(&self) -> SqlResult<NumberFormat> {
        let name = self.text(2)?;
        if let Some(format) = name.as_deref().and_then(NumberFormat::by_name) {
            return Ok(format);
        }
        let name = name.as_deref().unwrap_or("NULL");
        self.ctx.warn(errno::UNKNOWN_LOCALE, format!("Unknown locale: '{name}'"));
        Ok(NumberFormat::EN_US)
    }
}
