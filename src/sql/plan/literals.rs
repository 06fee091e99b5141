//! Literals and defaults as expressions.

use std::borrow::Cow;

use arrow::datatypes::i256;
use bytes::Bytes;

use super::Planner;
use super::binder::fold_default;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{ColumnInfo, DefaultValue};
use crate::sql::expr::{Expr, Function, TypeRules};
use crate::sql::parser::ast::{Expr as Written, Introducer, Literal};
use crate::sql::types::json::Json;
use crate::sql::types::{
    Charset, Datum, Decimal, Duration, FieldType, SqlMode, Time, TimeKind, TimeRules, TimeZone,
};

/// The most digits a DECIMAL has, and the most after its point.
const DECIMAL_LIMITS: (usize, usize) = (65, 30);

/// A literal as an expression.
pub(super) fn literal(literal: &Literal, planner: &Planner<'_>) -> SqlResult<Expr> {
    let mode = planner.sql_mode;
    Ok(match literal {
        Literal::Null => Expr::null(),
        Literal::Bool(value) => Expr::literal(Datum::Int(i64::from(*value))),
        Literal::Integer(number) => Expr::literal(match i64::try_from(*number) {
            Ok(number) => Datum::Int(number),
            Err(_) => Datum::UInt(*number),
        }),
        Literal::Decimal(digits) => decimal(digits)?,
        Literal::Float(number) => Expr::literal(Datum::Float(*number)),
        Literal::String(bytes, introducer) => string(bytes, introducer.as_ref(), &planner.rules)?,
        Literal::Hex(bytes) | Literal::Bit(bytes) => Expr::hex(Bytes::copy_from_slice(bytes)),
        Literal::Date(text) => date_literal(text, mode).ok_or_else(|| incorrect("DATE", text))?,
        Literal::Time(text) => time_literal(text).ok_or_else(|| incorrect("TIME", text))?,
        Literal::Timestamp(text) => {
            timestamp_literal(text, mode).ok_or_else(|| incorrect("DATETIME", text))?
        }
    })
}

/// TRUE and FALSE are true and false in a document, not 1 and 0.
pub(super) fn truths_as_documents(written: &[Written], bound: &mut [Expr]) {
    for (written, bound) in written.iter().zip(bound) {
        if let Some(truth) = truth_as_document(written) {
            *bound = truth;
        }
    }
}

/// The same of one expression, if it is TRUE or FALSE.
pub(super) fn truth_as_document(written: &Written) -> Option<Expr> {
    match written {
        Written::Literal(Literal::Bool(truth)) => {
            Some(Expr::literal(Datum::Json(Json::truth(*truth))))
        }
        _ => None,
    }
}

/// Error 1525.
fn incorrect(what: &str, text: &str) -> SqlError {
    SqlError::new(errno::WRONG_VALUE, format!("Incorrect {what} value: '{text}'"))
}

/// Whether the text of a date goes on with a time of day.
fn has_clock(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits > 8 || text.contains([':', 'T', 't']) || text.contains(char::is_whitespace)
}

/// The time a text is, all of it, in a zone.
fn moment(text: &str, mode: SqlMode, zone: TimeZone) -> Option<Time> {
    let rules = TimeRules { mode, zone };
    let parsed = Time::parse(text, TimeKind::DateTime, fraction_digits(text), &rules)?;
    (!parsed.truncated).then_some(parsed.value)
}

/// DATE'…': a day and nothing else.
fn date_literal(text: &str, mode: SqlMode) -> Option<Expr> {
    let day = moment(text, mode, TimeZone::UTC).filter(|_| !has_clock(text))?;
    Some(Expr::literal(Datum::Time(day.with_kind(TimeKind::Date))))
}

/// TIME'…': a span, not a date's time of day.
fn time_literal(text: &str) -> Option<Expr> {
    let fsp = fraction_digits(text);
    let parsed = Duration::parse(text, fsp, SqlMode::EMPTY)?;
    let dated = text.trim_start().trim_start_matches('-').contains('-');
    let whole = !parsed.truncated && !parsed.clipped && !dated;
    whole.then(|| Expr::literal(Datum::Duration(parsed.value)))
}

/// TIMESTAMP'…': a day with a time of day.
fn timestamp_literal(text: &str, mode: SqlMode) -> Option<Expr> {
    let time = moment(text, mode, TimeZone::UTC).filter(|_| has_clock(text))?;
    if moment(text, mode, TimeZone::Fixed(3600)) == Some(time) {
        return Some(Expr::literal(Datum::Time(time)));
    }
    // With an offset of its own: what it is depends on the session's time zone.
    Some(Expr::cast(Expr::text(text), FieldType::datetime(fraction_digits(text))))
}

/// An exact number; beyond what a DECIMAL holds, a floating one.
fn decimal(digits: &str) -> SqlResult<Expr> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let significant = whole.trim_start_matches(['-', '0']).len() + fraction.len();
    let unscaled = i256::from_string(&format!("{whole}{fraction}"));
    match unscaled {
        Some(unscaled) if significant <= DECIMAL_LIMITS.0 && fraction.len() <= DECIMAL_LIMITS.1 => {
            let scale = fraction.len() as u8;
            Ok(Expr::literal(Datum::Decimal(Decimal { unscaled, scale })))
        }
        _ => match digits.parse() {
            Ok(number) => Ok(Expr::literal(Datum::Float(number))),
            Err(_) => Err(SqlError::internal(format!("the number {digits}"))),
        },
    }
}

fn binary(bytes: &[u8]) -> Expr {
    let field_type = FieldType::varbinary(bytes.len() as u32).not_null();
    Expr::Literal { value: Datum::Bytes(Bytes::copy_from_slice(bytes)), field_type }
}

fn string(bytes: &[u8], introducer: Option<&Introducer>, rules: &TypeRules) -> SqlResult<Expr> {
    let Some(Introducer { charset, quoted }) = introducer else {
        // What is no text may be the value of a column of bytes; a column of text says what is wrong with it.
        return Ok(match std::str::from_utf8(bytes) {
            Ok(text) => rules.text(&rules.collation.character_set().bounded(text)),
            Err(_) => binary(bytes),
        });
    };
    let set = Charset::by_name(charset)?;
    // What stands between quotes are the bytes that the client sent, whichever set they are said to be of.
    let bytes = if *quoted { rules.client.encode(bytes) } else { Cow::Borrowed(bytes) };
    if set == Charset::Binary {
        return Ok(binary(&bytes));
    }
    let bytes = set.aligned(&bytes);
    let text = set.decode(&bytes).map_err(|at| {
        let shown: String = bytes[at..].iter().take(3).map(|byte| format!("{byte:02X}")).collect();
        SqlError::new(
            errno::INVALID_CHARACTER_STRING,
            format!("Invalid {} character string: '{shown}'", set.name()),
        )
    })?;
    Ok(match Expr::text(&text) {
        Expr::Literal { value, field_type } => {
            Expr::Literal { value, field_type: field_type.collate(set.default_collation()) }
        }
        other => other,
    })
}

fn fraction_digits(text: &str) -> u8 {
    let fraction = text.rsplit_once('.').map_or("", |(_, fraction)| fraction);
    fraction.bytes().take_while(u8::is_ascii_digit).count().min(6) as u8
}

/// A column's default as an expression; `None`: it has none.
pub(super) fn default_value(column: &ColumnInfo) -> SqlResult<Option<Expr>> {
    Ok(match &column.default {
        Some(DefaultValue::Constant(Some(text))) => {
            let field_type = column.field_type.clone();
            Some(match field_type.default_of_text(text) {
                Some(value) => Expr::Literal { value, field_type },
                None => fold_default(Expr::cast(Expr::text(text), field_type.nullable())),
            })
        }
        Some(DefaultValue::Constant(None)) => Some(Expr::null()),
        Some(DefaultValue::CurrentTimestamp(digits)) => {
            let digits = Expr::literal(Datum::Int(i64::from(*digits)));
            Some(Expr::call(Function::Now, vec![digits])?)
        }
        Some(DefaultValue::Expression(_)) => {
            return Err(SqlError::new(
                errno::DEFAULT_AS_VAL_GENERATED,
                "DEFAULT function cannot be used with default value expressions",
            ));
        }
        None => None,
    })
}
