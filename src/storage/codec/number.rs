//! Memcomparable numbers of eight bytes, big-endian, ascending and descending.
//!
//! Signed integers flip the sign bit. Floats flip the sign bit when positive and all bits when negative; negative
//! zero is stored as zero, since the two are equal. The descending variants invert every bit.

use super::{Result, take};

const SIGN: u64 = 1 << 63;

fn i64_bits(value: i64) -> u64 {
    value as u64 ^ SIGN
}

fn i64_from_bits(bits: u64) -> i64 {
    (bits ^ SIGN) as i64
}

fn f64_bits(value: f64) -> u64 {
    let bits = value.to_bits();
    if value >= 0.0 { bits | SIGN } else { !bits }
}

fn f64_from_bits(bits: u64) -> f64 {
    f64::from_bits(if bits & SIGN != 0 { bits ^ SIGN } else { !bits })
}

/// Appends a signed integer.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&i64_bits(value).to_be_bytes());
}

/// Appends a signed integer, larger ones first.
pub fn put_i64_desc(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&(!i64_bits(value)).to_be_bytes());
}

/// Appends an unsigned integer.
pub fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends an unsigned integer, larger ones first.
pub fn put_u64_desc(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&(!value).to_be_bytes());
}

/// Appends a float.
pub fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&f64_bits(value).to_be_bytes());
}

/// Appends a float, larger ones first.
pub fn put_f64_desc(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&(!f64_bits(value)).to_be_bytes());
}

/// Reads what [`put_i64`] wrote.
pub fn take_i64(input: &mut &[u8]) -> Result<i64> {
    Ok(i64_from_bits(u64::from_be_bytes(take(input, "integer")?)))
}

/// Reads what [`put_i64_desc`] wrote.
pub fn take_i64_desc(input: &mut &[u8]) -> Result<i64> {
    Ok(i64_from_bits(!u64::from_be_bytes(take(input, "integer")?)))
}

/// Reads what [`put_u64`] wrote.
pub fn take_u64(input: &mut &[u8]) -> Result<u64> {
    Ok(u64::from_be_bytes(take(input, "integer")?))
}

/// Reads what [`put_u64_desc`] wrote.
pub fn take_u64_desc(input: &mut &[u8]) -> Result<u64> {
    Ok(!u64::from_be_bytes(take(input, "integer")?))
}

/// Reads what [`put_f64`] wrote.
pub fn take_f64(input: &mut &[u8]) -> Result<f64> {
    Ok(f64_from_bits(u64::from_be_bytes(take(input, "float")?)))
}

/// Reads what [`put_f64_desc`] wrote.
pub fn take_f64_desc(input: &mut &[u8]) -> Result<f64> {
    Ok(f64_from_bits(!u64::from_be_bytes(take(input, "float")?)))
}
