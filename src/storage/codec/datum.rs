//! Memcomparable values behind a flag byte, as index keys hold them.
//!
//! The flags are TiDB's. They order kinds among each other (NULL first), and say how to step over a value
//! without knowing its column.

use arrow::datatypes::i256;

use super::{Error, Result, bytes, decimal, number, take, varint};

/// NULL; nothing follows. Smaller than any value, as MySQL sorts.
pub const NIL_FLAG: u8 = 0;
/// A memcomparable byte string.
pub const BYTES_FLAG: u8 = 1;
/// A byte string behind its length; not memcomparable, for values only.
pub const COMPACT_BYTES_FLAG: u8 = 2;
/// A signed integer.
pub const INT_FLAG: u8 = 3;
/// An unsigned integer.
pub const UINT_FLAG: u8 = 4;
/// A float.
pub const FLOAT_FLAG: u8 = 5;
/// An exact number.
pub const DECIMAL_FLAG: u8 = 6;
/// A duration, as signed nanoseconds.
pub const DURATION_FLAG: u8 = 7;
/// A signed varint; not memcomparable, for values only.
pub const VARINT_FLAG: u8 = 8;
/// An unsigned varint; not memcomparable, for values only.
pub const UVARINT_FLAG: u8 = 9;
/// Past every value: an upper bound.
pub const MAX_FLAG: u8 = 250;

/// One decoded value.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// NULL.
    Nil,
    /// A byte string.
    Bytes(Vec<u8>),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A float.
    Float(f64),
    /// An exact number: unscaled value and the smallest scale.
    Decimal(i256, u8),
    /// Signed nanoseconds.
    Duration(i64),
}

/// Appends NULL.
pub fn put_nil(out: &mut Vec<u8>) {
    out.push(NIL_FLAG);
}

/// Appends a byte string.
pub fn put_bytes(out: &mut Vec<u8>, value: &[u8]) {
    out.push(BYTES_FLAG);
    bytes::put_bytes(out, value);
}

/// Appends a signed integer.
pub fn put_int(out: &mut Vec<u8>, value: i64) {
    out.push(INT_FLAG);
    number::put_i64(out, value);
}

/// Appends an unsigned integer.
pub fn put_uint(out: &mut Vec<u8>, value: u64) {
    out.push(UINT_FLAG);
    number::put_u64(out, value);
}

/// Appends a float.
pub fn put_float(out: &mut Vec<u8>, value: f64) {
    out.push(FLOAT_FLAG);
    number::put_f64(out, value);
}

/// Appends `unscaled` / 10^`scale`.
pub fn put_decimal(out: &mut Vec<u8>, unscaled: i256, scale: u8) {
    out.push(DECIMAL_FLAG);
    decimal::put_decimal(out, unscaled, scale);
}

/// Appends a duration in nanoseconds.
pub fn put_duration(out: &mut Vec<u8>, nanoseconds: i64) {
    out.push(DURATION_FLAG);
    number::put_i64(out, nanoseconds);
}

/// Appends what sorts after every value of any kind.
pub fn put_max(out: &mut Vec<u8>) {
    out.push(MAX_FLAG);
}

/// Turns the order of an encoded value around, flag included: NULL is greatest then. Twice is nothing.
pub fn invert(part: &mut [u8]) {
    part.iter_mut().for_each(|byte| *byte = !*byte);
}

/// No flag of a value whose order is not turned around is as high.
const INVERTED: u8 = 0x80;

/// The bytes of an inverted value at the start of the input, as they were before.
fn inverted(input: &[u8]) -> Vec<u8> {
    let mut copy = match input.first().map(|flag| !*flag) {
        Some(NIL_FLAG) => input[..1].to_vec(),
        Some(INT_FLAG | UINT_FLAG | FLOAT_FLAG | DURATION_FLAG) => {
            input[..input.len().min(9)].to_vec()
        }
        Some(DECIMAL_FLAG) => input.to_vec(),
        Some(_) => input[..1 + bytes::desc_len(&input[1..])].to_vec(),
        None => Vec::new(),
    };
    invert(&mut copy);
    copy
}

/// Reads one value, memcomparable or not, in whichever order.
pub fn take_part(input: &mut &[u8]) -> Result<Part> {
    if input.first().is_some_and(|flag| *flag >= INVERTED) {
        let copy = inverted(input);
        let mut rest = copy.as_slice();
        let part = take_part(&mut rest)?;
        *input = &input[copy.len() - rest.len()..];
        return Ok(part);
    }
    let mut rest = *input;
    let [flag] = take(&mut rest, "value flag")?;
    let part = match flag {
        NIL_FLAG => Part::Nil,
        BYTES_FLAG => Part::Bytes(bytes::take_bytes(&mut rest)?),
        COMPACT_BYTES_FLAG => Part::Bytes(varint::take_compact_bytes(&mut rest)?.to_vec()),
        INT_FLAG => Part::Int(number::take_i64(&mut rest)?),
        UINT_FLAG => Part::Uint(number::take_u64(&mut rest)?),
        FLOAT_FLAG => Part::Float(number::take_f64(&mut rest)?),
        DECIMAL_FLAG => {
            let (unscaled, scale) = decimal::take_decimal(&mut rest)?;
            Part::Decimal(unscaled, scale)
        }
        DURATION_FLAG => Part::Duration(number::take_i64(&mut rest)?),
        VARINT_FLAG => Part::Int(varint::take_varint(&mut rest)?),
        UVARINT_FLAG => Part::Uint(varint::take_uvarint(&mut rest)?),
        _ => return Err(Error::Malformed("value flag")),
    };
    *input = rest;
    Ok(part)
}

/// Moves past one value and answers with its bytes, flag included.
pub fn skip_part<'a>(input: &mut &'a [u8]) -> Result<&'a [u8]> {
    let whole = *input;
    if input.first().is_some_and(|flag| *flag >= INVERTED) {
        let copy = inverted(input);
        let mut rest = copy.as_slice();
        skip_part(&mut rest)?;
        let length = copy.len() - rest.len();
        *input = &whole[length..];
        return Ok(&whole[..length]);
    }
    let mut rest = *input;
    let [flag] = take(&mut rest, "value flag")?;
    match flag {
        NIL_FLAG => {}
        BYTES_FLAG => drop(bytes::skip_bytes(&mut rest)?),
        COMPACT_BYTES_FLAG => drop(varint::take_compact_bytes(&mut rest)?),
        INT_FLAG | UINT_FLAG | FLOAT_FLAG | DURATION_FLAG => {
            take::<8>(&mut rest, "number")?;
        }
        DECIMAL_FLAG => decimal::skip_decimal(&mut rest)?,
        VARINT_FLAG | UVARINT_FLAG => {
            varint::take_uvarint(&mut rest)?;
        }
        _ => return Err(Error::Malformed("value flag")),
    }
    *input = rest;
    Ok(&whole[..whole.len() - rest.len()])
}
