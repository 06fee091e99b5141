//! The types of what makes times and changes them.

use super::typing::{Typing, fraction_of, fsp_argument};
use crate::common::SqlResult;
use crate::sql::expr::Expr;
use crate::sql::types::{Class, Datum, FieldType, Member, TimeKind, TypeKind};

/// At which positions a function has what it needs to add an interval.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) date: usize,
    pub(super) amount: usize,
    pub(super) unit: usize,
}

pub(super) fn moment_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::datetime(fsp_argument(typing)?))
}

pub(super) fn clock_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::time(fsp_argument(typing)?))
}

pub(super) fn add_time_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let fsp = typing.fraction(&[0, 1]);
    Ok(match typing.of(0).kind.class() {
        Class::Calendar => FieldType::datetime(fsp),
        Class::Duration => FieldType::time(fsp),
        Class::Integer
        | Class::Float
        | Class::Decimal
        | Class::String
        | Class::Member
        | Class::Json
        | Class::Null => FieldType::varchar(29),
    })
}

pub(super) fn date_add_type(typing: &Typing<'_>, at: Places) -> SqlResult<FieldType> {
    let (date, amount) = (typing.of(at.date), typing.of(at.amount));
    let unit = match typing.args[at.unit].as_literal() {
        Some(unit) => unit.to_bytes().to_ascii_uppercase(),
        None => Vec::new(),
    };
    let has_micros = unit.ends_with(b"MICROSECOND");
    let time_unit = [&b"HOUR"[..], b"MINUTE", b"SECOND"]
        .iter()
        .any(|part| unit.windows(part.len()).any(|window| window == *part))
        || has_micros;
    // Of the simple units only seconds have a fraction.
    let added = if has_micros {
        6
    } else if unit == b"SECOND" {
        fraction_of(amount)
    } else {
        0
    };
    let fsp = date.fsp().max(added);
    Ok(match date.kind.class() {
        Class::Calendar if date.kind == TypeKind::Date && !time_unit => FieldType::date(),
        Class::Calendar => FieldType::datetime(fsp),
        Class::Duration => FieldType::time(fsp),
        Class::Integer
        | Class::Float
        | Class::Decimal
        | Class::String
        | Class::Member
        | Class::Json
        | Class::Null => FieldType::varchar(29),
    })
}

pub(super) fn str_to_date_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let Expr::Literal { value: Datum::Bytes(format), .. } = &typing.args[1] else {
        return Ok(FieldType::datetime(6));
    };
    let has = |letters: &[u8]| {
        format.windows(2).any(|pair| pair[0] == b'%' && letters.contains(&pair[1]))
    };
    let date = has(b"YyMmbcdeDjUuVvWwXxa");
    let time = has(b"HhIiklprSsTf");
    let fsp = if has(b"f") { 6 } else { 0 };
    Ok(match (date, time) {
        (true, false) => FieldType::date(),
        (false, true) => FieldType::time(fsp),
        _ => FieldType::datetime(fsp),
    })
}

/// Whether a value given as a date has a time of day with it.
pub(super) fn shows_clock(value: &Datum) -> bool {
    match value {
        Datum::Time(time) => time.kind != TimeKind::Date,
        Datum::Bytes(text) | Datum::Member(Member { text, .. }) => {
            let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
            text.contains(&b':') || digits > 8
        }
        Datum::Int(number) => *number > 99_991_231,
        Datum::Null
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Duration(_)
        | Datum::Json(_) => true,
    }
}
