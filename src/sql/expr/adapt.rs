//! Constants in the type of what they are compared with.

use super::{Expr, Function};
use crate::sql::types::{
    Class, Datum, Decimal, FieldType, SqlMode, Time, TimeKind, TimeRules, TimeZone, TypeKind,
};

/// Gives text literals the type of the column they are compared with, so that they are read once and not for every row.
/// Only those that any session would read alike; the others stay for the evaluator to judge.
pub(super) fn adapt_literals(function: Function, mut args: Vec<Expr>) -> Vec<Expr> {
    if !function.is_comparison() && !matches!(function, Function::In | Function::Between) {
        return args;
    }
    let Some(column) = args.iter().find_map(|arg| match arg {
        Expr::Column { field_type, .. } => Some(field_type.clone()),
        _ => None,
    }) else {
        return args;
    };
    if column.kind.is_member() {
        return adapt_members(function, args, &column);
    }
    for arg in &mut args {
        if let Expr::Literal { value: Datum::Bytes(text), .. } = arg
            && let Some(value) = as_column_value(text, &column)
        {
            *arg = Expr::literal(value);
        }
    }
    args
}

/// Texts equal to a member become that: keys hold its number.
fn adapt_members(function: Function, mut args: Vec<Expr>, column: &FieldType) -> Vec<Expr> {
    if !matches!(function, Function::Eq | Function::NullEq | Function::Ne | Function::In) {
        return args;
    }
    for arg in &mut args {
        if let Expr::Literal { value: Datum::Bytes(text), field_type } = arg
            && (field_type.collation == column.collation || !field_type.is_binary_string())
            && let Some(value) = column.member_of_text(text)
        {
            *arg = Expr::Literal { value, field_type: column.clone().not_null() };
        }
    }
    args
}

/// A text as a value of the column, if it is one.
fn as_column_value(text: &[u8], column: &FieldType) -> Option<Datum> {
    let text = std::str::from_utf8(text).ok()?;
    match column.kind.class() {
        Class::Decimal => Decimal::parse(text).map(Datum::Decimal),
        Class::Integer => {
            let number = Decimal::parse(text)?.normalized();
            if number.scale > 0 {
                return Some(Datum::Decimal(number));
            }
            number.to_i64().map(Datum::Int).or_else(|| number.to_u64().map(Datum::UInt))
        }
        Class::Calendar => {
            let read = |zone| {
                let rules = TimeRules { mode: SqlMode::default(), zone };
                Time::parse(text, TimeKind::DateTime, 6, &rules).filter(|parsed| !parsed.truncated)
            };
            let time = read(TimeZone::UTC)?.value;
            // A text with an offset depends on the session's time zone.
            if read(TimeZone::Fixed(3600))?.value != time {
                return None;
            }
            let whole_day = time.parts().micros_of_day() == 0;
            let date = column.kind == TypeKind::Date && whole_day;
            Some(Datum::Time(if date { time.with_kind(TimeKind::Date) } else { time }))
        }
        Class::Float
        | Class::String
        | Class::Duration
        | Class::Member
        | Class::Json
        | Class::Null => None,
    }
}
