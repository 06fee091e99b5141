//! Reading binary form.
//!
//! What is read is the server's own, checked where it is stored: bytes that are no document read as nulls, never beyond
//! themselves.

use super::value::{Value, compare_keys};
use super::{MAX_DEPTH, Pulse, errors};
use crate::common::SqlResult;
use crate::sql::types::{Decimal, Duration, Time, TimeKind};

/// What values are, and how containers are laid out.
pub(super) mod kind {
    pub(in super::super) const SMALL_OBJECT: u8 = 0;
    pub(in super::super) const LARGE_OBJECT: u8 = 1;
    pub(in super::super) const SMALL_ARRAY: u8 = 2;
    pub(in super::super) const LARGE_ARRAY: u8 = 3;
    pub(in super::super) const LITERAL: u8 = 4;
    pub(in super::super) const INT16: u8 = 5;
    pub(in super::super) const UINT16: u8 = 6;
    pub(in super::super) const INT32: u8 = 7;
    pub(in super::super) const UINT32: u8 = 8;
    pub(in super::super) const INT64: u8 = 9;
    pub(in super::super) const UINT64: u8 = 10;
    pub(in super::super) const DOUBLE: u8 = 11;
    pub(in super::super) const STRING: u8 = 12;
    pub(in super::super) const OPAQUE: u8 = 15;

    pub(in super::super) const NULL: u8 = 0;
    pub(in super::super) const TRUE: u8 = 1;
    pub(in super::super) const FALSE: u8 = 2;

    /// Types of the protocol.
    pub(in super::super) mod field {
        pub(in super::super::super) const TIMESTAMP: u8 = 7;
        pub(in super::super::super) const DATE: u8 = 10;
        pub(in super::super::super) const TIME: u8 = 11;
        pub(in super::super::super) const DATETIME: u8 = 12;
        pub(in super::super::super) const VARCHAR: u8 = 15;
        pub(in super::super::super) const BIT: u8 = 16;
        pub(in super::super::super) const DECIMAL: u8 = 246;
        pub(in super::super::super) const FIRST_BLOB: u8 = 249;
        pub(in super::super::super) const STRING: u8 = 254;
    }

    pub(in super::super) fn of_container(is_object: bool, is_large: bool) -> u8 {
        match (is_object, is_large) {
            (true, false) => SMALL_OBJECT,
            (true, true) => LARGE_OBJECT,
            (false, false) => SMALL_ARRAY,
            (false, true) => LARGE_ARRAY,
        }
    }

    pub(in super::super) fn of_int(number: i64) -> u8 {
        if i16::try_from(number).is_ok() {
            INT16
        } else if i32::try_from(number).is_ok() {
            INT32
        } else {
            INT64
        }
    }

    pub(in super::super) fn of_uint(number: u64) -> u8 {
        if u16::try_from(number).is_ok() {
            UINT16
        } else if u32::try_from(number).is_ok() {
            UINT32
        } else {
            UINT64
        }
    }

    pub(in super::super) fn int_size(kind: u8) -> usize {
        match kind {
            INT16 | UINT16 => 2,
            INT32 | UINT32 => 4,
            _ => 8,
        }
    }

    /// Whether a value stands in its entry.
    pub(in super::super) fn is_inlined(kind: u8, is_large: bool) -> bool {
        match kind {
            LITERAL | INT16 | UINT16 => true,
            INT32 | UINT32 => is_large,
            _ => false,
        }
    }

    /// Bytes in front of keys and values.
    pub(in super::super) fn head_size(count: usize, is_object: bool, is_large: bool) -> usize {
        let width = if is_large { 4 } else { 2 };
        let key = if is_object { width + 2 } else { 0 };
        2 * width + count * (key + 1 + width)
    }
}

/// A document or a part of one, for reading.
#[derive(Clone, Copy, Debug)]
pub struct JsonRef<'a> {
    kind: u8,
    bytes: &'a [u8],
}

/// What a part of a document is.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// JSON's null.
    Null,
    /// true or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A double.
    Double(f64),
    /// A decimal.
    Decimal(Decimal),
    /// A text.
    String(&'a str),
    /// A date, a moment or a timestamp.
    Time(Time),
    /// A time of day.
    Duration(Duration),
    /// Bytes of a type of the protocol.
    Opaque(u8, &'a [u8]),
    /// Elements.
    Array(Container<'a>),
    /// Members.
    Object(Container<'a>),
}

/// The elements of an array, or the members of an object.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    bytes: &'a [u8],
    is_large: bool,
    is_object: bool,
    count: usize,
}

const NOTHING: JsonRef<'static> = JsonRef { kind: kind::LITERAL, bytes: &[kind::NULL] };

impl<'a> JsonRef<'a> {
    pub(super) fn new(kind: u8, bytes: &'a [u8]) -> JsonRef<'a> {
        JsonRef { kind, bytes }
    }

    pub(super) fn kind(&self) -> u8 {
        self.kind
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where it is: no two parts of a document are at the same place.
    pub(super) fn place(&self) -> usize {
        self.bytes.as_ptr().addr()
    }

    /// What it is.
    pub fn view(&self) -> View<'a> {
        self.try_view().unwrap_or(View::Null)
    }

    fn try_view(&self) -> Option<View<'a>> {
        Some(match self.kind {
            kind::SMALL_OBJECT => View::Object(Container::new(self.bytes, true, false)?),
            kind::LARGE_OBJECT => View::Object(Container::new(self.bytes, true, true)?),
            kind::SMALL_ARRAY => View::Array(Container::new(self.bytes, false, false)?),
            kind::LARGE_ARRAY => View::Array(Container::new(self.bytes, false, true)?),
            kind::LITERAL => match *self.bytes.first()? {
                kind::TRUE => View::Bool(true),
                kind::FALSE => View::Bool(false),
                _ => View::Null,
            },
            kind::INT16 => View::Int(i64::from(i16::from_le_bytes(array(self.bytes)?))),
            kind::INT32 => View::Int(i64::from(i32::from_le_bytes(array(self.bytes)?))),
            kind::INT64 => View::Int(i64::from_le_bytes(array(self.bytes)?)),
            kind::UINT16 => View::UInt(u64::from(u16::from_le_bytes(array(self.bytes)?))),
            kind::UINT32 => View::UInt(u64::from(u32::from_le_bytes(array(self.bytes)?))),
            kind::UINT64 => View::UInt(u64::from_le_bytes(array(self.bytes)?)),
            kind::DOUBLE => View::Double(f64::from_le_bytes(array(self.bytes)?)),
            kind::STRING => View::String(std::str::from_utf8(take_sized(self.bytes)?).ok()?),
            kind::OPAQUE => return opaque(*self.bytes.first()?, take_sized(&self.bytes[1..])?),
            _ => return None,
        })
    }

    /// How many containers are in each other: none in a scalar. Error 3157 for more than there may be.
    pub(super) fn nesting(&self, pulse: &mut Pulse<'_>) -> SqlResult<usize> {
        self.nesting_below(0, pulse)
    }

    fn nesting_below(&self, above: usize, pulse: &mut Pulse<'_>) -> SqlResult<usize> {
        pulse.beat()?;
        let Some(container) = self.container() else { return Ok(0) };
        if above >= MAX_DEPTH {
            return Err(errors::too_deep());
        }
        let mut deepest = 0;
        for at in 0..container.len() {
            deepest = deepest.max(container.get(at).nesting_below(above + 1, pulse)?);
        }
        Ok(deepest + 1)
    }

    /// JSON_DEPTH: 1 for scalars and empty containers, otherwise one more than the deepest of what is in it.
    pub fn depth(&self, pulse: &mut Pulse<'_>) -> SqlResult<usize> {
        pulse.beat()?;
        let mut deepest = 0;
        if let Some(container) = self.container() {
            for at in 0..container.len() {
                deepest = deepest.max(container.get(at).depth(pulse)?);
            }
        }
        Ok(deepest + 1)
    }

    /// Elements of an array, members of an object; 1 for a scalar.
    pub fn length(&self) -> usize {
        self.container().map_or(1, |container| container.len())
    }

    /// The array or object that it is.
    pub fn container(&self) -> Option<Container<'a>> {
        match self.view() {
            View::Array(container) | View::Object(container) => Some(container),
            _ => None,
        }
    }

    /// What JSON_TYPE calls it.
    pub fn type_name(&self) -> &'static str {
        match self.view() {
            View::Null => "NULL",
            View::Bool(_) => "BOOLEAN",
            View::Int(_) => "INTEGER",
            View::UInt(_) => "UNSIGNED INTEGER",
            View::Double(_) => "DOUBLE",
            View::Decimal(_) => "DECIMAL",
            View::String(_) => "STRING",
            View::Time(time) => match time.kind {
                TimeKind::Date => "DATE",
                TimeKind::DateTime => "DATETIME",
                TimeKind::Timestamp => "TIMESTAMP",
            },
            View::Duration(_) => "TIME",
            View::Opaque(of, _) if is_blob(of) => "BLOB",
            View::Opaque(kind::field::BIT, _) => "BIT",
            View::Opaque(_, _) => "OPAQUE",
            View::Array(_) => "ARRAY",
            View::Object(_) => "OBJECT",
        }
    }
}

/// Whether bytes of this type of the protocol are a BLOB.
pub(super) fn is_blob(of: u8) -> bool {
    of == kind::field::VARCHAR || (kind::field::FIRST_BLOB..=kind::field::STRING).contains(&of)
}

impl View<'_> {
    /// A scalar as a tree. What is no scalar is null.
    pub(super) fn to_scalar(self) -> Value {
        match self {
            View::Null | View::Array(_) | View::Object(_) => Value::Null,
            View::Bool(truth) => Value::Bool(truth),
            View::Int(number) => Value::Int(number),
            View::UInt(number) => Value::UInt(number),
            View::Double(number) => Value::Double(number),
            View::Decimal(number) => Value::Decimal(number),
            View::String(text) => Value::String(text.to_owned()),
            View::Time(time) => Value::Time(time),
            View::Duration(duration) => Value::Duration(duration),
            View::Opaque(of, bytes) => Value::Opaque(of, bytes::Bytes::copy_from_slice(bytes)),
        }
    }

    /// Whether it is neither an array nor an object.
    pub fn is_scalar(&self) -> bool {
        !matches!(self, View::Array(_) | View::Object(_))
    }
}

impl<'a> Container<'a> {
    fn new(bytes: &'a [u8], is_object: bool, is_large: bool) -> Option<Container<'a>> {
        let mut container = Container { bytes, is_large, is_object, count: 0 };
        let count = container.offset(0)?;
        let head = kind::head_size(count, is_object, is_large);
        container.count = count;
        (count <= bytes.len() && head <= bytes.len()).then_some(container)
    }

    fn width(&self) -> usize {
        if self.is_large { 4 } else { 2 }
    }

    fn offset(&self, at: usize) -> Option<usize> {
        Some(if self.is_large {
            u32::from_le_bytes(array(self.bytes.get(at..)?)?) as usize
        } else {
            usize::from(u16::from_le_bytes(array(self.bytes.get(at..)?)?))
        })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value at a position; null beyond the last.
    pub fn get(&self, at: usize) -> JsonRef<'a> {
        self.try_get(at).unwrap_or(NOTHING)
    }

    fn try_get(&self, at: usize) -> Option<JsonRef<'a>> {
        if at >= self.count {
            return None;
        }
        let width = self.width();
        let keys = if self.is_object { self.count * (width + 2) } else { 0 };
        let entry = 2 * width + keys + at * (1 + width);
        let kind = *self.bytes.get(entry)?;
        if kind::is_inlined(kind, self.is_large) {
            let size = if kind == kind::LITERAL { 1 } else { kind::int_size(kind) };
            return Some(JsonRef { kind, bytes: self.bytes.get(entry + 1..entry + 1 + size)? });
        }
        let start = self.offset(entry + 1)?;
        let rest = self.bytes.get(start..)?;
        let size = match kind {
            kind::SMALL_OBJECT | kind::SMALL_ARRAY => {
                usize::from(u16::from_le_bytes(array(rest.get(2..)?)?))
            }
            kind::LARGE_OBJECT | kind::LARGE_ARRAY => {
                u32::from_le_bytes(array(rest.get(4..)?)?) as usize
            }
            kind::STRING => end_of_sized(rest)?,
            kind::OPAQUE => 1 + end_of_sized(rest.get(1..)?)?,
            _ => kind::int_size(kind),
        };
        Some(JsonRef { kind, bytes: rest.get(..size)? })
    }

    /// The key at a position; empty beyond the last, and in an array.
    pub fn key(&self, at: usize) -> &'a str {
        self.key_bytes(at).and_then(|key| std::str::from_utf8(key).ok()).unwrap_or_default()
    }

    fn key_bytes(&self, at: usize) -> Option<&'a [u8]> {
        if !self.is_object || at >= self.count {
            return None;
        }
        let width = self.width();
        let entry = 2 * width + at * (width + 2);
        let start = self.offset(entry)?;
        let length = u16::from_le_bytes(array(self.bytes.get(entry + width..)?)?);
        self.bytes.get(start..start + usize::from(length))
    }

    /// The value of a key.
    pub fn find(&self, key: &str) -> Option<JsonRef<'a>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            match compare_keys(self.key_bytes(middle)?, key.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return self.try_get(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// All members, in order; of an array with empty keys.
    pub fn members(self) -> impl Iterator<Item = (&'a str, JsonRef<'a>)> {
        (0..self.count).map(move |at| (self.key(at), self.get(at)))
    }

    /// All values, in order.
    pub fn values(self) -> impl ExactSizeIterator<Item = JsonRef<'a>> + DoubleEndedIterator {
        (0..self.count).map(move |at| self.get(at))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

/// The length in front of some bytes, and how long that is itself.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

fn take_sized(bytes: &[u8]) -> Option<&[u8]> {
    let (length, start) = length(bytes)?;
    bytes.get(start..start + length)
}

fn end_of_sized(bytes: &[u8]) -> Option<usize> {
    length(bytes).map(|(length, start)| start + length)
}

fn opaque(of: u8, bytes: &[u8]) -> Option<View<'_>> {
    let time =
        |kind, fsp| Some(View::Time(Time { packed: u64::from_le_bytes(array(bytes)?), kind, fsp }));
    match of {
        kind::field::DATE => time(TimeKind::Date, 0),
        kind::field::DATETIME => time(TimeKind::DateTime, 6),
        kind::field::TIMESTAMP => time(TimeKind::Timestamp, 6),
        kind::field::TIME => {
            Some(View::Duration(Duration { micros: i64::from_le_bytes(array(bytes)?), fsp: 6 }))
        }
        kind::field::DECIMAL => {
            let (scale, digits) = (*bytes.get(1)?, bytes.get(2..)?);
            let sign = if digits.first()? & 0x80 == 0 { 0 } else { 0xFF };
            let mut all = [sign; 32];
            all.get_mut(32_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
            Some(View::Decimal(Decimal {
                unscaled: arrow::datatypes::i256::from_be_bytes(all),
                scale,
            }))
        }
        of => Some(View::Opaque(of, bytes)),
    }
}
