//! A small binder: expressions without columns from SQL text.

use sqlparser::ast::{
    self, BinaryOperator, CastKind, DataType, FunctionArg, FunctionArgExpr, FunctionArguments,
    TrimWhereField, UnaryOperator, Value,
};
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::Parser;

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function};
use crate::sql::types::{Collation, Datum, Decimal, FieldType, TypeKind};

pub(super) fn parse(source: &str) -> SqlResult<Expr> {
    let broken =
        |error: sqlparser::parser::ParserError| SqlError::new(errno::PARSE, error.to_string());
    let mut parser = Parser::new(&MySqlDialect {}).try_with_sql(source).map_err(broken)?;
    bind(&parser.parse_expr().map_err(broken)?)
}

fn named_function(name: &str) -> Function {
    Function::named(name).expect("there is such a function")
}

fn call(function: Function, args: &[&ast::Expr]) -> SqlResult<Expr> {
    let args = args.iter().map(|arg| bind(arg)).collect::<SqlResult<Vec<_>>>()?;
    Expr::call(function, args)
}

fn negate(negated: bool, expr: Expr) -> SqlResult<Expr> {
    if negated { Expr::call(Function::Not, vec![expr]) } else { Ok(expr) }
}

#[allow(clippy::too_many_lines, reason = "one arm for each kind of syntax")]
fn bind(expr: &ast::Expr) -> SqlResult<Expr> {
    use ast::Expr as E;
    match expr {
        E::Value(value) => literal(&value.value),
        E::Nested(inner) => bind(inner),
        E::UnaryOp { op, expr } => match op {
            UnaryOperator::Plus => bind(expr),
            UnaryOperator::Minus => call(Function::Neg, &[expr]),
            UnaryOperator::Not | UnaryOperator::BangNot => call(Function::Not, &[expr]),
            _ => call(Function::BitNot, &[expr]),
        },
        E::BinaryOp { left, op, right } => binary(left, op, right),
        E::IsNull(arg) => call(Function::IsNull, &[arg]),
        E::IsNotNull(arg) => negate(true, call(Function::IsNull, &[arg])?),
        E::IsTrue(arg) => call(Function::IsTrue, &[arg]),
        E::IsFalse(arg) => call(Function::IsFalse, &[arg]),
        E::IsNotTrue(arg) => negate(true, call(Function::IsTrue, &[arg])?),
        E::InList { expr, list, negated } => {
            let mut args: Vec<&ast::Expr> = vec![expr];
            args.extend(list);
            negate(*negated, call(Function::In, &args)?)
        }
        E::Between { expr, negated, low, high } => {
            negate(*negated, call(Function::Between, &[expr, low, high])?)
        }
        E::Like { negated, expr, pattern, escape_char, .. } => {
            let mut args: Vec<&ast::Expr> = vec![expr, pattern];
            args.extend(escape_char.as_deref());
            negate(*negated, call(Function::Like, &args)?)
        }
        E::RLike { negated, expr, pattern, .. } => {
            negate(*negated, call(Function::Regexp, &[expr, pattern])?)
        }
        E::Cast { kind: CastKind::Cast, expr, data_type, .. } => {
            Ok(Expr::cast(bind(expr)?, target(data_type)?))
        }
        E::Extract { field, expr, .. } => {
            Expr::call(Function::Extract, vec![Expr::text(&field.to_string()), bind(expr)?])
        }
        E::Ceil { expr, .. } => call(named_function("ceil"), &[expr]),
        E::Floor { expr, .. } => call(named_function("floor"), &[expr]),
        E::Position { expr, r#in } => call(named_function("locate"), &[expr, r#in]),
        E::Substring { expr, substring_from, substring_for, .. } => {
            let mut args: Vec<&ast::Expr> = vec![expr];
            args.extend(substring_from.as_deref());
            args.extend(substring_for.as_deref());
            call(named_function("substring"), &args)
        }
        E::Trim { trim_where, trim_what, expr, .. } => {
            let function = match trim_where {
                Some(TrimWhereField::Leading) => Function::TrimLeading,
                Some(TrimWhereField::Trailing) => Function::TrimTrailing,
                _ => Function::Trim,
            };
            let mut args = vec![bind(expr)?];
            if let Some(what) = trim_what {
                args.push(bind(what)?);
            } else if function != Function::Trim {
                args.push(Expr::text(" "));
            }
            Expr::call(function, args)
        }
        E::Case { operand, conditions, else_result, .. } => {
            let mut branches = Vec::new();
            for when in conditions {
                branches.push((bind(&when.condition)?, bind(&when.result)?));
            }
            let operand = operand.as_deref().map(bind).transpose()?;
            Expr::case(operand, branches, else_result.as_deref().map(bind).transpose()?)
        }
        E::Collate { expr, collation } => {
            Expr::collate(bind(expr)?, Collation::by_name(&collation.to_string())?)
        }
        E::TypedString(typed) => Ok(Expr::cast(
            Expr::text(&typed.value.value.clone().into_string().unwrap_or_default()),
            target(&typed.data_type)?,
        )),
        E::Prefixed { value, .. } => bind(value),
        E::Function(function) => named(function),
        E::Identifier(name) if name.value.starts_with('@') => {
            Expr::call(Function::GetUserVar, vec![Expr::text(&name.value[1..])])
        }
        other => Err(SqlError::unsupported(other)),
    }
}

fn binary(left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> SqlResult<Expr> {
    use BinaryOperator as B;
    if let ast::Expr::Interval(interval) = right {
        let function = if *op == B::Plus { Function::DateAdd } else { Function::DateSub };
        return date_add(function, left, interval);
    }
    let function = match op {
        B::Plus => Function::Add,
        B::Minus => Function::Sub,
        B::Multiply => Function::Mul,
        B::Divide => Function::Div,
        B::Modulo => Function::Mod,
        B::MyIntegerDivide => Function::IntDiv,
        B::Gt => Function::Gt,
        B::Lt => Function::Lt,
        B::GtEq => Function::Ge,
        B::LtEq => Function::Le,
        B::Spaceship => Function::NullEq,
        B::Eq => Function::Eq,
        B::NotEq => Function::Ne,
        B::And => Function::And,
        B::Or => Function::Or,
        B::Xor => Function::Xor,
        B::BitwiseOr => Function::BitOr,
        B::BitwiseAnd => Function::BitAnd,
        B::BitwiseXor => Function::BitXor,
        B::PGBitwiseShiftLeft => Function::ShiftLeft,
        B::PGBitwiseShiftRight => Function::ShiftRight,
        other => return Err(SqlError::unsupported(other)),
    };
    call(function, &[left, right])
}

fn date_add(function: Function, date: &ast::Expr, interval: &ast::Interval) -> SqlResult<Expr> {
    let unit = interval.leading_field.as_ref().map(ToString::to_string).unwrap_or_default();
    Expr::call(function, vec![bind(date)?, bind(&interval.value)?, Expr::text(&unit)])
}

fn named(function: &ast::Function) -> SqlResult<Expr> {
    let name = function.name.to_string().to_lowercase();
    let mut args: Vec<&ast::Expr> = Vec::new();
    if let FunctionArguments::List(list) = &function.args {
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => args.push(arg),
                other => return Err(SqlError::unsupported(other)),
            }
        }
    }
    match (name.as_str(), args.as_slice()) {
        ("date_add" | "adddate", [date, ast::Expr::Interval(interval)]) => {
            date_add(Function::DateAdd, date, interval)
        }
        ("date_sub" | "subdate", [date, ast::Expr::Interval(interval)]) => {
            date_add(Function::DateSub, date, interval)
        }
        ("timestampdiff" | "timestampadd", [unit, first, second]) => {
            let function = if name == "timestampdiff" {
                Function::TimestampDiff
            } else {
                Function::TimestampAdd
            };
            Expr::call(function, vec![Expr::text(&unit.to_string()), bind(first)?, bind(second)?])
        }
        // What the parser has no syntax for: units of two fields.
        ("date_add_unit", args) => call(Function::DateAdd, args),
        ("extract_unit", args) => call(Function::Extract, args),
        ("interval_of", args) => call(named_function("interval"), args),
        _ => call(Function::by_name(&name, args.len())?, &args),
    }
}

fn literal(value: &Value) -> SqlResult<Expr> {
    Ok(match value {
        Value::Null => Expr::null(),
        Value::Boolean(truth) => Expr::literal(Datum::from(*truth)),
        Value::Number(text, _) => number(text),
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Expr::text(text),
        Value::HexStringLiteral(digits) => {
            let unhexed = Expr::call(named_function("unhex"), vec![Expr::text(digits)])?;
            match unhexed.eval(&[], &crate::sql::expr::EvalContext::new())? {
                Datum::Bytes(bytes) => Expr::hex(bytes),
                _ => Expr::null(),
            }
        }
        other => return Err(SqlError::unsupported(other)),
    })
}

fn number(text: &str) -> Expr {
    if text.contains(['e', 'E']) {
        return Expr::literal(Datum::Float(text.parse().unwrap()));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Expr::literal(Datum::Int(number));
    }
    if let Ok(number) = text.parse::<u64>() {
        return Expr::literal(Datum::UInt(number));
    }
    Expr::literal(Datum::Decimal(Decimal::parse(text).unwrap()))
}

fn target(data_type: &DataType) -> SqlResult<FieldType> {
    let text = data_type.to_string().to_lowercase();
    let (name, parameters) = text.split_once('(').unwrap_or((&text, ""));
    let numbers: Vec<u32> = parameters
        .trim_end_matches(')')
        .split(',')
        .filter_map(|number| number.trim().parse().ok())
        .collect();
    let first = numbers.first().copied();
    let fsp = first.unwrap_or(0) as u8;
    Ok(match name {
        "signed" | "signed integer" => FieldType::bigint(),
        "unsigned" | "unsigned integer" => FieldType::bigint_unsigned(),
        "char" => FieldType { length: first, ..FieldType::new(TypeKind::VarChar) },
        "binary" => FieldType {
            length: first,
            collation: Collation::Binary,
            ..FieldType::new(if first.is_some() { TypeKind::Char } else { TypeKind::VarChar })
        },
        "decimal" => {
            FieldType::decimal(first.unwrap_or(10), numbers.get(1).copied().unwrap_or(0) as u8)
        }
        "date" => FieldType::date(),
        "datetime" => FieldType::datetime(fsp),
        "timestamp" => FieldType::datetime(6),
        "time" => FieldType::time(fsp),
        "double" => FieldType::double(),
        "float" => FieldType::float(),
        other => return Err(SqlError::unsupported(other)),
    })
}
