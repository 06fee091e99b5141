//! Expressions that begin with a word: columns, functions, and the calls with a syntax of their own.

use super::ast::{CastType, Expr, Literal, TrimSide};
use super::cursor::Parser;
use super::cursor::TokenKind;
use crate::common::{SqlError, SqlResult};

/// The functions that take rows to one value.
const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "group_concat",
    "bit_and",
    "bit_or",
    "bit_xor",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "var_pop",
    "var_samp",
    "variance",
    "any_value",
];

/// Aggregates and window functions of MySQL that are not implemented.
const UNSUPPORTED: &[&str] = &[
    "json_arrayagg",
    "json_objectagg",
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "grouping",
    "approx_count_distinct",
];

/// Functions that are called without parentheses, too.
const BARE_FUNCTIONS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "utc_date",
    "utc_time",
    "utc_timestamp",
];

/// Reserved words that are names of functions when a parenthesis follows.
const RESERVED_FUNCTIONS: &[&str] = &[
    "char", "database", "if", "insert", "interval", "left", "mod", "repeat", "replace", "right",
    "schema", "values",
];

impl Parser<'_> {
    /// An expression that begins with a word.
    pub(super) fn word_expr(&mut self) -> SqlResult<Expr> {
        if let Some(expr) = self.special_word()? {
            return Ok(expr);
        }
        let token = self.peek();
        let text = self.text(token);
        let is =
            |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name.as_bytes()));
        if self.nth_is_op(1, "(")
            && (self.at_name() || is(RESERVED_FUNCTIONS) || is(BARE_FUNCTIONS))
        {
            return self.call();
        }
        if is(BARE_FUNCTIONS) {
            return Ok(Expr::Call(self.lower_word()?, Vec::new()));
        }
        if text.starts_with(b"_") && self.peek_nth(1).kind != TokenKind::Op(".") {
            let literal = matches!(
                self.peek_nth(1).kind,
                TokenKind::String | TokenKind::Hex | TokenKind::Bit
            );
            if literal {
                return self.introduced_literal();
            }
        }
        self.column()
    }

    /// Words with a grammar of their own; `None` if it is none of them.
    fn special_word(&mut self) -> SqlResult<Option<Expr>> {
        let token = self.peek();
        let next_is_call = self.nth_is_op(1, "(");
        let next_is_string = self.peek_nth(1).kind == TokenKind::String;
        let word = self.text(token).to_ascii_lowercase();
        Ok(Some(match word.as_slice() {
            b"null" => self.bare_literal(Literal::Null),
            b"true" => self.bare_literal(Literal::Bool(true)),
            b"false" => self.bare_literal(Literal::Bool(false)),
            b"case" => self.case()?,
            b"exists" => {
                self.advance();
                self.expect_op("(")?;
                let query = Box::new(self.query()?);
                self.expect_op(")")?;
                Expr::Exists(query)
            }
            b"default" => {
                self.advance();
                if !self.op("(") {
                    return Ok(Some(Expr::Default(None)));
                }
                let column = self.name()?;
                self.expect_op(")")?;
                Expr::Default(Some(column))
            }
            b"binary" => {
                self.advance();
                let operand = self.nested(Parser::tight_operand)?;
                Expr::Cast(Box::new(operand), CastType::Binary(None))
            }
            b"interval" if !next_is_call => {
                let (amount, unit) = self.interval()?;
                self.expect_op("+")?;
                let date = Box::new(self.nested(Parser::tight_operand)?);
                Expr::DateArithmetic { date, amount: Box::new(amount), unit, subtract: false }
            }
            b"row" if next_is_call => {
                self.advance();
                Expr::Row(self.parenthesised(Parser::expr)?)
            }
            b"date" | b"time" | b"timestamp" if next_is_string => {
                self.advance();
                let text = self.string()?;
                Expr::Literal(match word.as_slice() {
                    b"date" => Literal::Date(text),
                    b"time" => Literal::Time(text),
                    _ => Literal::Timestamp(text),
                })
            }
            b"cast" | b"convert" | b"extract" | b"trim" | b"position" | b"substring"
            | b"substr" | b"mid" | b"timestampdiff" | b"timestampadd" | b"date_add"
            | b"date_sub" | b"adddate" | b"subdate" | b"get_format" | b"match" | b"values"
                if next_is_call =>
            {
                return self.special_call(&word).map(Some);
            }
            _ => return Ok(None),
        }))
    }

    fn bare_literal(&mut self, literal: Literal) -> Expr {
        self.advance();
        Expr::Literal(literal)
    }

    fn case(&mut self) -> SqlResult<Expr> {
        self.expect_word("CASE")?;
        let operand = if self.at("WHEN") { None } else { Some(Box::new(self.expr()?)) };
        let mut branches = Vec::new();
        while self.word("WHEN") {
            let when = self.expr()?;
            self.expect_word("THEN")?;
            branches.push((when, self.expr()?));
        }
        if branches.is_empty() {
            return Err(self.syntax_error());
        }
        let otherwise = if self.word("ELSE") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_word("END")?;
        Ok(Expr::Case { operand, branches, otherwise })
    }

    /// _utf8mb4'…', _binary X'…'.
    fn introduced_literal(&mut self) -> SqlResult<Expr> {
        let introducer = self.lower_word()?;
        let charset = introducer.trim_start_matches('_').to_owned();
        Ok(Expr::Literal(match self.literal()? {
            Literal::String(bytes, _) | Literal::Hex(bytes) | Literal::Bit(bytes) => {
                Literal::String(bytes, Some(charset))
            }
            other => other,
        }))
    }

    /// name(…).
    fn call(&mut self) -> SqlResult<Expr> {
        let name = self.lower_word()?;
        let expr = if AGGREGATES.contains(&name.as_str()) {
            self.aggregate(name)?
        } else if UNSUPPORTED.contains(&name.as_str()) || name.starts_with("json_") {
            return Err(SqlError::unsupported(format!("{}()", name.to_uppercase())));
        } else {
            self.expect_op("(")?;
            let args = if self.at_op(")") { Vec::new() } else { self.list(Parser::expr)? };
            if name == "char" && self.word("USING") {
                self.word_or_string()?;
                return Err(SqlError::unsupported("CHAR(… USING …)"));
            }
            self.expect_op(")")?;
            Expr::Call(name, args)
        };
        if self.at("OVER") {
            return Err(SqlError::unsupported("window functions"));
        }
        Ok(expr)
    }

    fn aggregate(&mut self, name: String) -> SqlResult<Expr> {
        self.expect_op("(")?;
        let mut aggregate = (false, Vec::new(), Vec::new(), None);
        if name == "count" && self.op("*") {
            self.expect_op(")")?;
        } else {
            aggregate.0 = self.word("DISTINCT");
            if !aggregate.0 {
                self.word("ALL");
            }
            aggregate.1 = self.list(Parser::expr)?;
            if name == "group_concat" {
                if self.words(&["ORDER", "BY"]) {
                    aggregate.2 = self.list(Parser::order_item)?;
                }
                if self.word("SEPARATOR") {
                    aggregate.3 = Some(self.string()?);
                }
            }
            self.expect_op(")")?;
        }
        let (distinct, args, order_by, separator) = aggregate;
        Ok(Expr::Aggregate { name, distinct, args, order_by, separator })
    }

    /// Functions whose arguments are not a plain list.
    fn special_call(&mut self, word: &[u8]) -> SqlResult<Expr> {
        self.advance();
        self.expect_op("(")?;
        let expr = match word {
            b"cast" => {
                let operand = Box::new(self.expr()?);
                self.expect_word("AS")?;
                Expr::Cast(operand, self.cast_type()?)
            }
            b"convert" => {
                let operand = Box::new(self.expr()?);
                if self.word("USING") {
                    Expr::ConvertUsing(operand, self.word_or_string()?)
                } else {
                    self.expect_op(",")?;
                    Expr::Cast(operand, self.cast_type()?)
                }
            }
            b"extract" => {
                let unit = self.interval_unit()?;
                self.expect_word("FROM")?;
                Expr::Extract(unit, Box::new(self.expr()?))
            }
            b"trim" => self.trim()?,
            b"position" => {
                let needle = self.nested(Parser::operand_before_in)?;
                self.expect_word("IN")?;
                Expr::Call("locate".to_owned(), vec![needle, self.expr()?])
            }
            b"substring" | b"substr" | b"mid" => self.substring()?,
            b"values" => Expr::InsertedValue(self.name()?),
            b"match" => return Err(SqlError::unsupported("MATCH … AGAINST")),
            b"get_format" => return Err(SqlError::unsupported("GET_FORMAT()")),
            _ => self.date_call(word)?,
        };
        self.expect_op(")")?;
        Ok(expr)
    }

    fn trim(&mut self) -> SqlResult<Expr> {
        let (side, written) = if self.word("LEADING") {
            (TrimSide::Leading, true)
        } else if self.word("TRAILING") {
            (TrimSide::Trailing, true)
        } else {
            (TrimSide::Both, self.word("BOTH"))
        };
        if written && self.word("FROM") {
            return Ok(Expr::Trim { side, what: None, expr: Box::new(self.expr()?) });
        }
        let first = Box::new(self.expr()?);
        if self.word("FROM") {
            return Ok(Expr::Trim { side, what: Some(first), expr: Box::new(self.expr()?) });
        }
        if written {
            return Err(self.syntax_error());
        }
        Ok(Expr::Trim { side, what: None, expr: first })
    }

    fn substring(&mut self) -> SqlResult<Expr> {
        let mut args = vec![self.expr()?];
        if self.word("FROM") {
            args.push(self.expr()?);
            if self.word("FOR") {
                args.push(self.expr()?);
            }
        } else {
            while self.op(",") {
                args.push(self.expr()?);
            }
        }
        Ok(Expr::Call("substring".to_owned(), args))
    }

    fn date_call(&mut self, word: &[u8]) -> SqlResult<Expr> {
        if word == b"timestampdiff" || word == b"timestampadd" {
            let unit = self.interval_unit()?;
            self.expect_op(",")?;
            let first = Box::new(self.expr()?);
            self.expect_op(",")?;
            let second = Box::new(self.expr()?);
            return Ok(if word == b"timestampdiff" {
                Expr::TimestampDiff(unit, first, second)
            } else {
                Expr::DateArithmetic { date: second, amount: first, unit, subtract: false }
            });
        }
        let date = Box::new(self.expr()?);
        self.expect_op(",")?;
        let subtract = word == b"date_sub" || word == b"subdate";
        let (amount, unit) = if self.at("INTERVAL") {
            self.interval()?
        } else if word == b"adddate" || word == b"subdate" {
            (self.expr()?, super::ast::IntervalUnit::Day)
        } else {
            return Err(self.syntax_error());
        };
        Ok(Expr::DateArithmetic { date, amount: Box::new(amount), unit, subtract })
    }

    fn cast_type(&mut self) -> SqlResult<CastType> {
        let error = self.peek();
        let word = self.lower_word()?;
        let target = match word.as_str() {
            "signed" | "unsigned" => {
                if !self.word("INTEGER") {
                    self.word("INT");
                }
                if word == "signed" { CastType::Signed } else { CastType::Unsigned }
            }
            "char" | "character" | "nchar" => {
                let length = self.optional_length()?;
                let charset = if self.words(&["CHARACTER", "SET"]) || self.word("CHARSET") {
                    Some(self.word_or_string()?.to_lowercase())
                } else {
                    None
                };
                CastType::Char(length, charset)
            }
            "binary" => CastType::Binary(self.optional_length()?),
            "decimal" | "dec" => {
                let (mut length, mut decimals) = (None, None);
                if self.op("(") {
                    length = Some(self.small_integer()?);
                    if self.op(",") {
                        decimals = Some(self.small_integer()?);
                    }
                    self.expect_op(")")?;
                }
                CastType::Decimal(length, decimals)
            }
            "double" | "real" => {
                self.word("PRECISION");
                CastType::Double
            }
            "float" => match self.optional_length()? {
                Some(precision) if precision > 24 => CastType::Double,
                _ => CastType::Float,
            },
            "date" => CastType::Date,
            "datetime" => CastType::DateTime(self.optional_length()?),
            "time" => CastType::Time(self.optional_length()?),
            "year" => CastType::Year,
            "json" => return Err(SqlError::unsupported("CAST(… AS JSON)")),
            _ => return Err(self.syntax_error_at(error)),
        };
        if self.at("ARRAY") {
            return Err(SqlError::unsupported("CAST(… AS … ARRAY)"));
        }
        Ok(target)
    }
}
