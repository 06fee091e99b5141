//! Constants read as values of what they are compared with.
//!
//! `bigint = '9007199254740993'` compares integers, not doubles, and `date = 'x'` compares nothing: it is an error. That
//! holds for literals, parameters and whatever is computed once, and only for those: a column of text compared with one of
//! numbers compares doubles. Access paths read their bounds the same way ([`constant_as`]), so that it does not matter
//! by which of them a row is found.

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::{
    Class, Datum, Decimal, Duration, FieldType, SqlMode, Time, TimeKind, TimeRules, TimeZone,
    TypeKind, time_kind,
};

use super::{EvalContext, Expr, Function};

/// The largest whole number that a double counts up to without leaving one out.
const EXACT_DOUBLE: f64 = 9_007_199_254_740_992.0;

/// Whether such a value means something else when it is a constant compared with a value of this type.
pub(crate) fn is_read(value: &Datum, target: &FieldType) -> bool {
    match value {
        Datum::Bytes(_) => {
            !target.kind.is_string() && !matches!(target.kind, TypeKind::Json | TypeKind::Null)
        }
        Datum::Float(number) => target.kind.is_integer() && number.abs() >= EXACT_DOUBLE,
        Datum::Int(_) | Datum::UInt(_) => target.kind == TypeKind::Year,
        Datum::Null
        | Datum::Decimal(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Member(_)
        | Datum::Json(_) => false,
    }
}

/// A constant as it is compared with values of a type: text as the number or the time that it stands for. Text that is no
/// date, compared with dates, is error 1525.
pub(crate) fn constant_as(value: Datum, target: &FieldType, ctx: &EvalContext) -> SqlResult<Datum> {
    if !is_read(&value, target) {
        return Ok(value);
    }
    match target.kind.class() {
        Class::Integer if target.kind == TypeKind::Year => Ok(full_year(integer(&value, ctx)?)),
        Class::Integer => integer(&value, ctx),
        Class::Float => value.to_f64(ctx).map(Datum::Float),
        Class::Decimal => match exact(&value) {
            Some(number) => Ok(Datum::Decimal(number)),
            None => value.to_f64(ctx).map(Datum::Float),
        },
        Class::Duration => {
            let nothing = Duration { micros: 0, fsp: 6 };
            Ok(Datum::Duration(value.to_duration(6, ctx)?.unwrap_or(nothing)))
        }
        Class::Calendar => moment(&value, target, ctx),
        // What is no member's text stays as it is: it equals none.
        Class::Member => Ok(target.member_of_text(&value.to_bytes()).unwrap_or(value)),
        Class::String | Class::Json | Class::Null => Ok(value),
    }
}

fn exact(value: &Datum) -> Option<Decimal> {
    let Datum::Bytes(text) = value else { return None };
    Decimal::parse(std::str::from_utf8(text).ok()?)
}

/// The number a text or a double stands for: an integer if it is one.
fn integer(value: &Datum, ctx: &EvalContext) -> SqlResult<Datum> {
    if let Some(number) = exact(value) {
        let number = number.normalized();
        let signed = number.to_i64().filter(|_| number.scale == 0).map(Datum::Int);
        let unsigned = || number.to_u64().filter(|_| number.scale == 0).map(Datum::UInt);
        let whole = signed.or_else(unsigned);
        return Ok(whole.unwrap_or(Datum::Decimal(number)));
    }
    let number = match value {
        Datum::Bytes(_) | Datum::Float(_) => value.to_f64(ctx)?,
        other => return Ok(other.clone()),
    };
    // The ends themselves are outside: as doubles they are 2^63 and 2^64.
    Ok(if number.fract() != 0.0 {
        Datum::Float(number)
    } else if (i64::MIN as f64..i64::MAX as f64).contains(&number) {
        Datum::Int(number as i64)
    } else if (0.0..u64::MAX as f64).contains(&number) {
        Datum::UInt(number as u64)
    } else {
        Datum::Float(number)
    })
}

/// A year of two digits is one of 1970 to 2069.
fn full_year(value: Datum) -> Datum {
    match value {
        Datum::Int(year @ 1..=69) => Datum::Int(year + 2000),
        Datum::Int(year @ 70..=99) => Datum::Int(year + 1900),
        Datum::UInt(year @ 1..=69) => Datum::UInt(year + 2000),
        Datum::UInt(year @ 70..=99) => Datum::UInt(year + 1900),
        other => other,
    }
}

fn moment(value: &Datum, target: &FieldType, ctx: &EvalContext) -> SqlResult<Datum> {
    check_text(&value.to_text(), target, &ctx.time_rules())?;
    Ok(Datum::from_time(value.to_time(TimeKind::DateTime, 6, ctx)?))
}

/// Error 1525 for a text that is no date where one is compared with it.
fn check_text(text: &str, target: &FieldType, rules: &TimeRules) -> SqlResult<()> {
    if Time::parse(text, TimeKind::DateTime, 6, rules).is_some() {
        return Ok(());
    }
    let name = time_kind(target.kind).name().to_uppercase();
    Err(SqlError::new(errno::WRONG_VALUE, format!("Incorrect {name} value: '{text}'")))
}

/// Error 1525 for a value that is no date and is compared with one.
pub(crate) fn check_date(value: &Datum, target: &FieldType, rules: &TimeRules) -> SqlResult<()> {
    let is_text = matches!(value, Datum::Bytes(_) | Datum::Member(_));
    if is_text && target.kind.is_calendar() {
        return check_text(&value.to_text(), target, rules);
    }
    Ok(())
}

/// Error 1525 for a literal in a comparison that is no date though it is compared with one: also where there is no row
/// to compare. The values of parameters come later: they are given to `parameter`, with what they are compared with.
pub(crate) fn check_literals(
    comparison: &Expr,
    mode: SqlMode,
    parameter: &mut dyn FnMut(usize, &FieldType),
) -> SqlResult<()> {
    let Expr::Call { function, args, .. } = comparison else { return Ok(()) };
    match function {
        Function::And | Function::Or | Function::Not => {
            args.iter().try_for_each(|arg| check_literals(arg, mode, parameter))
        }
        Function::In | Function::Between => check_args(args, mode, parameter),
        function if function.is_comparison() => check_args(args, mode, parameter),
        _ => Ok(()),
    }
}

/// The first argument is compared with each of the others.
fn check_args(
    args: &[Expr],
    mode: SqlMode,
    parameter: &mut dyn FnMut(usize, &FieldType),
) -> SqlResult<()> {
    let rules = TimeRules { mode, zone: TimeZone::UTC };
    let mut check = |value: &Expr, other: &Expr| match value {
        Expr::Literal { value, .. } => check_date(value, other.field_type(), &rules),
        Expr::Parameter { index, .. } if other.field_type().kind.is_calendar() => {
            parameter(*index, other.field_type());
            Ok(())
        }
        _ => Ok(()),
    };
    let Some((first, others)) = args.split_first() else { return Ok(()) };
    others.iter().try_for_each(|other| check(first, other).and_then(|()| check(other, first)))
}
