//! Trees to bytes.
//!
//! The form is the one that MySQL documents for its JSON columns, so that sizes are the same: a container begins with how
//! many elements it has and how many bytes, then where keys are and how long, then what its values are and where, with small
//! ones in place; then the keys, then the values. Containers below 64 KiB have offsets of two bytes, others of four.
//! Bytes of an opaque value are ours: decimals as big-endian integers of as many bytes as MySQL's, times packed.

use super::read::kind;
use super::value::{Members, Value};
use super::{Json, MAX_DEPTH, Pulse, errors};
use crate::common::SqlResult;
use crate::sql::types::{Decimal, TimeKind};

/// Most bytes of a container with offsets of two bytes.
const SMALL: usize = 0xFFFF;
/// Most bytes of any.
const LARGE: usize = 0xFFFF_FFFF;
/// Most bytes of a key.
const LONGEST_KEY: usize = 0xFFFF;

/// How a container is laid out.
#[derive(Clone, Copy)]
struct Layout {
    size: usize,
    is_large: bool,
}

/// Sizes of the containers of a tree, in the order in which they are met.
struct Sizes<'a, 'p> {
    layouts: Vec<Layout>,
    pulse: &'a mut Pulse<'p>,
}

/// What is known of a value before it is written.
struct Measured {
    kind: u8,
    size: usize,
}

impl Measured {
    /// Bytes beside the entry.
    fn apart(&self, is_large: bool) -> usize {
        if kind::is_inlined(self.kind, is_large) { 0 } else { self.size }
    }
}

impl Value {
    /// In binary form. A document that is too deep: error 3157; a key that is too long: 3151.
    pub fn to_json(&self, pulse: &mut Pulse<'_>) -> SqlResult<Json> {
        if let Value::Stored(json) = self {
            return Ok(json.clone());
        }
        let mut sizes = Sizes { layouts: Vec::new(), pulse };
        let measured = sizes.measure(self, 0)?;
        let mut writer = Writer {
            out: Vec::with_capacity(measured.size),
            layouts: sizes.layouts,
            next: 0,
            pulse,
        };
        let kind = writer.put(self)?;
        Ok(Json { kind, body: writer.out.into() })
    }
}

impl Sizes<'_, '_> {
    fn measure(&mut self, value: &Value, depth: usize) -> SqlResult<Measured> {
        self.pulse.beat()?;
        let measured = |kind, size| Ok(Measured { kind, size });
        match value {
            Value::Null | Value::Bool(_) => measured(kind::LITERAL, 1),
            Value::Int(number) => {
                let kind = kind::of_int(*number);
                measured(kind, kind::int_size(kind))
            }
            Value::UInt(number) => {
                let kind = kind::of_uint(*number);
                measured(kind, kind::int_size(kind))
            }
            Value::Double(_) => measured(kind::DOUBLE, 8),
            Value::Decimal(number) => measured(kind::OPAQUE, 2 + 2 + decimal_bytes(number)),
            Value::Time(_) | Value::Duration(_) => measured(kind::OPAQUE, 2 + 8),
            Value::String(text) => measured(kind::STRING, sized(text.len())),
            Value::Opaque(_, bytes) => measured(kind::OPAQUE, 1 + sized(bytes.len())),
            Value::Stored(json) => {
                if depth + json.as_ref().nesting(self.pulse)? > MAX_DEPTH {
                    return Err(errors::too_deep());
                }
                measured(json.kind, json.body.len())
            }
            Value::Array(elements) => {
                self.container(elements.len(), 0, elements.iter(), false, depth)
            }
            Value::Object(members) => {
                let mut keys = 0;
                for (key, _) in members.iter() {
                    if key.len() > LONGEST_KEY {
                        return Err(errors::key_too_long());
                    }
                    keys += key.len();
                }
                let values = members.iter().map(|member| member.1);
                self.container(members.len(), keys, values, true, depth)
            }
        }
    }

    fn container<'v>(
        &mut self,
        count: usize,
        keys: usize,
        values: impl Iterator<Item = &'v Value>,
        is_object: bool,
        depth: usize,
    ) -> SqlResult<Measured> {
        if depth >= MAX_DEPTH {
            return Err(errors::too_deep());
        }
        let place = self.layouts.len();
        self.layouts.push(Layout { size: 0, is_large: false });
        let mut small = kind::head_size(count, is_object, false) + keys;
        let mut large = kind::head_size(count, is_object, true) + keys;
        for value in values {
            let part = self.measure(value, depth + 1)?;
            small += part.apart(false);
            large += part.apart(true);
        }
        let is_large = small > SMALL;
        let size = if is_large { large } else { small };
        if size > LARGE {
            return Err(errors::too_big());
        }
        self.layouts[place] = Layout { size, is_large };
        Ok(Measured { kind: kind::of_container(is_object, is_large), size })
    }
}

struct Writer<'a, 'p> {
    out: Vec<u8>,
    layouts: Vec<Layout>,
    next: usize,
    pulse: &'a mut Pulse<'p>,
}

impl Writer<'_, '_> {
    /// Appends a value, and says what it is.
    fn put(&mut self, value: &Value) -> SqlResult<u8> {
        self.pulse.beat()?;
        let out = &mut self.out;
        match value {
            Value::Null => out.push(kind::NULL),
            Value::Bool(truth) => out.push(if *truth { kind::TRUE } else { kind::FALSE }),
            Value::Int(number) => {
                let kind = kind::of_int(*number);
                out.extend_from_slice(&number.to_le_bytes()[..kind::int_size(kind)]);
                return Ok(kind);
            }
            Value::UInt(number) => {
                let kind = kind::of_uint(*number);
                out.extend_from_slice(&number.to_le_bytes()[..kind::int_size(kind)]);
                return Ok(kind);
            }
            Value::Double(number) => {
                out.extend_from_slice(&number.to_le_bytes());
                return Ok(kind::DOUBLE);
            }
            Value::String(text) => {
                put_sized(text.as_bytes(), out);
                return Ok(kind::STRING);
            }
            Value::Decimal(number) => return Ok(put_decimal(number, out)),
            Value::Time(time) => {
                let of = match time.kind {
                    TimeKind::Date => kind::field::DATE,
                    TimeKind::DateTime => kind::field::DATETIME,
                    TimeKind::Timestamp => kind::field::TIMESTAMP,
                };
                return Ok(put_opaque(of, &time.packed.to_le_bytes(), out));
            }
            Value::Duration(duration) => {
                return Ok(put_opaque(kind::field::TIME, &duration.micros.to_le_bytes(), out));
            }
            Value::Opaque(of, bytes) => return Ok(put_opaque(*of, bytes, out)),
            Value::Stored(json) => {
                out.extend_from_slice(&json.body);
                return Ok(json.kind);
            }
            Value::Array(elements) => return self.container(elements.iter(), None),
            Value::Object(members) => {
                return self.container(members.iter().map(|member| member.1), Some(members));
            }
        }
        Ok(kind::LITERAL)
    }

    fn container<'v>(
        &mut self,
        values: impl ExactSizeIterator<Item = &'v Value>,
        members: Option<&Members>,
    ) -> SqlResult<u8> {
        let layout = self.layouts[self.next];
        self.next += 1;
        let start = self.out.len();
        let is_large = layout.is_large;
        let width = if is_large { 4 } else { 2 };
        let count = values.len();
        let mut head = kind::head_size(count, members.is_some(), is_large);
        self.out.resize(start + head, 0);
        let mut at = start;
        self.set_offset(&mut at, count, width);
        self.set_offset(&mut at, layout.size, width);
        if let Some(members) = members {
            for (key, _) in members.iter() {
                self.set_offset(&mut at, head, width);
                self.set_offset(&mut at, key.len(), 2);
                head += key.len();
            }
            for (key, _) in members.iter() {
                self.out.extend_from_slice(key.as_bytes());
            }
        }
        for value in values {
            let offset = self.out.len();
            let kind = self.put(value)?;
            self.out[at] = kind;
            at += 1;
            if kind::is_inlined(kind, is_large) {
                let length = self.out.len() - offset;
                self.out.copy_within(offset.., at);
                self.out.truncate(offset);
                debug_assert!(length <= width, "{kind}");
                at += width;
            } else {
                self.set_offset(&mut at, offset - start, width);
            }
        }
        debug_assert_eq!(self.out.len() - start, layout.size, "measured as it is written");
        Ok(kind::of_container(members.is_some(), is_large))
    }

    fn set_offset(&mut self, at: &mut usize, offset: usize, width: usize) {
        self.out[*at..*at + width].copy_from_slice(&(offset as u64).to_le_bytes()[..width]);
        *at += width;
    }
}

/// Bytes of so many with their number in front.
fn sized(length: usize) -> usize {
    let mut digits = 1;
    let mut rest = length >> 7;
    while rest > 0 {
        digits += 1;
        rest >>= 7;
    }
    digits + length
}

fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes.len();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(bytes);
}

fn put_opaque(of: u8, bytes: &[u8], out: &mut Vec<u8>) -> u8 {
    out.push(of);
    put_sized(bytes, out);
    kind::OPAQUE
}

/// Bytes of a decimal's digits: four for nine of them.
fn decimal_bytes(number: &Decimal) -> usize {
    const REST: [usize; 9] = [0, 1, 1, 2, 2, 3, 3, 4, 4];
    let of = |digits: usize| digits / 9 * 4 + REST[digits % 9];
    let scale = usize::from(number.scale);
    of(number.precision() as usize - scale) + of(scale)
}

fn put_decimal(number: &Decimal, out: &mut Vec<u8>) -> u8 {
    let size = decimal_bytes(number);
    let all = number.unscaled.to_be_bytes();
    let mut bytes = vec![number.precision() as u8, number.scale];
    // As many digits as fit, with their sign, fit so many bytes.
    bytes.extend_from_slice(&all[all.len() - size..]);
    put_opaque(kind::field::DECIMAL, &bytes, out)
}
