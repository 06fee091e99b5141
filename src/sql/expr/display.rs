//! Expressions as text, for EXPLAIN and error messages.

use std::fmt;

use super::{Expr, Function};
use crate::sql::types::Datum;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, &|index| format!("#{index}"), f)
    }
}

impl Expr {
    /// Its text with the columns' names in it.
    pub fn display<'a>(&'a self, names: &'a dyn Fn(usize) -> String) -> impl fmt::Display + 'a {
        Named { expr: self, names }
    }
}

/// An expression with the names of its columns.
struct Named<'a> {
    expr: &'a Expr,
    names: &'a dyn Fn(usize) -> String,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.expr, self.names, f)
    }
}

type Names<'a> = &'a dyn Fn(usize) -> String;

/// Writes an expression as MySQL shows it in messages and EXPLAIN.
fn write(expr: &Expr, names: Names<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match expr {
        Expr::Column { index, .. } => f.write_str(&names(*index)),
        Expr::Literal { value, .. } => write_literal(value, f),
        Expr::Parameter { .. } => f.write_str("?"),
        Expr::Call { function, args, field_type } => match (function, args.as_slice()) {
            (Function::Cast, [arg]) => {
                f.write_str("cast(")?;
                write(arg, names, f)?;
                write!(f, " as {})", field_type.sql_text())
            }
            (Function::Collate, [arg]) => {
                write(arg, names, f)?;
                write!(f, " collate {}", field_type.collation.name())
            }
            (Function::GetUserVar, [arg]) => {
                f.write_str("@")?;
                write_name(arg, f)
            }
            (Function::GetSystemVar, [name, _]) => {
                f.write_str("@@")?;
                write_name(name, f)
            }
            (Function::Neg | Function::BitNot, [arg]) => {
                f.write_str(if *function == Function::Neg { "-" } else { "~" })?;
                write(arg, names, f)
            }
            (Function::IsTrue | Function::IsFalse, [arg]) => {
                f.write_str("(")?;
                write(arg, names, f)?;
                write!(f, " {})", function.name())
            }
            (Function::In | Function::InSorted, [value, list @ ..]) => {
                f.write_str("(")?;
                write(value, names, f)?;
                f.write_str(" in (")?;
                write_list(list, ",", names, f)?;
                f.write_str("))")
            }
            (Function::InRows, args) => write_rows(args, names, f),
            (Function::Between, [value, low, high]) => {
                f.write_str("(")?;
                write(value, names, f)?;
                f.write_str(" between ")?;
                write(low, names, f)?;
                f.write_str(" and ")?;
                write(high, names, f)?;
                f.write_str(")")
            }
            _ if is_infix(*function) => {
                f.write_str("(")?;
                write_list(args, &format!(" {} ", function.name()), names, f)?;
                f.write_str(")")
            }
            _ => {
                write!(f, "{}(", function.name())?;
                write_list(args, ",", names, f)?;
                f.write_str(")")
            }
        },
    }
}

/// `((a,b) in ((1,2),(3,4)))`
fn write_rows(args: &[Expr], names: Names<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let row = Function::row_of(args);
    f.write_str("((")?;
    write_list(row, ",", names, f)?;
    f.write_str(") in (")?;
    for (position, row) in args[1 + row.len()..].chunks(row.len().max(1)).enumerate() {
        f.write_str(if position > 0 { ",(" } else { "(" })?;
        write_list(row, ",", names, f)?;
        f.write_str(")")?;
    }
    f.write_str("))")
}

/// Whether it stands between its two arguments.
fn is_infix(function: Function) -> bool {
    use Function as F;
    function.is_comparison()
        || matches!(
            function,
            F::Add | F::Sub | F::Mul | F::Div | F::IntDiv | F::BitAnd | F::BitOr | F::BitXor
        )
        || matches!(
            function,
            F::ShiftLeft | F::ShiftRight | F::And | F::Or | F::Xor | F::Like | F::Regexp
        )
}

/// Arguments with commas between them.
fn write_list(
    args: &[Expr],
    separator: &str,
    names: Names<'_>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (position, arg) in args.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        write(arg, names, f)?;
    }
    Ok(())
}

/// A name that was given as an argument.
fn write_name(expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match expr {
        Expr::Literal { value: Datum::Bytes(name), .. } => {
            f.write_str(&String::from_utf8_lossy(name))
        }
        other => write!(f, "{other}"),
    }
}

/// A constant, quoted if it is text.
fn write_literal(value: &Datum, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Datum::Null => f.write_str("NULL"),
        Datum::Int(number) => write!(f, "{number}"),
        Datum::UInt(number) => write!(f, "{number}"),
        Datum::Float(_) | Datum::Decimal(_) => f.write_str(&value.to_text()),
        Datum::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => write!(f, "'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Err(_) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        },
        Datum::Member(_) => write_literal(&Datum::Bytes(value.to_bytes()), f),
        Datum::Json(json) => {
            write!(f, "cast(")?;
            write_literal(&Datum::from(json.to_text()), f)?;
            f.write_str(" as json)")
        }
        Datum::Time(_) | Datum::Duration(_) => write!(f, "'{}'", value.to_text()),
    }
}
