//! Variable-length integers: seven bits a byte, low ones first, the high bit set on all but the last byte.
//! Signed ones are zigzagged (0, -1, 1, -2, …), so that small ones of either sign are short.

use super::{Error, Result};

/// The longest encoding.
pub const MAX_LEN: usize = 10;

/// Appends an unsigned integer.
pub fn put_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed integer.
pub fn put_varint(out: &mut Vec<u8>, value: i64) {
    put_uvarint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads what [`put_uvarint`] wrote.
pub fn take_uvarint(input: &mut &[u8]) -> Result<u64> {
    let mut value = 0_u64;
    for (position, byte) in input.iter().take(MAX_LEN).enumerate() {
        if position == MAX_LEN - 1 && *byte > 1 {
            return Err(Error::Malformed("varint"));
        }
        value |= u64::from(byte & 0x7F) << (7 * position);
        if byte & 0x80 == 0 {
            *input = &input[position + 1..];
            return Ok(value);
        }
    }
    Err(Error::Truncated("varint"))
}

/// Reads what [`put_varint`] wrote.
pub fn take_varint(input: &mut &[u8]) -> Result<i64> {
    let zigzag = take_uvarint(input)?;
    Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
}

/// Appends a string behind its length.
pub fn put_compact_bytes(out: &mut Vec<u8>, value: &[u8]) {
    put_varint(out, value.len() as i64);
    out.extend_from_slice(value);
}

/// Reads what [`put_compact_bytes`] wrote.
pub fn take_compact_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8]> {
    let mut rest = *input;
    let len = take_varint(&mut rest)?;
    let len = usize::try_from(len).map_err(|_| Error::Malformed("string length"))?;
    let (value, rest) = rest.split_at_checked(len).ok_or(Error::Truncated("string"))?;
    *input = rest;
    Ok(value)
}
