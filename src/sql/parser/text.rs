//! Expressions as MySQL writes them where it keeps them: in CHECK, in defaults, in generated columns. What is written here is read
//! again as the same expression, whatever `sql_mode` is then.

use std::fmt::Write;

use super::ast::{
    CastType, Expr, Literal, MatchAgainst, OnResponse, TrimSide, TruthValue, UnaryOp,
};
use super::cursor::Parser;
use super::dialect::Dialect;
use crate::common::{SqlError, SqlResult};
use crate::sql::digest::quote_name;
use crate::sql::types::SqlMode;

/// Says how a column is written: by its table, if one was written, and its name.
pub type ColumnText<'n> = &'n mut dyn FnMut(Option<&str>, &str) -> SqlResult<String>;

/// The text of an expression.
pub fn expression_text(expr: &Expr, column: ColumnText<'_>) -> SqlResult<String> {
    let mut writer = Writer { text: String::new(), column };
    writer.expr(expr)?;
    Ok(writer.text)
}

/// The expression that a text is.
pub fn parse_expression(text: &str) -> SqlResult<Expr> {
    let dialect = Dialect::new(SqlMode::default());
    let mut parser = Parser::new(text.as_bytes(), 0, &dialect);
    let expr = parser.expr()?;
    if parser.at_end() { Ok(expr) } else { Err(parser.syntax_error()) }
}

/// What is being written.
struct Writer<'n> {
    text: String,
    column: ColumnText<'n>,
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn list<'e>(&mut self, items: impl IntoIterator<Item = &'e Expr>) -> SqlResult<()> {
        for (position, item) in items.into_iter().enumerate() {
            if position > 0 {
                self.push(",");
            }
            self.expr(item)?;
        }
        Ok(())
    }

    /// Operands with something between them, in parentheses.
    fn infix<'e>(
        &mut self,
        operands: impl IntoIterator<Item = &'e Expr>,
        between: &str,
    ) -> SqlResult<()> {
        self.push("(");
        for (position, operand) in operands.into_iter().enumerate() {
            if position > 0 {
                let _ = write!(self.text, " {between} ");
            }
            self.expr(operand)?;
        }
        self.push(")");
        Ok(())
    }

    fn call<'e>(&mut self, name: &str, args: impl IntoIterator<Item = &'e Expr>) -> SqlResult<()> {
        self.push(name);
        self.push("(");
        self.list(args)?;
        self.push(")");
        Ok(())
    }

    fn expr(&mut self, expr: &Expr) -> SqlResult<()> {
        match expr {
            Expr::Literal(value) => self.push(&literal(value)),
            Expr::Column { table, name, .. } => {
                let text = (self.column)(table.as_deref(), name)?;
                self.push(&text);
            }
            Expr::Default(Some(name)) => {
                let text = (self.column)(None, name)?;
                let _ = write!(self.text, "default({text})");
            }
            Expr::Unary(op, operand) => self.unary(*op, operand)?,
            Expr::Binary(op, left, right) => self.infix([&**left, &**right], op.text())?,
            Expr::And(items) => self.infix(items, "and")?,
            Expr::Or(items) => self.infix(items, "or")?,
            Expr::Call(name, args) => self.call(known_as(name), args)?,
            Expr::Row(items) => self.call("", items)?,
            Expr::IsNull(..)
            | Expr::IsTruth(..)
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::Regexp { .. } => self.predicate(expr)?,
            Expr::Case { .. } => self.case(expr)?,
            _ => self.special(expr)?,
        }
        Ok(())
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr) -> SqlResult<()> {
        match op {
            UnaryOp::Plus => self.expr(operand),
            UnaryOp::Minus => self.call("-", [operand]),
            UnaryOp::BitNot => self.call("~", [operand]),
            UnaryOp::Not => {
                self.push("(");
                self.call("not", [operand])?;
                self.push(")");
                Ok(())
            }
        }
    }

    fn predicate(&mut self, expr: &Expr) -> SqlResult<()> {
        let not = |negated: &bool| if *negated { "not " } else { "" };
        match expr {
            Expr::IsNull(operand, negated) => {
                self.postfix(operand, &format!("is {}null", not(negated)))
            }
            Expr::IsTruth(operand, truth, negated) => {
                let truth = match truth {
                    TruthValue::True => "true",
                    TruthValue::False => "false",
                    TruthValue::Unknown => "null",
                };
                self.postfix(operand, &format!("is {}{truth}", not(negated)))
            }
            Expr::InList { expr, list, negated } => {
                self.push("(");
                self.expr(expr)?;
                self.call(&format!(" {}in ", not(negated)), list)?;
                self.push(")");
                Ok(())
            }
            Expr::Between { expr, low, high, negated } => {
                self.push("(");
                self.expr(expr)?;
                let _ = write!(self.text, " {}between ", not(negated));
                self.expr(low)?;
                self.push(" and ");
                self.expr(high)?;
                self.push(")");
                Ok(())
            }
            Expr::Like { expr, pattern, escape, negated } => self.negated(*negated, |writer| {
                writer.push("(");
                writer.expr(expr)?;
                writer.push(" like ");
                writer.expr(pattern)?;
                if let Some(escape) = escape {
                    writer.push(" escape ");
                    writer.expr(escape)?;
                }
                writer.push(")");
                Ok(())
            }),
            Expr::Regexp { expr, pattern, negated } => {
                self.negated(*negated, |writer| writer.call("regexp_like", [&**expr, &**pattern]))
            }
            _ => Err(SqlError::internal("not a predicate")),
        }
    }

    fn negated(
        &mut self,
        negated: bool,
        inner: impl FnOnce(&mut Self) -> SqlResult<()>,
    ) -> SqlResult<()> {
        if negated {
            self.push("(not(");
        }
        inner(self)?;
        if negated {
            self.push("))");
        }
        Ok(())
    }

    fn postfix(&mut self, operand: &Expr, words: &str) -> SqlResult<()> {
        self.push("(");
        self.expr(operand)?;
        let _ = write!(self.text, " {words})");
        Ok(())
    }

    fn case(&mut self, expr: &Expr) -> SqlResult<()> {
        let Expr::Case { operand, branches, otherwise } = expr else {
            return Err(SqlError::internal("no CASE"));
        };
        self.push("(case");
        if let Some(operand) = operand {
            self.push(" ");
            self.expr(operand)?;
        }
        for (when, then) in branches {
            self.push(" when ");
            self.expr(when)?;
            self.push(" then ");
            self.expr(then)?;
        }
        if let Some(otherwise) = otherwise {
            self.push(" else ");
            self.expr(otherwise)?;
        }
        self.push(" end)");
        Ok(())
    }

    /// What has a syntax of its own.
    fn special(&mut self, expr: &Expr) -> SqlResult<()> {
        match expr {
            Expr::Cast(operand, target) => {
                self.between("cast(", operand, &format!(" as {})", cast(target)))
            }
            Expr::ConvertUsing(operand, charset) => {
                self.between("convert(", operand, &format!(" using {charset})"))
            }
            Expr::Collate(operand, collation) => {
                self.between("(", operand, &format!(" collate {collation})"))
            }
            Expr::DateArithmetic { date, amount, unit, subtract } => {
                let sign = if *subtract { "-" } else { "+" };
                self.between("(", date, &format!(" {sign} interval "))?;
                self.between("", amount, &format!(" {})", unit.name().to_lowercase()))
            }
            Expr::Extract(unit, date) => {
                self.between(&format!("extract({} from ", unit.name().to_lowercase()), date, ")")
            }
            Expr::TimestampDiff(unit, from, to) => {
                self.between(&format!("timestampdiff({},", unit.name()), from, ",")?;
                self.between("", to, ")")
            }
            Expr::Trim { side, what, expr } => {
                self.push(match side {
                    TrimSide::Both if what.is_none() => "trim(",
                    TrimSide::Both => "trim(both ",
                    TrimSide::Leading => "trim(leading ",
                    TrimSide::Trailing => "trim(trailing ",
                });
                if let Some(what) = what {
                    self.expr(what)?;
                    self.push(" ");
                }
                self.push(if what.is_some() || *side != TrimSide::Both { "from " } else { "" });
                self.between("", expr, ")")
            }
            Expr::JsonValue(value) => {
                self.call("json_value", [&value.document, &value.path])?;
                self.text.pop();
                if let Some(target) = &value.returning {
                    let _ = write!(self.text, " returning {}", cast(target));
                }
                self.response(&value.on_empty, "empty")?;
                self.response(&value.on_error, "error")?;
                self.push(")");
                Ok(())
            }
            Expr::Match(search) => self.search(search),
            _ => Err(SqlError::unsupported("an expression that depends on more than its row")),
        }
    }

    fn search(&mut self, search: &MatchAgainst) -> SqlResult<()> {
        self.push("(match ");
        for (position, column) in search.columns.iter().enumerate() {
            self.between(if position > 0 { "," } else { "" }, column, "")?;
        }
        let mode = search.mode.words();
        self.between(" against (", &search.query, &format!("{mode}))"))
    }

    fn response(&mut self, response: &OnResponse, when: &str) -> SqlResult<()> {
        match response {
            OnResponse::Null => return Ok(()),
            OnResponse::Error => self.push(" error"),
            OnResponse::Default(value) => self.between(" default ", value, "")?,
        }
        let _ = write!(self.text, " on {when}");
        Ok(())
    }

    fn between(&mut self, before: &str, operand: &Expr, after: &str) -> SqlResult<()> {
        self.push(before);
        self.expr(operand)?;
        self.push(after);
        Ok(())
    }
}

/// The name that MySQL writes a function by.
fn known_as(name: &str) -> &str {
    match name {
        "current_date" => "curdate",
        "current_time" => "curtime",
        "current_timestamp" | "localtime" | "localtimestamp" => "now",
        "schema" => "database",
        "character_length" => "char_length",
        "lcase" => "lower",
        "ucase" => "upper",
        "substring" => "substr",
        other => other,
    }
}

fn cast(target: &CastType) -> String {
    let with = |name: &str, length: &Option<u32>| match length {
        Some(length) => format!("{name}({length})"),
        None => name.to_owned(),
    };
    match target {
        CastType::Signed => "signed".to_owned(),
        CastType::Unsigned => "unsigned".to_owned(),
        CastType::Char(length, charset) => {
            let charset = charset.as_deref().unwrap_or("utf8mb4");
            format!("{} charset {charset}", with("char", length))
        }
        CastType::Binary(length) => with("binary", length),
        CastType::Decimal(None, _) => "decimal".to_owned(),
        CastType::Decimal(precision, None) => with("decimal", precision),
        CastType::Decimal(Some(precision), Some(scale)) => format!("decimal({precision},{scale})"),
        CastType::Double => "double".to_owned(),
        CastType::Float => "float".to_owned(),
        CastType::Date => "date".to_owned(),
        CastType::DateTime(digits) => with("datetime", digits),
        CastType::Time(digits) => with("time", digits),
        CastType::Year => "year".to_owned(),
        CastType::Json => "json".to_owned(),
    }
}

fn literal(literal: &Literal) -> String {
    let hex = |bytes: &[u8]| {
        let mut text = "0x".to_owned();
        bytes.iter().for_each(|byte| {
            let _ = write!(text, "{byte:02X}");
        });
        text
    };
    match literal {
        Literal::Null => "NULL".to_owned(),
        Literal::Bool(true) => "true".to_owned(),
        Literal::Bool(false) => "false".to_owned(),
        Literal::Integer(number) => number.to_string(),
        Literal::Decimal(digits) => digits.clone(),
        Literal::Float(number) => format!("{number:e}"),
        Literal::String(bytes, introducer) => {
            let set = introducer.as_ref().map_or("utf8mb4", |introducer| &introducer.charset);
            match std::str::from_utf8(bytes) {
                Ok(text) if introducer.as_ref().is_none_or(|introducer| introducer.quoted) => {
                    format!("_{set}{}", quoted(text))
                }
                _ if introducer.is_some() => format!("_{set} {}", hex(bytes)),
                _ => hex(bytes),
            }
        }
        Literal::Hex(bytes) | Literal::Bit(bytes) if bytes.is_empty() => "_binary''".to_owned(),
        Literal::Hex(bytes) | Literal::Bit(bytes) => hex(bytes),
        Literal::Date(text) => format!("DATE{}", quoted(text)),
        Literal::Time(text) => format!("TIME{}", quoted(text)),
        Literal::Timestamp(text) => format!("TIMESTAMP{}", quoted(text)),
    }
}

/// A string in quotes, as a parser with escapes reads it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\0' => quoted.push_str("\\0"),
            '\u{1a}' => quoted.push_str("\\Z"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// A column by its name alone, as it was written.
pub fn as_written(table: Option<&str>, name: &str) -> SqlResult<String> {
    Ok(match table {
        Some(table) => format!("{}.{}", quote_name(table), quote_name(name)),
        None => quote_name(name),
    })
}
