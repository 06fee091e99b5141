//! X'…' and b'…': bytes, but numbers where numbers are wanted.

use super::Expr;
use crate::sql::functions::Definition;
use crate::sql::types::{Collation, Datum, FieldType};

/// The type of a hexadecimal or bit literal. It is marked by a sign that strings do not have, as in MySQL's metadata.
pub(super) fn hex_type(bytes: usize) -> FieldType {
    let length = u32::try_from(bytes).unwrap_or(u32::MAX);
    FieldType::varbinary(length).unsigned().not_null()
}

/// The number that a hexadecimal literal of up to eight bytes stands for.
pub(super) fn number_of(expr: &Expr) -> Option<Expr> {
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
pub(super) fn adapt_hex(definition: &Definition, mut args: Vec<Expr>) -> Vec<Expr> {
    for position in 0..args.len() {
        if let Some(number) = number_of(&args[position])
            && definition.wants_number(position, &args)
        {
            args[position] = number;
        }
    }
    args
}
