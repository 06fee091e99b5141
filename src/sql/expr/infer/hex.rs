//! X'…' and b'…': bytes, but numbers where numbers are wanted.

use super::super::function::Family;
use super::super::{Expr, Function};
use crate::sql::types::{Collation, Datum, FieldType};

/// The type of a hexadecimal or bit literal. It is marked by a sign that strings do not have, as in MySQL's metadata.
pub(in crate::sql::expr) fn hex_type(bytes: usize) -> FieldType {
    let length = u32::try_from(bytes).unwrap_or(u32::MAX);
    FieldType::varbinary(length).unsigned().not_null()
}

/// The number that a hexadecimal literal of up to eight bytes stands for.
pub(in crate::sql::expr) fn number_of(expr: &Expr) -> Option<Expr> {
    let Expr::Literal { value: Datum::Bytes(bytes), field_type } = expr else { return None };
    let marked = field_type.unsigned
        && field_type.kind.is_string()
        && field_type.collation == Collation::Binary;
    let leading = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[leading..];
    if !marked || digits.len() > 8 {
        return None;
    }
    let number = digits.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Some(Expr::literal(Datum::UInt(number)))
}

/// Hexadecimal literals as numbers, where the function works on numbers.
pub(in crate::sql::expr) fn adapt_hex(function: Function, mut args: Vec<Expr>) -> Vec<Expr> {
    if !args.iter().any(|arg| number_of(arg).is_some()) {
        return args;
    }
    let beside_number = function.is_comparison()
        || matches!(function, Function::In | Function::Between | Function::Field);
    let numeric = args.iter().any(|arg| arg.field_type().kind.is_numeric());
    let count = args.len();
    let first = args[0].field_type().kind.is_numeric();
    for (position, arg) in args.iter_mut().enumerate() {
        let wanted =
            if beside_number { numeric } else { wants_number(function, position, count, first) };
        if wanted && let Some(number) = number_of(arg) {
            *arg = number;
        }
    }
    args
}

/// Whether a function's argument is a number, or a truth value.
fn wants_number(function: Function, position: usize, count: usize, first_is_number: bool) -> bool {
    use Function as F;
    match function.family() {
        Family::Arithmetic | Family::Numeric => return true,
        Family::Control => {
            return match function {
                F::If => position == 0,
                F::Case => position.is_multiple_of(2) && position + 1 < count,
                F::IfNull | F::Coalesce | F::IsNull => false,
                _ => true,
            };
        }
        _ => {}
    }
    match function {
        F::Char | F::Interval | F::MakeDate | F::MakeTime | F::PeriodAdd | F::PeriodDiff => true,
        F::Space | F::Bin | F::Oct | F::SecToTime | F::FromDays | F::LastInsertId => true,
        F::FromUnixtime | F::Elt | F::MakeSet => position == 0,
        F::Format => position < 2,
        F::Substring | F::Left | F::Right | F::Repeat | F::Conv | F::Sha2 => position >= 1,
        // What it yields is the first argument as it is.
        F::NullIf => position == 1 && first_is_number,
        F::LPad | F::RPad | F::DateAdd | F::DateSub | F::TimestampAdd => position == 1,
        F::Week | F::YearWeek => position == 1,
        F::Insert => position == 1 || position == 2,
        F::Locate | F::SubstringIndex => position == 2,
        _ => false,
    }
}
