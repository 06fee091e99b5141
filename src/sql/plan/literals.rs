//! Literals and defaults as expressions.

use arrow::datatypes::i256;
use bytes::Bytes;

use super::binder::fold;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{ColumnInfo, DefaultValue};
use crate::sql::expr::{Expr, Function};
use crate::sql::parser::ast::Literal;
use crate::sql::types::{Collation, Datum, Decimal, FieldType};

/// The most digits a DECIMAL has, and the most after its point.
const DECIMAL_LIMITS: (usize, usize) = (65, 30);

/// A literal as an expression.
pub(super) fn literal(literal: &Literal) -> SqlResult<Expr> {
    Ok(match literal {
        Literal::Null => Expr::null(),
        Literal::Bool(value) => Expr::literal(Datum::Int(i64::from(*value))),
        Literal::Integer(number) => Expr::literal(match i64::try_from(*number) {
            Ok(number) => Datum::Int(number),
            Err(_) => Datum::UInt(*number),
        }),
        Literal::Decimal(digits) => decimal(digits)?,
        Literal::Float(number) => Expr::literal(Datum::Float(*number)),
        Literal::String(bytes, charset) => string(bytes, charset.as_deref())?,
        Literal::Hex(bytes) | Literal::Bit(bytes) => binary(bytes),
        Literal::Date(text) => fold(Expr::cast(Expr::text(text), FieldType::date())),
        Literal::Time(text) => {
            fold(Expr::cast(Expr::text(text), FieldType::time(fraction_digits(text))))
        }
        Literal::Timestamp(text) => {
            fold(Expr::cast(Expr::text(text), FieldType::datetime(fraction_digits(text))))
        }
    })
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

fn string(bytes: &[u8], charset: Option<&str>) -> SqlResult<Expr> {
    let collation = charset.map_or_else(|| Ok(Collation::default()), Collation::of_charset)?;
    if collation == Collation::Binary {
        return Ok(binary(bytes));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        let shown: String = bytes.iter().take(6).map(|byte| format!("\\x{byte:02X}")).collect();
        return Err(SqlError::new(
            errno::INVALID_CHARACTER_STRING,
            format!("Invalid utf8mb4 character string: '{shown}'"),
        ));
    };
    let ascii_only = matches!(charset, Some("latin1" | "ascii"));
    if ascii_only && !text.is_ascii() {
        return Err(SqlError::unsupported("literals of other character sets than utf8mb4"));
    }
    Ok(Expr::text(text))
}

fn fraction_digits(text: &str) -> u8 {
    let fraction = text.rsplit_once('.').map_or("", |(_, fraction)| fraction);
    fraction.len().min(6) as u8
}

/// A column's default as an expression; `None`: it has none.
pub(super) fn default_value(column: &ColumnInfo) -> SqlResult<Option<Expr>> {
    Ok(match &column.default {
        Some(DefaultValue::Constant(Some(text))) => {
            Some(fold(Expr::cast(Expr::text(text), column.field_type.clone().nullable())))
        }
        Some(DefaultValue::Constant(None)) => Some(Expr::null()),
        Some(DefaultValue::CurrentTimestamp(digits)) => {
            let digits = Expr::literal(Datum::Int(i64::from(*digits)));
            Some(Expr::call(Function::Now, vec![digits])?)
        }
        None if !column.field_type.not_null => Some(Expr::null()),
        None => None,
    })
}
