//! Values as text.

use std::io::Write as _;

use super::{Datum, FieldType, TypeKind};

/// Places before and after the point up to which floats are written without an exponent.
const PLAIN_PLACES: i32 = 15;

/// Appends a value as the text protocol sends it; nothing for NULL.
pub fn write_text(value: &Datum, field_type: &FieldType, out: &mut Vec<u8>) {
    let start = out.len();
    match value {
        Datum::Float(number) => write_float(*number, field_type, out),
        Datum::Decimal(number) => {
            let is_decimal = field_type.kind == TypeKind::Decimal;
            let scale = if is_decimal { field_type.precision_scale().1 } else { number.scale };
            let shown = number.with_scale(scale).unwrap_or(*number);
            // Writing to a vector cannot fail.
            let _ = write!(out, "{shown}");
        }
        Datum::Null => {}
        Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Bytes(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Member(_)
        | Datum::Json(_) => field_type.kind.definition().write(value, field_type, out),
    }
    if field_type.zerofill && field_type.kind.is_numeric() && !value.is_null() {
        let width = field_type.display_width() as usize;
        let missing = width.saturating_sub(out.len() - start);
        out.splice(start..start, std::iter::repeat_n(b'0', missing));
    }
}

/// Appends a float as MySQL writes it.
fn write_float(number: f64, field_type: &FieldType, out: &mut Vec<u8>) {
    match field_type.decimals {
        Some(decimals) if field_type.kind.is_float() => {
            let _ = write!(out, "{number:.places$}", places = usize::from(decimals));
        }
        _ => {
            out.extend_from_slice(float_text(number, field_type.kind == TypeKind::Float).as_bytes())
        }
    }
}

/// A double as the text with the most digits that is no longer than this, without an exponent if that makes no difference; if there is none, its
/// shortest text.
pub(super) fn float_text_within(number: f64, width: usize) -> String {
    let whole = float_text(number, false);
    if whole.len() <= width || !number.is_finite() {
        return whole;
    }
    for digits in (0..width.min(MOST_DIGITS)).rev() {
        let scientific = format!("{number:.digits$e}");
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let places = digits as i32 - exponent.parse::<i32>().unwrap_or(0);
        let plain = format!("{number:.places$}", places = usize::try_from(places).unwrap_or(0));
        let plain = without_zeros(&plain);
        if places >= 0 && plain.len() <= width {
            return plain.to_owned();
        }
        let short = format!("{}e{exponent}", without_zeros(mantissa));
        if short.len() <= width {
            return short;
        }
    }
    whole
}

/// Digits without zeros at the end of a fraction.
fn without_zeros(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

/// A double has no more digits.
const MOST_DIGITS: usize = 17;

/// A double as its shortest text that reads back the same, a FLOAT as six digits; with an exponent when far from 1.
pub fn float_text(number: f64, single: bool) -> String {
    if number == 0.0 {
        return if number.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    if !number.is_finite() {
        return number.to_string();
    }
    let scientific = if single { format!("{number:.5e}") } else { format!("{number:e}") };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(size) => ("-", size),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let point = exponent + 1;
    if point > PLAIN_PLACES || point <= -PLAIN_PLACES {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{dot}{rest}e{exponent}");
    }
    if point <= 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    }
    let point = point as usize;
    if digits.len() <= point {
        return format!("{sign}{digits}{}", "0".repeat(point - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..point], &digits[point..])
}
