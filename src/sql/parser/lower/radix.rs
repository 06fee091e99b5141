//! Literals of bytes: hexadecimal and binary digits.

/// The digits of X'…', 0x…, b'…' or 0b….
fn radix_digits(text: &[u8]) -> &[u8] {
    match text {
        [_, b'\'', digits @ .., b'\''] => digits,
        [b'0', _, digits @ ..] => digits,
        _ => text,
    }
}

/// The bytes of X'…' or 0x…; `None` for half a byte too few.
pub(super) fn hex_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let digits = radix_digits(text);
    // X'abc' has half a byte too few; 0xabc is 0x0abc.
    if digits.len() % 2 == 1 && text[1] == b'\'' {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(2));
    let mut rest = digits;
    if digits.len() % 2 == 1 {
        bytes.push(value(digits[0])?);
        rest = &digits[1..];
    }
    for pair in rest.chunks_exact(2) {
        bytes.push((value(pair[0])? << 4) | value(pair[1])?);
    }
    Some(bytes)
}

/// The bytes of b'…' or 0b….
pub(super) fn bit_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let digits = radix_digits(text);
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(8));
    for chunk in digits.rchunks(8) {
        let byte = chunk.iter().try_fold(0_u8, |byte, digit| match digit {
            b'0' => Some(byte << 1),
            b'1' => Some((byte << 1) | 1),
            _ => None,
        })?;
        bytes.push(byte);
    }
    bytes.reverse();
    Some(bytes)
}
