//! What type a call yields.

mod adapt;
mod functions;
mod hex;

pub(super) use adapt::adapt_literals;
pub(super) use hex::{adapt_hex, hex_type, number_of};

use functions::{function_type, is_text_of_args};

use super::function::Family;
use super::{Expr, Function, collate};
use crate::common::{SqlError, SqlResult};
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

/// The kinds of number arithmetic is done in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NumberClass {
    /// BIGINT, signed or not.
    Integer,
    /// DECIMAL.
    Decimal,
    /// DOUBLE.
    Double,
}

/// In which kind of number a value of this type takes part in arithmetic.
pub(super) fn number_class(field_type: &FieldType) -> NumberClass {
    match field_type.kind {
        TypeKind::Decimal => NumberClass::Decimal,
        TypeKind::Null | TypeKind::Date => NumberClass::Integer,
        kind if kind.is_integer() => NumberClass::Integer,
        kind if kind.is_temporal() && field_type.fsp() == 0 => NumberClass::Integer,
        kind if kind.is_temporal() => NumberClass::Decimal,
        _ => NumberClass::Double,
    }
}

/// Digits and scale of a number of this type.
fn digits(field_type: &FieldType) -> (u32, u8) {
    match field_type.kind {
        TypeKind::Decimal => field_type.precision_scale(),
        kind if kind.is_integer() => (field_type.decimal_digits(), 0),
        TypeKind::Null => (1, 0),
        TypeKind::Date => (8, 0),
        TypeKind::Time => (7 + u32::from(field_type.fsp()), field_type.fsp()),
        kind if kind.is_calendar() => (14 + u32::from(field_type.fsp()), field_type.fsp()),
        _ => (65, 30),
    }
}

/// Whether a call's answer depends on the statement's context and not only on its arguments: its moment, its session,
/// `sql_mode`, the time zone, `max_allowed_packet`.
pub(super) fn reads_context(function: Function, args: &[Expr], field_type: &FieldType) -> bool {
    let kind = |arg: &Expr| arg.field_type().kind;
    // A TIME becomes a date by the day it is, a text by the time zone and the modes.
    let has_time = args.iter().any(|arg| kind(arg) == TypeKind::Time);
    let becomes_time = field_type.kind.is_temporal() || args.iter().any(|a| kind(a).is_temporal());
    let from_text = becomes_time && args.iter().any(|arg| !kind(arg).is_calendar());
    // TIME_TRUNCATE_FRACTIONAL.
    let is_rounded = function == Function::Cast && field_type.kind.is_temporal();
    has_time || from_text || is_rounded || function_reads_context(function)
}

fn function_reads_context(function: Function) -> bool {
    use Function as F;
    let family = matches!(
        function.family(),
        Family::Matching
            | Family::Text
            | Family::TextEdit
            | Family::TextEncode
            | Family::Date
            | Family::DateParts
    );
    family
        || function.is_named_lock()
        || matches!(
            function,
            F::Div
                | F::Database
                | F::User
                | F::CurrentUser
                | F::ConnectionId
                | F::LastInsertId
                | F::RowCount
                | F::FoundRows
                | F::Uuid
                | F::Rand
                | F::GetUserVar
                | F::SetUserVar
                | F::GetSystemVar
                | F::Version
        )
}

/// The type of `function(args)`.
pub(super) fn result_type(function: Function, args: &[Expr]) -> SqlResult<FieldType> {
    use Function as F;
    let all_not_null = args.iter().all(|arg| arg.field_type().not_null);
    let types: Vec<&FieldType> = args.iter().map(Expr::field_type).collect();
    let field_type = match function {
        F::Eq
        | F::NullEq
        | F::Ne
        | F::Lt
        | F::Le
        | F::Gt
        | F::Ge
        | F::Like
        | F::Regexp
        | F::RegexpLike
        | F::In
        | F::Between => {
            let collation = collate::resolve(args, function.name())?;
            FieldType { collation, ..FieldType::boolean() }
        }
        F::And | F::Or | F::Xor | F::Not | F::InRows => FieldType::boolean(),
        F::IsNull | F::IsTrue | F::IsFalse => return Ok(FieldType::boolean().not_null()),
        F::Add | F::Sub | F::Mul | F::Div | F::IntDiv | F::Mod | F::Neg => {
            arithmetic(function, args)
        }
        F::BitAnd | F::BitOr | F::BitXor | F::BitNot | F::ShiftLeft | F::ShiftRight => {
            FieldType::bigint_unsigned()
        }
        F::Case => {
            let (results, has_else) = case_results(args);
            let mut merged = merge(&results, function.name())?;
            merged.not_null &= has_else;
            return Ok(merged);
        }
        F::If => return merge(&args[1..].iter().collect::<Vec<_>>(), "if"),
        F::IfNull | F::Coalesce => {
            let mut merged = merge(&args.iter().collect::<Vec<_>>(), function.name())?;
            merged.not_null = args.iter().any(|arg| arg.field_type().not_null);
            return Ok(merged);
        }
        F::NullIf => {
            collate::resolve(args, "nullif")?;
            return Ok(types[0].clone().nullable());
        }
        F::Greatest | F::Least => merge(&args.iter().collect::<Vec<_>>(), function.name())?,
        F::Cast | F::Collate => {
            return Err(SqlError::internal("a cast without a type"));
        }
        F::SortKey => FieldType::varbinary(65_535),
        F::GetUserVar => FieldType::long_text(),
        F::SetUserVar => types[1].of_user_variable(),
        F::GetSystemVar => FieldType::varchar(1024),
        _ => return function_type(function, args, &types, all_not_null),
    };
    let not_null = function == F::NullEq || (all_not_null && !may_yield_null(function));
    Ok(FieldType { not_null, ..field_type })
}

/// Whether arguments that are not NULL can still give NULL.
fn may_yield_null(function: Function) -> bool {
    use Function as F;
    matches!(function, F::Div | F::IntDiv | F::Mod | F::GetUserVar | F::GetSystemVar)
}

fn case_results(args: &[Expr]) -> (Vec<&Expr>, bool) {
    let has_else = args.len() % 2 == 1;
    let mut results: Vec<&Expr> = args.iter().skip(1).step_by(2).collect();
    if has_else {
        results.extend(args.last());
    }
    (results, has_else)
}

fn arithmetic(function: Function, args: &[Expr]) -> FieldType {
    use Function as F;
    let types: Vec<&FieldType> = args.iter().map(Expr::field_type).collect();
    let class = types.iter().map(|t| number_class(t)).max().unwrap_or(NumberClass::Integer);
    if class == NumberClass::Double {
        return if function == F::IntDiv {
            FieldType { unsigned: types.iter().any(|t| t.unsigned), ..FieldType::bigint() }
        } else {
            FieldType::double()
        };
    }
    let any_unsigned = types.iter().any(|t| t.unsigned && t.kind != TypeKind::Decimal);
    if function == F::IntDiv {
        return FieldType { unsigned: any_unsigned, ..FieldType::bigint() };
    }
    if function == F::Neg {
        return match class {
            NumberClass::Integer if too_big_to_negate(&args[0]) => FieldType::decimal(20, 0),
            NumberClass::Integer => FieldType::bigint(),
            _ => {
                let (precision, scale) = digits(types[0]);
                FieldType::decimal(precision, scale)
            }
        };
    }
    let ((p1, s1), (p2, s2)) = (digits(types[0]), digits(types[1]));
    if function == F::Div {
        return quotient(types[0], types[1], 4);
    }
    if class == NumberClass::Integer {
        let unsigned = if function == F::Mod { types[0].unsigned } else { any_unsigned };
        return FieldType { unsigned, ..FieldType::bigint() };
    }
    let scale = s1.max(s2);
    let whole = (p1 - u32::from(s1)).max(p2 - u32::from(s2));
    match function {
        F::Mul => FieldType::decimal((p1 + p2).min(65), (s1 + s2).min(30)),
        F::Mod => FieldType::decimal((whole + u32::from(scale)).min(65), scale),
        _ => FieldType::decimal((whole + u32::from(scale) + 1).min(65), scale),
    }
}

/// Whether a text it yields is in its arguments' collation, if they have one.
pub(super) fn takes_collation(function: Function) -> bool {
    use Function as F;
    matches!(function.family(), Family::Control | Family::Comparison | Family::Cast)
        || matches!(function, F::GetUserVar | F::SetUserVar | F::GetSystemVar)
        || is_text_of_args(function)
}

/// The type of a quotient of exact numbers: `increment` digits more than the dividend has.
pub(super) fn quotient(dividend: &FieldType, divisor: &FieldType, increment: u8) -> FieldType {
    let ((p1, s1), (_, s2)) = (digits(dividend), digits(divisor));
    let scale = (s1 + increment).min(30);
    let whole = (p1 - u32::from(s1)) + u32::from(s2);
    FieldType::decimal((whole + u32::from(scale)).min(65), scale)
}

/// `-9223372036854775809` and below as literals are DECIMAL.
fn too_big_to_negate(arg: &Expr) -> bool {
    matches!(arg, Expr::Literal { value: Datum::UInt(number), .. } if *number > 1 << 63)
}

/// The type that holds the values of all of these, as CASE, IF, COALESCE and UNION need it.
pub(super) fn merge(args: &[&Expr], operation: &str) -> SqlResult<FieldType> {
    let not_null = args.iter().all(|arg| arg.field_type().not_null);
    let mut merged: Option<FieldType> = None;
    for arg in args {
        let arg_type = arg.field_type();
        if arg_type.kind == TypeKind::Null {
            continue;
        }
        merged = Some(match merged {
            None => arg_type.clone(),
            Some(known) => merge_types(&known, arg_type),
        });
    }
    let mut merged = merged.unwrap_or_else(FieldType::null);
    if merged.kind.is_string() {
        let strings = args.iter().copied().filter(|arg| arg.field_type().kind.is_string());
        merged.collation = collate::resolve(strings, operation)?;
    }
    Ok(FieldType { not_null, ..merged })
}

/// The type that holds the values of both.
pub(super) fn merge_types(left: &FieldType, right: &FieldType) -> FieldType {
    let (a, b) = (left.kind, right.kind);
    if a == TypeKind::Null {
        return right.clone();
    }
    if b == TypeKind::Null {
        return left.clone();
    }
    if a.is_integer() && b.is_integer() {
        return merge_integers(left, right);
    }
    if a.is_numeric() && b.is_numeric() {
        if a.is_float() || b.is_float() {
            let float = a == TypeKind::Float && b == TypeKind::Float;
            return if float { FieldType::float() } else { FieldType::double() };
        }
        let ((p1, s1), (p2, s2)) = (digits(left), digits(right));
        let scale = s1.max(s2);
        let whole = (p1 - u32::from(s1)).max(p2 - u32::from(s2));
        return FieldType::decimal((whole + u32::from(scale)).min(65), scale);
    }
    if a.is_temporal() && b.is_temporal() {
        let fsp = left.fsp().max(right.fsp());
        return match (a, b) {
            (TypeKind::Date, TypeKind::Date) => FieldType::date(),
            (TypeKind::Time, TypeKind::Time) => FieldType::time(fsp),
            (TypeKind::Timestamp, TypeKind::Timestamp) => FieldType::timestamp(fsp),
            _ => FieldType::datetime(fsp),
        };
    }
    let length = left.display_width().max(right.display_width());
    let binary = left.is_binary_string() || right.is_binary_string();
    let collation = if binary {
        Collation::Binary
    } else if a.is_string() {
        left.collation
    } else {
        right.collation
    };
    let text = a.is_string() || b.is_string();
    string_of(length).collate(if text { collation } else { Collation::default() })
}

fn merge_integers(left: &FieldType, right: &FieldType) -> FieldType {
    let rank = |kind| match kind {
        TypeKind::Year => 0,
        TypeKind::TinyInt => 1,
        TypeKind::SmallInt => 2,
        TypeKind::MediumInt => 3,
        TypeKind::Int => 4,
        _ => 5,
    };
    let widest = if rank(left.kind) >= rank(right.kind) { left } else { right };
    if left.unsigned == right.unsigned {
        return FieldType { length: left.length.max(right.length), ..widest.clone() };
    }
    let unsigned = if left.unsigned { left } else { right };
    if unsigned.kind == TypeKind::BigInt {
        return FieldType::decimal(20, 0);
    }
    FieldType { unsigned: false, ..FieldType::bigint() }
}

/// A string type for at most so many characters.
pub(super) fn string_of(length: u32) -> FieldType {
    match length {
        0..=16_383 => FieldType::varchar(length),
        16_384..=65_535 => FieldType::new(TypeKind::Text),
        65_536..=16_777_215 => FieldType::new(TypeKind::MediumText),
        _ => FieldType::long_text(),
    }
}
