//! Bits: of integers, and of binary strings, which keep their length.

use super::call::{Call, not_null};
use super::definition::{Definition, Eval, Names, Nulls, Numbers, TypeRule};
use super::typing::{Typing, bigint};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Expr;
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

/// Of two numbers, or of two binary strings of one length.
const fn both(names: Names, eval: Eval, summary: &'static str) -> Definition {
    operator(names, (2, 2), of_both, Numbers::Where(|_, args| !are_strings(args)), eval, summary)
}

/// Of the first argument's bits.
const fn first(names: Names, count: usize, eval: Eval, summary: &'static str) -> Definition {
    let numbers = Numbers::Where(|position, args| position > 0 || !is_string(args));
    operator(names, (count, count), of_first, numbers, eval, summary)
}

const fn operator(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    numbers: Numbers,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, result, eval, summary)
        .form()
        .pure()
        .nulls(Nulls::OfArguments)
        .numbers(numbers)
}

pub(super) static BIT_AND: Definition =
    both(&["&"], |call| pairs(call, |a, b| a & b), "The bits set in both.");
pub(super) static BIT_OR: Definition =
    both(&["|"], |call| pairs(call, |a, b| a | b), "The bits set in one of them.");
pub(super) static BIT_XOR: Definition =
    both(&["^"], |call| pairs(call, |a, b| a ^ b), "The bits set in only one of them.");
pub(super) static SHIFT_LEFT: Definition = first(
    &["<<"],
    2,
    |call| shifted(call, |bits, by| bits.checked_shl(by).unwrap_or(0), up),
    "The bits moved up.",
);
pub(super) static SHIFT_RIGHT: Definition = first(
    &[">>"],
    2,
    |call| shifted(call, |bits, by| bits.checked_shr(by).unwrap_or(0), down),
    "The bits moved down.",
);
pub(super) static BIT_NOT: Definition = first(
    &["~"],
    1,
    |call| match string(call, 0)? {
        Some(Datum::Bytes(bytes)) => {
            Ok(Datum::from(bytes.iter().map(|byte| !byte).collect::<Vec<u8>>()))
        }
        Some(null) => Ok(null),
        None => Ok(Datum::UInt(!not_null!(call.bits(0)))),
    },
    "All bits the other way round.",
);

pub(super) static FUNCTIONS: &[Definition] = &[Definition::function(
    &["bit_count"],
    (1, 1),
    bigint,
    |call| match call.arg_type(0).is_binary_string() {
        true => {
            let bytes = not_null!(call.bytes(0));
            Ok(Datum::Int(bytes.iter().map(|byte| i64::from(byte.count_ones())).sum()))
        }
        false => Ok(Datum::Int(i64::from(not_null!(call.bits(0)).count_ones()))),
    },
    "How many bits are set.",
)
.pure()
.numbers(Numbers::Where(|_, args| !is_string(args)))];

/// Whether it is a binary string, and neither a literal that may as well be a number nor NULL.
pub(super) fn is_bit_string(field_type: &FieldType) -> bool {
    field_type.is_binary_string() && !field_type.unsigned
}

/// Whether the first argument is a binary string.
fn is_string(args: &[Expr]) -> bool {
    args.first().is_some_and(|arg| is_bit_string(arg.field_type()))
}

/// Whether two arguments are worked on as binary strings: both can be, and one of them is.
fn are_strings(args: &[Expr]) -> bool {
    let can_be = |arg: &Expr| {
        let field_type = arg.field_type();
        field_type.is_binary_string() || field_type.kind == TypeKind::Null
    };
    args.iter().all(can_be) && args.iter().any(|arg| is_bit_string(arg.field_type()))
}

fn of_both(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(match are_strings(typing.args) {
        true => bit_string(typing.width(0).max(typing.width(1))),
        false => FieldType::bigint_unsigned(),
    })
}

fn of_first(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(match is_string(typing.args) {
        true => bit_string(typing.width(0)),
        false => FieldType::bigint_unsigned(),
    })
}

/// The type of binary strings of at most so many bytes.
pub(super) fn bit_string(bytes: u64) -> FieldType {
    match u32::try_from(bytes) {
        Ok(bytes) if bytes <= u32::from(u16::MAX) => FieldType::varbinary(bytes),
        _ => FieldType::new(TypeKind::LongText).collate(Collation::Binary),
    }
}

/// An argument of a call that works on binary strings; `None` if it works on numbers.
fn string(call: &Call<'_>, position: usize) -> SqlResult<Option<Datum>> {
    if !call.field_type.kind.is_string() {
        return Ok(None);
    }
    Ok(Some(call.bytes(position)?.map_or(Datum::Null, Datum::Bytes)))
}

fn pairs(call: &Call<'_>, operate: fn(u64, u64) -> u64) -> SqlResult<Datum> {
    match (string(call, 0)?, string(call, 1)?) {
        (Some(Datum::Bytes(left)), Some(Datum::Bytes(right))) => {
            let mut bytes = left.to_vec();
            combine(&mut bytes, &right, operate)?;
            Ok(Datum::from(bytes))
        }
        (Some(_), _) => Ok(Datum::Null),
        (None, _) => {
            let left = not_null!(call.bits(0));
            Ok(Datum::UInt(operate(left, not_null!(call.bits(1)))))
        }
    }
}

/// Joins binary strings byte by byte. Error 3513 unless they are of one length.
pub(super) fn combine(
    left: &mut [u8],
    right: &[u8],
    operate: fn(u64, u64) -> u64,
) -> SqlResult<()> {
    if left.len() != right.len() {
        return Err(SqlError::new(
            errno::INVALID_BITWISE_OPERANDS_SIZE,
            "Binary operands of bitwise operators must be of equal length",
        ));
    }
    for (left, right) in left.iter_mut().zip(right) {
        *left = operate(u64::from(*left), u64::from(*right)) as u8;
    }
    Ok(())
}

fn shifted(
    call: &Call<'_>,
    number: fn(u64, u32) -> u64,
    string_of: fn(&[u8], usize) -> Vec<u8>,
) -> SqlResult<Datum> {
    match string(call, 0)? {
        None => {
            let bits = not_null!(call.bits(0));
            let by = u32::try_from(not_null!(call.bits(1))).unwrap_or(u32::MAX);
            Ok(Datum::UInt(number(bits, by)))
        }
        Some(Datum::Bytes(bytes)) => {
            let by = not_null!(call.bits(1));
            let by = usize::try_from(by).unwrap_or(usize::MAX).min(bytes.len() * 8);
            Ok(Datum::from(string_of(&bytes, by)))
        }
        Some(null) => Ok(null),
    }
}

/// The bits of a string moved towards its beginning, by at most as many as it has.
fn up(bytes: &[u8], by: usize) -> Vec<u8> {
    let (whole, rest) = (by / 8, by % 8);
    let at = |position: usize| bytes.get(position).copied().map_or(0, u16::from);
    let moved = |position: usize| {
        let pair = at(position + whole) << 8 | at(position + whole + 1);
        (pair << rest >> 8) as u8
    };
    (0..bytes.len()).map(moved).collect()
}

/// The bits of a string moved towards its end, by at most as many as it has.
fn down(bytes: &[u8], by: usize) -> Vec<u8> {
    let (whole, rest) = (by / 8, by % 8);
    let at = |position: Option<usize>| {
        position.and_then(|position| bytes.get(position)).copied().map_or(0, u16::from)
    };
    let moved = |position: usize| {
        let low = position.checked_sub(whole);
        let pair = at(low.and_then(|low| low.checked_sub(1))) << 8 | at(low);
        (pair >> rest) as u8
    };
    (0..bytes.len()).map(moved).collect()
}
