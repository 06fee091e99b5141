//! Strings as numbers, digests and other encodings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::Digest as _;

use super::{Call, not_null};
use crate::common::SqlResult;
use crate::sql::expr::Function;
use crate::sql::types::{Datum, utf8};

fn hex(bytes: &[u8], upper: bool) -> String {
    let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(digits[usize::from(byte >> 4)]));
        text.push(char::from(digits[usize::from(byte & 15)]));
    }
    text
}

/// CRC-32 (IEEE), reflected.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Digits of a number in a base from 2 to 36.
fn in_base(mut number: u64, base: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = (number % base) as u32;
        digits.push(char::from_digit(digit, base as u32).unwrap_or('0').to_ascii_uppercase());
        number /= base;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

impl Call<'_> {
    pub(super) fn string_encode(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::Hex => self.hex(),
            F::Char => self.char_of_codes(),
            F::Conv => {
                let from = not_null!(self.int(1));
                let to = not_null!(self.int(2));
                let text = not_null!(self.text(0));
                Ok(conv(&text, from, to))
            }
            F::Bin | F::Oct => {
                let text = not_null!(self.text(0));
                Ok(conv(&text, 10, if self.function == F::Bin { 2 } else { 8 }))
            }
            F::Sha2 => self.sha2(),
            _ => {
                let bytes = not_null!(self.bytes(0));
                // Four letters for three bytes, and an end of line after each 76.
                let encoded = bytes.len().div_ceil(3) * 4;
                let length = encoded + encoded.saturating_sub(1) / 76;
                if self.function == F::ToBase64 && !self.limited(length)? {
                    return Ok(Datum::Null);
                }
                Ok(self.of_bytes(&bytes))
            }
        }
    }

    fn of_bytes(&self, bytes: &[u8]) -> Datum {
        use Function as F;
        match self.function {
            F::Ascii => Datum::Int(bytes.first().map_or(0, |byte| i64::from(*byte))),
            F::Ord => {
                let letter = utf8(bytes).chars().next().map_or(0, char::len_utf8);
                let code =
                    bytes.iter().take(letter).fold(0, |code, byte| code << 8 | i64::from(*byte));
                Datum::Int(code)
            }
            F::Unhex => unhex(bytes),
            F::ToBase64 => {
                let encoded = STANDARD.encode(bytes);
                let lines: Vec<&[u8]> = encoded.as_bytes().chunks(76).collect();
                Datum::from(lines.join(&b"\n"[..]))
            }
            F::FromBase64 => {
                let packed: Vec<u8> =
                    bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
                STANDARD.decode(packed).map_or(Datum::Null, Datum::from)
            }
            F::Sha1 => Datum::from(hex(&sha1::Sha1::digest(bytes), false)),
            _ => Datum::UInt(u64::from(crc32(bytes))),
        }
    }

    fn hex(&self) -> SqlResult<Datum> {
        let value = self.value(0)?;
        Ok(match &value {
            Datum::Null => Datum::Null,
            Datum::Bytes(bytes) if !self.limited(bytes.len() * 2)? => Datum::Null,
            Datum::Bytes(bytes) => Datum::from(hex(bytes, true)),
            Datum::Time(_) | Datum::Duration(_) => Datum::from(hex(&value.to_bytes(), true)),
            number => Datum::from(in_base(number.to_u64(self.ctx)?, 16)),
        })
    }

    fn char_of_codes(&self) -> SqlResult<Datum> {
        let mut bytes = Vec::new();
        for position in 0..self.args.len() {
            let Some(code) = self.int(position)? else { continue };
            if !self.limited(bytes.len() + 4)? {
                return Ok(Datum::Null);
            }
            let code = (code as u32).to_be_bytes();
            let skipped = code.iter().take(3).take_while(|byte| **byte == 0).count();
            bytes.extend_from_slice(&code[skipped..]);
        }
        Ok(Datum::from(bytes))
    }

    fn sha2(&self) -> SqlResult<Datum> {
        let bytes = not_null!(self.bytes(0));
        let bits = not_null!(self.int(1));
        Ok(match bits {
            224 => Datum::from(hex(&sha2::Sha224::digest(&bytes), false)),
            0 | 256 => Datum::from(hex(&sha2::Sha256::digest(&bytes), false)),
            384 => Datum::from(hex(&sha2::Sha384::digest(&bytes), false)),
            512 => Datum::from(hex(&sha2::Sha512::digest(&bytes), false)),
            _ => Datum::Null,
        })
    }
}

fn unhex(text: &[u8]) -> Datum {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let Some(mut digits) = text.iter().map(digit).collect::<Option<Vec<u8>>>() else {
        return Datum::Null;
    };
    if digits.len() % 2 == 1 {
        digits.insert(0, 0);
    }
    Datum::from(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>())
}

/// CONV: from one base to another; a negative base means signed.
fn conv(text: &str, from: i64, to: i64) -> Datum {
    let (from_base, to_base) = (from.unsigned_abs(), to.unsigned_abs());
    if !(2..=36).contains(&from_base) || !(2..=36).contains(&to_base) {
        return Datum::Null;
    }
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = digits
        .chars()
        .map_while(|digit| digit.to_digit(from_base as u32))
        .fold(0_u128, |size, digit| {
            (size * u128::from(from_base) + u128::from(digit)).min(u128::from(u64::MAX))
        });
    let size = size as u64;
    let bits = if negative { size.wrapping_neg() } else { size };
    if to < 0 && (bits as i64) < 0 {
        return Datum::from(format!("-{}", in_base((bits as i64).unsigned_abs(), to_base)));
    }
    Datum::from(in_base(bits, to_base))
}
