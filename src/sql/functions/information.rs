//! Figures for people, costs of expressions, and what the server is made of.

use super::call::{Call, not_null};
use super::definition::{Definition, Numbers, Volatility};
use super::typing::{bigint, long_text, string_of};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::digest;
use crate::sql::types::{Datum, FieldType, utf8};

/// Calls of BENCHMARK between two looks at whether the statement is to end.
const CALLS: u64 = 256;

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::function(
        &["benchmark"],
        (2, 2),
        bigint,
        benchmark,
        "0, after an expression was computed so many times.",
    )
    .numbers(Numbers::At(&[0]))
    .volatility(Volatility::Row),
    Definition::function(
        &["format_bytes"],
        (1, 1),
        |_| Ok(FieldType::varchar(11)),
        |call| Ok(Datum::from(bytes_text(not_null!(call.float(0))))),
        "A number of bytes for people: `1.21 KiB`.",
    )
    .numbers(Numbers::All)
    .pure(),
    Definition::function(
        &["format_pico_time"],
        (1, 1),
        |_| Ok(FieldType::varchar(11)),
        |call| Ok(Datum::from(pico_text(not_null!(call.float(0))))),
        "A number of picoseconds for people: `3.51 ns`.",
    )
    .numbers(Numbers::All)
    .pure(),
    Definition::function(
        &["export_set"],
        (3, 5),
        |typing| {
            let width = typing.width(1).max(typing.width(2));
            let between = if typing.args.len() > 3 { typing.width(3) } else { 1 };
            let length = u32::try_from(width * 64 + between * 63).unwrap_or(u32::MAX);
            Ok(string_of(length).collate(typing.collation(&typing.args[1..typing.args.len().min(4)])?))
        },
        export_set,
        "For each bit a text or another: bits, text, other text, what stands between, how many bits.",
    )
    .text_of_arguments()
    .numbers(Numbers::At(&[0, 4])),
    Definition::function(
        &["statement_digest", "tidb_encode_sql_digest"],
        (1, 1),
        |_| Ok(FieldType::varchar(64)),
        |call| {
            let text = not_null!(call.bytes(0));
            check_statement(&text)?;
            Ok(Datum::from(digest::digest_name(&digest::digest_text(&text))))
        },
        "The digest of a statement: the same for all that differ in constants only.",
    ),
    Definition::function(
        &["statement_digest_text"],
        (1, 1),
        long_text,
        |call| {
            let text = not_null!(call.bytes(0));
            check_statement(&text)?;
            Ok(Datum::from(digest::digest_text(&text)))
        },
        "A statement without its constants.",
    ),
];

fn benchmark(call: &Call<'_>) -> SqlResult<Datum> {
    let count = not_null!(call.int(0));
    if count < 0 {
        call.ctx.warn(
            errno::WRONG_VALUE_FOR_TYPE,
            format!("Incorrect count value: '{count}' for function benchmark"),
        );
        return Ok(Datum::Null);
    }
    for at in 0..count.unsigned_abs() {
        if at % CALLS == 0 {
            call.ctx.check_interrupted()?;
        }
        call.value(1)?;
    }
    Ok(Datum::Int(0))
}

/// The largest unit in which a number is not below 1.
fn scaled(number: f64, base: f64, units: &[&str]) -> Option<String> {
    let mut size = base.powi(units.len() as i32);
    for unit in units.iter().rev() {
        if number.abs() >= size {
            return Some(digits(number / size, unit));
        }
        size /= base;
    }
    None
}

/// Two digits behind the point, or an exponent for what is very large.
fn digits(number: f64, unit: &str) -> String {
    if number.abs() >= 100_000.0 {
        let text = format!("{number:.2e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{mantissa}e+{exponent:0>2} {unit}");
    }
    format!("{number:.2} {unit}")
}

fn bytes_text(number: f64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    scaled(number, 1024.0, &units).unwrap_or_else(|| format!("{:>4} bytes", number.trunc()))
}

fn pico_text(number: f64) -> String {
    const UNITS: [(f64, &str); 6] =
        [(86_400e12, "d"), (3600e12, "h"), (60e12, "min"), (1e12, "s"), (1e9, "ms"), (1e6, "us")];
    let unit = UNITS.iter().find(|(size, _)| number.abs() >= *size);
    match unit {
        Some((size, name)) => digits(number / size, name),
        None if number.abs() >= 1e3 => digits(number / 1e3, "ns"),
        None => format!("{:>3} ps", number.trunc()),
    }
}

fn export_set(call: &Call<'_>) -> SqlResult<Datum> {
    let bits = not_null!(call.bits(0));
    let (on, off) = (not_null!(call.bytes(1)), not_null!(call.bytes(2)));
    let between = if call.args.len() > 3 { not_null!(call.bytes(3)) } else { ",".into() };
    let count = if call.args.len() > 4 { not_null!(call.int(4)) } else { 64 };
    let count = usize::try_from(count).map_or(64, |count| count.min(64));
    let longest = on.len().max(off.len()) + between.len();
    if !call.limited(longest.saturating_mul(count))? {
        return Ok(Datum::Null);
    }
    let mut text = Vec::new();
    for bit in 0..count {
        if bit > 0 {
            text.extend_from_slice(&between);
        }
        text.extend_from_slice(if bits >> bit & 1 == 1 { &on } else { &off });
    }
    Ok(Datum::from(text))
}

/// Error 3676 for what is no statement.
fn check_statement(text: &[u8]) -> SqlResult<()> {
    let shown = utf8(text);
    if shown.trim().is_empty() {
        return Err(SqlError::new(
            errno::PARSE_ERROR_IN_DIGEST_FN,
            format!("Could not parse argument to digest function: \"{shown}\"."),
        ));
    }
    Ok(())
}
