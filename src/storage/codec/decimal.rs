//! Memcomparable exact numbers.
//!
//! A number is written as ±0.d₁d₂… × 10^e with d₁ ≠ 0 and no zeros at the end, so that equal numbers of different
//! scales (1.5 and 1.50) are equal bytes. A sign byte (0 negative, 1 zero, 2 positive) comes first; for zero
//! nothing follows. Then come e, as two bytes with the sign bit flipped, the digits, two in a byte as 1 + their
//! value (a missing last digit counts as 0), and a terminating 0. For negative numbers everything behind the
//! sign is inverted. Precision is a property of the column, and is not kept.

use arrow::datatypes::i256;

use super::{Error, Result, take};

const NEGATIVE: u8 = 0;
const ZERO: u8 = 1;
const POSITIVE: u8 = 2;
const WHAT: &str = "decimal";

/// Appends `unscaled` / 10^`scale`.
pub fn put_decimal(out: &mut Vec<u8>, unscaled: i256, scale: u8) {
    let text = digits_of(unscaled);
    let digits = text.trim_end_matches('0').as_bytes();
    if digits.is_empty() {
        out.push(ZERO);
        return;
    }
    let negative = unscaled.is_negative();
    out.push(if negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    let exponent = text.len() as i16 - i16::from(scale);
    out.extend_from_slice(&(exponent as u16 ^ 0x8000).to_be_bytes());
    for pair in digits.chunks(2) {
        let low = pair.get(1).map_or(0, |digit| digit - b'0');
        out.push(1 + (pair[0] - b'0') * 10 + low);
    }
    out.push(0);
    if negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// The digits without sign and leading zeros; none for zero.
fn digits_of(unscaled: i256) -> String {
    match unscaled.to_i128() {
        Some(0) => String::new(),
        Some(value) => itoa::Buffer::new().format(value.unsigned_abs()).to_owned(),
        None => unscaled.to_string().trim_start_matches('-').to_owned(),
    }
}

/// Reads what [`put_decimal`] wrote, with the smallest scale that holds it.
pub fn take_decimal(input: &mut &[u8]) -> Result<(i256, u8)> {
    let mut rest = *input;
    let [sign] = take(&mut rest, WHAT)?;
    let invert = match sign {
        NEGATIVE => 0xFF,
        POSITIVE => 0,
        ZERO => {
            *input = rest;
            return Ok((i256::ZERO, 0));
        }
        _ => return Err(Error::Malformed(WHAT)),
    };
    let exponent = take(&mut rest, WHAT)?.map(|byte: u8| byte ^ invert);
    let exponent = i32::from((u16::from_be_bytes(exponent) ^ 0x8000) as i16);
    let mut digits = Vec::new();
    loop {
        let [byte] = take(&mut rest, WHAT)?;
        match byte ^ invert {
            0 => break,
            pair @ 1..=100 => digits.extend([(pair - 1) / 10, (pair - 1) % 10]),
            _ => return Err(Error::Malformed(WHAT)),
        }
    }
    *input = rest;
    from_parts(sign == NEGATIVE, exponent, digits)
}

/// ±0.digits × 10^exponent.
fn from_parts(negative: bool, exponent: i32, mut digits: Vec<u8>) -> Result<(i256, u8)> {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    if digits.first().is_none_or(|digit| *digit == 0) {
        return Err(Error::Malformed(WHAT));
    }
    // Zeros between the digits and the point.
    let zeros = exponent - digits.len() as i32;
    let scale = u8::try_from(-zeros.min(0)).map_err(|_| Error::Malformed(WHAT))?;
    let zeros = u32::try_from(zeros.max(0)).unwrap_or(0);
    // The smallest number is negative, and one further from zero than the largest.
    let sign = i256::from_i128(if negative { -1 } else { 1 });
    let ten = i256::from_i128(10);
    let unscaled = digits.iter().try_fold(i256::ZERO, |value, digit| {
        let digit = sign.wrapping_mul(i256::from_i128(i128::from(*digit)));
        value.checked_mul(ten)?.checked_add(digit)
    });
    let unscaled = unscaled.and_then(|value| value.checked_mul(ten.checked_pow(zeros)?));
    Ok((unscaled.ok_or(Error::Malformed(WHAT))?, scale))
}

/// Moves past a number.
pub fn skip_decimal(input: &mut &[u8]) -> Result<()> {
    take_decimal(input).map(drop)
}
