//! Arithmetic.

use super::call::{Call, not_null};
use super::definition::{Compute, Definition, Eval, Names, Nulls, Numbers, TypeRule, Volatility};
use super::kernels;
use super::typing::{NumberClass, Typing, digits, number_class, quotient};
use crate::common::{SqlResult, errno};
use crate::sql::expr::Expr;
use crate::sql::types::{Datum, Decimal, FieldType, SqlMode, TypeKind};

const fn binary(names: Names, result: TypeRule, eval: Eval, summary: &'static str) -> Definition {
    Definition::function(names, (2, 2), result, eval, summary)
        .form()
        .pure()
        .light()
        .numbers(Numbers::All)
}

pub(super) static ADD: Definition =
    binary(&["+"], sum_type, |call| compute(call, Operation::Add), "The sum.")
        .nulls(Nulls::OfArguments)
        .kernel(Compute::Values(kernels::add), kernels::never);
pub(super) static SUB: Definition =
    binary(&["-"], difference_type, |call| compute(call, Operation::Sub), "The difference.")
        .nulls(Nulls::OfArguments)
        .kernel(Compute::Values(kernels::sub), kernels::never);
pub(super) static MUL: Definition =
    binary(&["*"], product_type, |call| compute(call, Operation::Mul), "The product.")
        .nulls(Nulls::OfArguments)
        .kernel(Compute::Values(kernels::mul), kernels::never);
pub(super) static DIV: Definition =
    binary(&["/"], quotient_type, |call| compute(call, Operation::Div), "The quotient.")
        .volatility(Volatility::Statement);
pub(super) static INT_DIV: Definition = binary(
    &["DIV"],
    whole_quotient_type,
    |call| compute(call, Operation::IntDiv),
    "The quotient without its fraction.",
);
pub(super) static MOD: Definition = Definition {
    syntax: super::definition::Syntax::Call,
    ..binary(
        &["mod"],
        remainder_type,
        |call| compute(call, Operation::Mod),
        "The remainder of a division; also `a % b` and `a MOD b`.",
    )
};
pub(super) static NEG: Definition =
    Definition::function(&["neg"], (1, 1), negated_type, negate, "The number with the other sign.")
        .form()
        .pure()
        .light()
        .nulls(Nulls::OfArguments)
        .numbers(Numbers::All);
/// In which numbers two arguments are worked on, and whether one is an unsigned integer.
fn classes(typing: &Typing<'_>) -> (NumberClass, bool) {
    let types = typing.args.iter().map(Expr::field_type);
    let class = types.clone().map(number_class).max().unwrap_or(NumberClass::Integer);
    (class, types.into_iter().any(|t| t.unsigned && t.kind != TypeKind::Decimal))
}

/// Digits before the point, and after it, of each argument.
fn places(typing: &Typing<'_>) -> [(u32, u8); 2] {
    [0, 1].map(|at| {
        let (precision, scale) = digits(typing.of(at));
        (precision - u32::from(scale), scale)
    })
}

fn sum_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let (class, unsigned) = classes(typing);
    Ok(match class {
        NumberClass::Double => FieldType::double(),
        NumberClass::Integer => FieldType { unsigned, ..FieldType::bigint() },
        NumberClass::Decimal => {
            let [(w1, s1), (w2, s2)] = places(typing);
            let scale = s1.max(s2);
            FieldType::decimal((w1.max(w2) + u32::from(scale) + 1).min(65), scale)
        }
    })
}

fn difference_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let mut field_type = sum_type(typing)?;
    if typing.rules.signed_subtraction && field_type.kind.is_integer() {
        field_type.unsigned = false;
    }
    Ok(field_type)
}

fn product_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let (class, unsigned) = classes(typing);
    Ok(match class {
        NumberClass::Double => FieldType::double(),
        NumberClass::Integer => FieldType { unsigned, ..FieldType::bigint() },
        NumberClass::Decimal => {
            let ((p1, s1), (p2, s2)) = (digits(typing.of(0)), digits(typing.of(1)));
            FieldType::decimal((p1 + p2).min(65), (s1 + s2).min(30))
        }
    })
}

fn quotient_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(match classes(typing).0 {
        NumberClass::Double => FieldType::double(),
        _ => quotient(typing.of(0), typing.of(1), typing.rules.div_precision_increment),
    })
}

fn whole_quotient_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let (class, unsigned) = classes(typing);
    let unsigned = match class {
        NumberClass::Double => typing.of(0).unsigned || typing.of(1).unsigned,
        _ => unsigned,
    };
    Ok(FieldType { unsigned, ..FieldType::bigint() })
}

fn remainder_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(match classes(typing).0 {
        NumberClass::Double => FieldType::double(),
        NumberClass::Integer => {
            FieldType { unsigned: typing.of(0).unsigned, ..FieldType::bigint() }
        }
        NumberClass::Decimal => {
            let [(w1, s1), (w2, s2)] = places(typing);
            let scale = s1.max(s2);
            FieldType::decimal((w1.max(w2) + u32::from(scale)).min(65), scale)
        }
    })
}

fn negated_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(match number_class(typing.of(0)) {
        NumberClass::Double => FieldType::double(),
        NumberClass::Integer if too_big_to_negate(&typing.args[0]) => FieldType::decimal(20, 0),
        NumberClass::Integer => FieldType::bigint(),
        NumberClass::Decimal => {
            let (precision, scale) = digits(typing.of(0));
            FieldType::decimal(precision, scale)
        }
    })
}

/// `-9223372036854775809` and below as literals are DECIMAL.
fn too_big_to_negate(arg: &Expr) -> bool {
    matches!(arg, Expr::Literal { value: Datum::UInt(number), .. } if *number > 1 << 63)
}

/// What is computed of two numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Add,
    Sub,
    Mul,
    Div,
    IntDiv,
    Mod,
}

/// A number ready for arithmetic.
enum Number {
    Int(i64),
    UInt(u64),
    Decimal(Decimal),
    Float(f64),
}

impl Number {
    /// Its value, when it is an integer.
    fn integer(&self) -> Option<i128> {
        match self {
            Number::Int(number) => Some(i128::from(*number)),
            Number::UInt(number) => Some(i128::from(*number)),
            _ => None,
        }
    }

    fn is_unsigned(&self) -> bool {
        matches!(self, Number::UInt(_))
    }

    fn decimal(&self) -> Option<Decimal> {
        match self {
            Number::Int(number) => Some(Decimal::from(*number)),
            Number::UInt(number) => Some(Decimal::from(*number)),
            Number::Decimal(number) => Some(*number),
            Number::Float(_) => None,
        }
    }

    fn float(&self) -> f64 {
        match self {
            Number::Int(number) => *number as f64,
            Number::UInt(number) => *number as f64,
            Number::Decimal(number) => number.to_f64(),
            Number::Float(number) => *number,
        }
    }
}

fn compute(call: &Call<'_>, operation: Operation) -> SqlResult<Datum> {
    let left = not_null!(number(call, 0));
    let right = not_null!(number(call, 1));
    if operation != Operation::Div
        && let (Some(a), Some(b)) = (left.integer(), right.integer())
    {
        return integers(call, operation, (a, left.is_unsigned()), (b, right.is_unsigned()));
    }
    match (left.decimal(), right.decimal()) {
        (Some(a), Some(b)) => decimals(call, operation, &a, &b),
        _ => floats(call, operation, left.float(), right.float()),
    }
}

fn number(call: &Call<'_>, position: usize) -> SqlResult<Option<Number>> {
    let small = |number: Decimal| match number.to_i64() {
        Some(whole) if number.scale == 0 => Number::Int(whole),
        _ => Number::Decimal(number),
    };
    Ok(Some(match call.value(position)? {
        Datum::Null => return Ok(None),
        Datum::Int(number) => Number::Int(number),
        Datum::UInt(number) => Number::UInt(number),
        Datum::Decimal(number) => Number::Decimal(number),
        Datum::Float(number) => Number::Float(number),
        Datum::Time(time) => small(time.to_decimal()),
        Datum::Duration(duration) => small(duration.to_decimal()),
        Datum::Member(member) => Number::UInt(member.number),
        text @ (Datum::Bytes(_) | Datum::Json(_)) => Number::Float(text.to_f64(call.ctx)?),
    }))
}

/// Two integers, each with whether it is unsigned.
fn integers(
    call: &Call<'_>,
    operation: Operation,
    (a, a_unsigned): (i128, bool),
    (b, b_unsigned): (i128, bool),
) -> SqlResult<Datum> {
    let mut unsigned = a_unsigned || b_unsigned;
    let result = match operation {
        Operation::Add => a + b,
        Operation::Sub => {
            // NO_UNSIGNED_SUBTRACTION is known where the type is decided; constants are folded without a session.
            unsigned &= call.field_type.unsigned || call.field_type.kind != TypeKind::BigInt;
            a - b
        }
        // Two factors of 64 bits fit 128 bits but for the largest unsigned ones.
        Operation::Mul => a.checked_mul(b).unwrap_or(i128::MAX),
        Operation::Div | Operation::IntDiv | Operation::Mod if b == 0 => {
            return division_by_zero(call);
        }
        Operation::Div | Operation::IntDiv => a / b,
        Operation::Mod => {
            unsigned = a_unsigned;
            a % b
        }
    };
    if unsigned {
        let fitted = u64::try_from(result);
        return fitted.map(Datum::UInt).map_err(|_| call.out_of_range("BIGINT UNSIGNED"));
    }
    i64::try_from(result).map(Datum::Int).map_err(|_| call.out_of_range("BIGINT"))
}

fn decimals(call: &Call<'_>, operation: Operation, a: &Decimal, b: &Decimal) -> SqlResult<Datum> {
    let result = match operation {
        Operation::Add => a.checked_add(b),
        Operation::Sub => a.checked_sub(b),
        Operation::Mul => a.checked_mul(b),
        Operation::Div | Operation::IntDiv | Operation::Mod if b.is_zero() => {
            return division_by_zero(call);
        }
        Operation::Div => a.checked_div(b, call.ctx.div_precision_increment),
        Operation::IntDiv => {
            let quotient = a.checked_int_div(b).and_then(|quotient| quotient.unscaled.to_i128());
            return whole_quotient(call, quotient);
        }
        Operation::Mod => a.checked_rem(b),
    };
    result.map(Datum::Decimal).ok_or_else(|| call.out_of_range("DECIMAL"))
}

fn whole_quotient(call: &Call<'_>, quotient: Option<i128>) -> SqlResult<Datum> {
    let quotient = quotient.unwrap_or(i128::MAX);
    if call.field_type.unsigned {
        let fitted = u64::try_from(quotient);
        return fitted.map(Datum::UInt).map_err(|_| call.out_of_range("BIGINT UNSIGNED"));
    }
    i64::try_from(quotient).map(Datum::Int).map_err(|_| call.out_of_range("BIGINT"))
}

fn floats(call: &Call<'_>, operation: Operation, a: f64, b: f64) -> SqlResult<Datum> {
    call.finite(match operation {
        Operation::Add => a + b,
        Operation::Sub => a - b,
        Operation::Mul => a * b,
        Operation::Div | Operation::IntDiv | Operation::Mod if b == 0.0 => {
            return division_by_zero(call);
        }
        Operation::Div => a / b,
        Operation::IntDiv => return whole_quotient(call, Some((a / b).trunc() as i128)),
        Operation::Mod => a % b,
    })
}

fn division_by_zero(call: &Call<'_>) -> SqlResult<Datum> {
    if call.ctx.sql_mode.contains(SqlMode::ERROR_FOR_DIVISION_BY_ZERO) {
        call.ctx.warn_or_fail(errno::DIVISION_BY_ZERO, "Division by 0")?;
    }
    Ok(Datum::Null)
}

fn negate(call: &Call<'_>) -> SqlResult<Datum> {
    Ok(match not_null!(number(call, 0)) {
        Number::Int(number) => {
            Datum::Int(number.checked_neg().ok_or_else(|| call.out_of_range("BIGINT"))?)
        }
        Number::UInt(number) if call.field_type.kind == TypeKind::Decimal => {
            Datum::Decimal(Decimal::from(number).neg())
        }
        Number::UInt(number) => {
            let negated = i64::try_from(-i128::from(number));
            Datum::Int(negated.map_err(|_| call.out_of_range("BIGINT"))?)
        }
        Number::Decimal(number) => Datum::Decimal(number.neg()),
        Number::Float(number) => Datum::Float(-number),
    })
}
