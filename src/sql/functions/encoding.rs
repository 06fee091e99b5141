//! Strings as numbers, digests and other encodings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::call::{Call, not_null};
use super::definition::{Definition, Eval, MANY, Names, Nulls, Numbers, TypeRule};
use super::pieces::{PIECE, pieces};
use super::typing::{Typing, bigint, bigint_unsigned, long_bytes, long_text, string_of};
use crate::common::SqlResult;
use crate::sql::types::{Charset, Datum, FieldType, TypeKind, utf8};

/// Bytes of a piece that makes whole lines of base64.
const LINES: usize = 57 << 12;

const fn of_one(names: Names, result: TypeRule, eval: Eval, summary: &'static str) -> Definition {
    Definition::function(names, (1, 1), result, eval, summary)
}

pub(super) static FUNCTIONS: &[Definition] = &[
    of_one(&["hex"], in_digits, hex, "The bytes of a text, or a number, in hexadecimal digits.")
        .nulls(Nulls::OfArguments)
        .reads_bytes(),
    of_one(&["unhex"], long_bytes, unhex, "The bytes that hexadecimal digits stand for."),
    of_one(
        &["ascii"],
        bigint,
        |call| {
            let bytes = not_null!(call.bytes(0));
            Ok(Datum::Int(bytes.first().map_or(0, |byte| i64::from(*byte))))
        },
        "The first byte's number.",
    )
    .nulls(Nulls::OfArguments)
    .reads_bytes(),
    of_one(&["ord"], bigint, ord, "The number made of the first character's bytes."),
    Definition::function(
        &["char"],
        (1, MANY),
        long_bytes,
        char_of_codes,
        "The characters with these numbers.",
    )
    .numbers(Numbers::All),
    of_one(&["to_base64"], long_text, to_base64, "The bytes in base 64, in lines of 76.")
        .reads_bytes(),
    of_one(
        &["from_base64"],
        long_bytes,
        from_base64,
        "The bytes that a text in base 64 stands for.",
    ),
    of_one(
        &["md5"],
        |_| Ok(FieldType::varchar(32)),
        |call| digest::<md5::Md5>(&not_null!(call.bytes(0)), call),
        "The MD5 digest, in hexadecimal digits.",
    )
    .reads_bytes(),
    of_one(
        &["sha1", "sha"],
        |_| Ok(FieldType::varchar(40)),
        |call| digest::<sha1::Sha1>(&not_null!(call.bytes(0)), call),
        "The SHA-1 digest, in hexadecimal digits.",
    )
    .reads_bytes(),
    Definition::function(
        &["sha2"],
        (2, 2),
        |_| Ok(FieldType::varchar(128)),
        sha2,
        "The SHA-2 digest of 224, 256, 384 or 512 bits, in hexadecimal digits.",
    )
    .numbers(Numbers::At(&[1]))
    .reads_bytes(),
    of_one(
        &["soundex"],
        |typing| typing.text_of(typing.args, typing.width(0).max(4)),
        |call| Ok(soundex(&not_null!(call.text(0)))),
        "How an English word sounds: its first letter, and digits for the consonants after it.",
    )
    .text_of_arguments(),
    Definition::function(
        &["weight_string"],
        (1, 2),
        long_bytes,
        weight_string,
        "What a text is put in order by; `AS CHAR(n)`: its first letters, filled up with spaces; `AS BINARY(n)`: its bytes.",
    )
    .numbers(Numbers::At(&[1])),
    of_one(&["crc32"], bigint_unsigned, crc32, "The checksum CRC-32.").reads_bytes(),
    Definition::function(
        &["conv"],
        (3, 3),
        in_digits,
        |call| {
            let (from, to) = (not_null!(call.int(1)), not_null!(call.int(2)));
            Ok(conv(&not_null!(digits(call)), from, to))
        },
        "A number in digits of one base, in digits of another.",
    )
    .numbers(Numbers::At(&[1, 2])),
    of_one(
        &["bin"],
        in_digits,
        |call| Ok(conv(&not_null!(digits(call)), 10, 2)),
        "The number in binary digits.",
    )
    .numbers(Numbers::All),
    of_one(
        &["oct"],
        in_digits,
        |call| Ok(conv(&not_null!(digits(call)), 10, 8)),
        "The number in octal digits.",
    )
    .numbers(Numbers::All),
];

fn in_digits(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(string_of(typing.of(0).display_width().saturating_mul(8).max(64)))
}

fn ord(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    let arg = call.arg_type(0);
    let set = if arg.kind.is_textual() { arg.collation.character_set() } else { Charset::Utf8mb4 };
    let text = utf8(&bytes);
    let mut code = Vec::new();
    match text.chars().next().filter(|_| set != Charset::Binary) {
        Some(letter) => set.put(letter, &mut code),
        None => {
            code.extend(bytes.first());
            true
        }
    };
    Ok(Datum::Int(code.iter().fold(0, |code, byte| code << 8 | i64::from(*byte))))
}

fn weight_string(call: &Call<'_>) -> SqlResult<Datum> {
    let arg = call.arg_type(0);
    if !arg.kind.is_textual() {
        return Ok(Datum::Null);
    }
    let bytes = not_null!(call.bytes(0));
    if arg.is_binary_string() {
        return Ok(Datum::Bytes(bytes));
    }
    let text = utf8(&bytes);
    let letters = match call.args.len() {
        1 => text.chars().count(),
        _ => usize::try_from(not_null!(call.int(1))).unwrap_or(0),
    };
    // Most letters weigh four bytes at most.
    if !call.limited(letters.saturating_mul(4))? {
        return Ok(Datum::Null);
    }
    let mut shown: String = text.chars().take(letters).collect();
    if arg.collation.pads() {
        let lacking = letters - shown.chars().count();
        shown.extend(std::iter::repeat_n(' ', lacking));
    }
    Ok(Datum::from(arg.collation.weight_string(shown.as_bytes())))
}

fn to_base64(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    // Four letters for three bytes, and an end of line after each 76.
    let encoded = bytes.len().div_ceil(3) * 4;
    if !call.limited(encoded + encoded.saturating_sub(1) / 76)? {
        return Ok(Datum::Null);
    }
    let mut text = Vec::with_capacity(encoded + encoded / 76);
    for piece in pieces(&bytes, LINES, call.ctx) {
        for line in STANDARD.encode(piece?).as_bytes().chunks(76) {
            if !text.is_empty() {
                text.push(b'\n');
            }
            text.extend_from_slice(line);
        }
    }
    Ok(Datum::from(text))
}

fn from_base64(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    let mut packed = Vec::with_capacity(bytes.len());
    for piece in pieces(&bytes, PIECE, call.ctx) {
        packed.extend(piece?.iter().filter(|byte| !byte.is_ascii_whitespace()));
    }
    let mut decoded = Vec::with_capacity(packed.len() / 4 * 3);
    for piece in pieces(&packed, PIECE, call.ctx) {
        // Padding stands at the end of all.
        let was_padded = decoded.len() % 3 != 0;
        if was_padded || STANDARD.decode_vec(piece?, &mut decoded).is_err() {
            return Ok(Datum::Null);
        }
    }
    Ok(Datum::from(decoded))
}

fn digest<D: sha1::Digest>(bytes: &[u8], call: &Call<'_>) -> SqlResult<Datum> {
    let mut digest = D::new();
    for piece in pieces(bytes, PIECE, call.ctx) {
        digest.update(piece?);
    }
    Ok(Datum::from(hex_digits(&digest.finalize(), false)))
}

/// Two digits for each byte.
fn hex_digits(bytes: &[u8], upper: bool) -> String {
    let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(digits[usize::from(byte >> 4)]));
        text.push(char::from(digits[usize::from(byte & 15)]));
    }
    text
}

fn hex(call: &Call<'_>) -> SqlResult<Datum> {
    let value = match call.value(0)? {
        Datum::Member(member) => Datum::Bytes(member.text),
        value => value,
    };
    Ok(match &value {
        Datum::Null => Datum::Null,
        Datum::Bytes(bytes) if !call.limited(bytes.len() * 2)? => Datum::Null,
        Datum::Bytes(bytes) => {
            let mut text = String::with_capacity(bytes.len() * 2);
            for piece in pieces(bytes, PIECE, call.ctx) {
                text.push_str(&hex_digits(piece?, true));
            }
            Datum::from(text)
        }
        Datum::Time(_) | Datum::Duration(_) => Datum::from(hex_digits(&value.to_bytes(), true)),
        number => Datum::from(in_base(number.to_u64(call.ctx)?, 16)),
    })
}

fn char_of_codes(call: &Call<'_>) -> SqlResult<Datum> {
    let mut bytes = Vec::new();
    for position in 0..call.args.len() {
        let Some(code) = call.int(position)? else { continue };
        if !call.limited(bytes.len() + 4)? {
            return Ok(Datum::Null);
        }
        let code = (code as u32).to_be_bytes();
        let skipped = code.iter().take(3).take_while(|byte| **byte == 0).count();
        bytes.extend_from_slice(&code[skipped..]);
    }
    Ok(Datum::from(bytes))
}

fn sha2(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    let bits = not_null!(call.int(1));
    Ok(match bits {
        224 => digest::<sha2::Sha224>(&bytes, call)?,
        0 | 256 => digest::<sha2::Sha256>(&bytes, call)?,
        384 => digest::<sha2::Sha384>(&bytes, call)?,
        512 => digest::<sha2::Sha512>(&bytes, call)?,
        _ => Datum::Null,
    })
}

/// An odd digit is the first byte's low half.
fn unhex(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (odd, pairs) = text.split_at(text.len() % 2);
    let mut bytes = Vec::with_capacity(text.len().div_ceil(2));
    for first in odd {
        let Some(low) = digit(*first) else { return Ok(Datum::Null) };
        bytes.push(low);
    }
    for piece in pieces(pairs, PIECE, call.ctx) {
        for pair in piece?.chunks_exact(2) {
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                return Ok(Datum::Null);
            };
            bytes.push(high << 4 | low);
        }
    }
    Ok(Datum::from(bytes))
}

/// The digits of the first argument: those of a BIT are of its number.
fn digits(call: &Call<'_>) -> SqlResult<Option<String>> {
    if call.arg_type(0).kind == TypeKind::Bit {
        return Ok(call.bits(0)?.map(|bits| bits.to_string()));
    }
    call.text(0)
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

/// CRC-32 (IEEE), reflected.
fn crc32(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    let mut crc = flate2::Crc::new();
    for piece in pieces(&bytes, PIECE, call.ctx) {
        crc.update(piece?);
    }
    Ok(Datum::UInt(u64::from(crc.sum())))
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

/// The code after R. C. Russell (US patent 1,261,167), in MySQL's reading: vowels, and all that is outside of A to Z, are left
/// out before equal digits beside each other become one, and the code is not cut at four places.
fn soundex(text: &str) -> Datum {
    const DIGITS: &[u8; 26] = b"01230120022455012623010202";
    let digit = |letter: char| match letter {
        'A'..='Z' => char::from(DIGITS[letter as usize - 'A' as usize]),
        _ => '0',
    };
    let letters = text.chars().filter(|letter| letter.is_alphabetic());
    let mut letters = letters.map(|letter| letter.to_ascii_uppercase());
    let Some(first) = letters.next() else { return Datum::from("") };
    let mut code = String::from(first);
    let mut last = digit(first);
    for next in letters.map(digit).filter(|digit| *digit != '0') {
        if next != last {
            code.push(next);
        }
        last = next;
    }
    for _ in code.chars().count()..4 {
        code.push('0');
    }
    Datum::from(code)
}
