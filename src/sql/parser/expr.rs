//! Expressions, by precedence climbing.

use super::ast::{BinaryOp, Expr, IntervalUnit, Literal, TruthValue, UnaryOp, VariableScope};
use super::cursor::Parser;
use super::cursor::TokenKind;
use crate::common::{SqlError, SqlResult};

/// How tightly operators bind, loosest first.
mod level {
    pub(super) const OR: u8 = 1;
    pub(super) const XOR: u8 = 2;
    pub(super) const AND: u8 = 3;
    pub(super) const NOT: u8 = 4;
    pub(super) const COMPARISON: u8 = 5;
    pub(super) const PREDICATE: u8 = 6;
    pub(super) const BIT_OR: u8 = 7;
    pub(super) const BIT_AND: u8 = 8;
    pub(super) const SHIFT: u8 = 9;
    pub(super) const ADDITION: u8 = 10;
    pub(super) const MULTIPLICATION: u8 = 11;
    pub(super) const BIT_XOR: u8 = 12;
    pub(super) const UNARY: u8 = 13;
    pub(super) const COLLATE: u8 = 14;
}

/// How many operators of one level may stand in a row: the tree is as deep as that.
const CHAIN_LIMIT: usize = 400;

impl Parser<'_> {
    /// An expression.
    pub(super) fn expr(&mut self) -> SqlResult<Expr> {
        self.nested(|parser| parser.binary(level::OR))
    }

    /// An expression without AND, OR, NOT and comparisons at its top.
    fn bit_expr(&mut self) -> SqlResult<Expr> {
        self.nested(|parser| parser.binary(level::BIT_OR))
    }

    /// An operand of a prefix keyword: unary operators and what binds tighter.
    pub(super) fn tight_operand(&mut self) -> SqlResult<Expr> {
        self.binary(level::UNARY)
    }

    /// The left side of POSITION(a IN b), where IN is not the operator.
    pub(super) fn operand_before_in(&mut self) -> SqlResult<Expr> {
        self.binary(level::BIT_OR)
    }

    /// Operators that bind at least as tightly as `min`.
    fn binary(&mut self, min: u8) -> SqlResult<Expr> {
        let mut left = self.prefix(min)?;
        for _ in 0..CHAIN_LIMIT {
            let Some((level, operator)) = self.infix() else {
                return Ok(left);
            };
            if level < min {
                return Ok(left);
            }
            left = self.apply(left, level, operator)?;
        }
        Err(SqlError::unsupported(format!("more than {CHAIN_LIMIT} operators in a row")))
    }

    fn prefix(&mut self, min: u8) -> SqlResult<Expr> {
        if min <= level::NOT && self.word("NOT") {
            let operand = self.nested(|parser| parser.binary(level::NOT))?;
            return Ok(Expr::Unary(UnaryOp::Not, Box::new(operand)));
        }
        let operator = match self.peek().kind {
            TokenKind::Op("-") => UnaryOp::Minus,
            TokenKind::Op("+") => UnaryOp::Plus,
            TokenKind::Op("~") => UnaryOp::BitNot,
            TokenKind::Op("!") => UnaryOp::Not,
            _ => return self.primary(),
        };
        self.advance();
        let operand = self.nested(|parser| parser.binary(level::UNARY))?;
        Ok(Expr::Unary(operator, Box::new(operand)))
    }

    /// The operator that comes next, and its level.
    fn infix(&self) -> Option<(u8, Infix)> {
        use BinaryOp::*;
        let token = self.peek();
        let binary = |level, op| Some((level, Infix::Binary(op)));
        match token.kind {
            TokenKind::Op(op) => match op {
                "=" => binary(level::COMPARISON, Eq),
                "<=>" => binary(level::COMPARISON, NullSafeEq),
                "<>" | "!=" => binary(level::COMPARISON, Ne),
                "<" => binary(level::COMPARISON, Lt),
                "<=" => binary(level::COMPARISON, Le),
                ">" => binary(level::COMPARISON, Gt),
                ">=" => binary(level::COMPARISON, Ge),
                "|" => binary(level::BIT_OR, BitOr),
                "&" => binary(level::BIT_AND, BitAnd),
                "<<" => binary(level::SHIFT, ShiftLeft),
                ">>" => binary(level::SHIFT, ShiftRight),
                "+" => binary(level::ADDITION, Add),
                "-" => binary(level::ADDITION, Sub),
                "*" => binary(level::MULTIPLICATION, Mul),
                "/" => binary(level::MULTIPLICATION, Div),
                "%" => binary(level::MULTIPLICATION, Mod),
                "^" => binary(level::BIT_XOR, BitXor),
                "&&" => Some((level::AND, Infix::And)),
                "||" if self.dialect.concat => {
                    Some((level::BIT_XOR, Infix::Concat))
                }
                "||" => Some((level::OR, Infix::Or)),
                "->" | "->>" => Some((level::COLLATE, Infix::Json)),
                _ => None,
            },
            TokenKind::Word => self.infix_word(),
            _ => None,
        }
    }

    fn infix_word(&self) -> Option<(u8, Infix)> {
        const WORDS: &[(&str, u8, Infix)] = &[
            ("AND", level::AND, Infix::And),
            ("OR", level::OR, Infix::Or),
            ("XOR", level::XOR, Infix::Binary(BinaryOp::Xor)),
            ("DIV", level::MULTIPLICATION, Infix::Binary(BinaryOp::IntDiv)),
            ("MOD", level::MULTIPLICATION, Infix::Binary(BinaryOp::Mod)),
            ("COLLATE", level::COLLATE, Infix::Collate),
            ("IS", level::COMPARISON, Infix::Is),
            ("IN", level::PREDICATE, Infix::Predicate),
            ("BETWEEN", level::PREDICATE, Infix::Predicate),
            ("LIKE", level::PREDICATE, Infix::Predicate),
            ("REGEXP", level::PREDICATE, Infix::Predicate),
            ("RLIKE", level::PREDICATE, Infix::Predicate),
            ("SOUNDS", level::PREDICATE, Infix::Predicate),
            ("MEMBER", level::PREDICATE, Infix::Predicate),
        ];
        if self.at("NOT") {
            let negatable = ["IN", "BETWEEN", "LIKE", "REGEXP", "RLIKE"];
            let follows = negatable.iter().any(|word| self.at_nth(1, word));
            return follows.then_some((level::PREDICATE, Infix::Predicate));
        }
        let found = WORDS.iter().find(|(word, _, _)| self.at(word));
        found.map(|(_, level, infix)| (*level, *infix))
    }

    fn apply(&mut self, left: Expr, level: u8, operator: Infix) -> SqlResult<Expr> {
        if operator == Infix::Predicate {
            return self.predicate(left);
        }
        self.advance();
        Ok(match operator {
            Infix::Binary(BinaryOp::Add | BinaryOp::Sub) if self.at("INTERVAL") => {
                let subtract = operator == Infix::Binary(BinaryOp::Sub);
                let (amount, unit) = self.interval()?;
                let (date, amount) = (Box::new(left), Box::new(amount));
                Expr::DateArithmetic { date, amount, unit, subtract }
            }
            Infix::Binary(op) => {
                if matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt)
                    || matches!(op, BinaryOp::Le | BinaryOp::Ge)
                {
                    for word in ["ANY", "SOME", "ALL"] {
                        if self.at(word) && self.nth_is_op(1, "(") {
                            return Err(SqlError::unsupported(format!(
                                "comparison with {word} (subquery)"
                            )));
                        }
                    }
                }
                let right = self.nested(|parser| parser.binary(level + 1))?;
                Expr::Binary(op, Box::new(left), Box::new(right))
            }
            Infix::And => self.operands(left, level, "AND", "&&").map(Expr::And)?,
            Infix::Or => self.operands(left, level, "OR", "||").map(Expr::Or)?,
            Infix::Concat => {
                let right = self.nested(|parser| parser.binary(level + 1))?;
                Expr::Call("concat".to_owned(), vec![left, right])
            }
            Infix::Collate => Expr::Collate(Box::new(left), self.word_or_string()?),
            Infix::Is => self.is_what(left)?,
            Infix::Json => return Err(SqlError::unsupported("JSON path operators")),
            Infix::Predicate => unreachable!("handled above"),
        })
    }

    /// The operands of a chain of ANDs or ORs, flat however long it is.
    fn operands(&mut self, left: Expr, level: u8, word: &str, op: &str) -> SqlResult<Vec<Expr>> {
        let mut operands = vec![left];
        loop {
            operands.push(self.nested(|parser| parser.binary(level + 1))?);
            let concat = op == "||" && self.dialect.concat;
            if !self.word(word) && (concat || !self.op(op)) {
                return Ok(operands);
            }
        }
    }

    fn is_what(&mut self, left: Expr) -> SqlResult<Expr> {
        let negated = self.word("NOT");
        let left = Box::new(left);
        if self.word("NULL") {
            return Ok(Expr::IsNull(left, negated));
        }
        let truths = [
            ("TRUE", TruthValue::True),
            ("FALSE", TruthValue::False),
            ("UNKNOWN", TruthValue::Unknown),
        ];
        for (word, truth) in truths {
            if self.word(word) {
                return Ok(Expr::IsTruth(left, truth, negated));
            }
        }
        Err(self.syntax_error())
    }

    fn predicate(&mut self, left: Expr) -> SqlResult<Expr> {
        let negated = self.word("NOT");
        let expr = Box::new(left);
        if self.word("IN") {
            self.expect_op("(")?;
            if self.at_query() {
                let query = Box::new(self.query()?);
                self.expect_op(")")?;
                return Ok(Expr::InQuery { expr, query, negated });
            }
            let list = self.list(Parser::expr)?;
            self.expect_op(")")?;
            return Ok(Expr::InList { expr, list, negated });
        }
        if self.word("BETWEEN") {
            let low = Box::new(self.bit_expr()?);
            self.expect_word("AND")?;
            let high = Box::new(self.nested(|parser| parser.binary(level::PREDICATE))?);
            return Ok(Expr::Between { expr, low, high, negated });
        }
        if self.word("LIKE") {
            let pattern = Box::new(self.bit_expr()?);
            let escape = if self.word("ESCAPE") { Some(Box::new(self.bit_expr()?)) } else { None };
            return Ok(Expr::Like { expr, pattern, escape, negated });
        }
        if self.word("REGEXP") || self.word("RLIKE") {
            let pattern = Box::new(self.bit_expr()?);
            return Ok(Expr::Regexp { expr, pattern, negated });
        }
        if self.at("SOUNDS") {
            return Err(SqlError::unsupported("SOUNDS LIKE"));
        }
        Err(SqlError::unsupported("MEMBER OF"))
    }

    /// INTERVAL n unit.
    pub(super) fn interval(&mut self) -> SqlResult<(Expr, IntervalUnit)> {
        self.expect_word("INTERVAL")?;
        let amount = self.expr()?;
        Ok((amount, self.interval_unit()?))
    }

    pub(super) fn interval_unit(&mut self) -> SqlResult<IntervalUnit> {
        let token = self.peek();
        let unit = std::str::from_utf8(self.text(token)).ok().and_then(IntervalUnit::by_name);
        let Some(unit) = unit else {
            return Err(self.syntax_error());
        };
        self.advance();
        Ok(unit)
    }

    fn primary(&mut self) -> SqlResult<Expr> {
        let token = self.peek();
        match token.kind {
            TokenKind::Parameter => Ok(self.parameter()),
            TokenKind::UserVariable => {
                let name = self.user_variable()?;
                if self.op(":=") {
                    return Ok(Expr::AssignUserVariable(name, Box::new(self.expr()?)));
                }
                Ok(Expr::UserVariable(name))
            }
            TokenKind::Op("(") => self.parentheses(),
            TokenKind::SystemVariable => self.system_variable(),
            TokenKind::Op("{") => self.odbc_literal(),
            TokenKind::Word => self.word_expr(),
            TokenKind::QuotedName => self.column(),
            _ => self.literal().map(Expr::Literal),
        }
    }

    fn parentheses(&mut self) -> SqlResult<Expr> {
        self.expect_op("(")?;
        if self.at_query() {
            let query = Box::new(self.query()?);
            self.expect_op(")")?;
            return Ok(Expr::Subquery(query));
        }
        let mut items = self.list(Parser::expr)?;
        self.expect_op(")")?;
        if items.len() > 1 {
            return Ok(Expr::Row(items));
        }
        items.pop().ok_or_else(|| self.syntax_error())
    }

    /// {d '…'}, {t '…'}, {ts '…'}.
    fn odbc_literal(&mut self) -> SqlResult<Expr> {
        self.expect_op("{")?;
        let kind = self.lower_word()?;
        let text = self.string()?;
        self.expect_op("}")?;
        Ok(Expr::Literal(match kind.as_str() {
            "d" => Literal::Date(text),
            "t" => Literal::Time(text),
            "ts" => Literal::Timestamp(text),
            _ => return Err(SqlError::unsupported(format!("{{{kind} …}}"))),
        }))
    }

    /// @@name, @@scope.name.
    pub(super) fn system_variable(&mut self) -> SqlResult<Expr> {
        let token = self.peek();
        let text = String::from_utf8_lossy(self.text(token)).replace('`', "").to_lowercase();
        let name = text.trim_start_matches('@').to_owned();
        if token.kind != TokenKind::SystemVariable || name.is_empty() {
            return Err(self.syntax_error());
        }
        self.advance();
        let (scope, name) = match name.split_once('.') {
            Some(("global", name)) => (Some(VariableScope::Global), name.to_owned()),
            Some(("session" | "local", name)) => (Some(VariableScope::Session), name.to_owned()),
            _ => (None, name),
        };
        Ok(Expr::SystemVariable(scope, name))
    }

    /// name, table.name, database.table.name.
    pub(super) fn column(&mut self) -> SqlResult<Expr> {
        let first = self.name()?;
        if !self.op(".") {
            return Ok(Expr::Column { database: None, table: None, name: first });
        }
        let second = self.any_word()?;
        if !self.op(".") {
            return Ok(Expr::Column { database: None, table: Some(first), name: second });
        }
        let name = self.any_word()?;
        Ok(Expr::Column { database: Some(first), table: Some(second), name })
    }

    /// A literal.
    pub(super) fn literal(&mut self) -> SqlResult<Literal> {
        let token = self.peek();
        let text = self.text(token);
        let digits = || String::from_utf8_lossy(text).into_owned();
        let literal = match token.kind {
            TokenKind::String => return Ok(Literal::String(self.string_bytes()?, None)),
            TokenKind::NationalString => {
                return Ok(Literal::String(self.string_bytes()?, Some("utf8mb4".to_owned())));
            }
            TokenKind::Integer => {
                let digits = digits();
                digits.parse().map_or(Literal::Decimal(digits), Literal::Integer)
            }
            TokenKind::Decimal => Literal::Decimal(digits()),
            TokenKind::Float => Literal::Float(digits().parse().map_err(|_| self.syntax_error())?),
            TokenKind::Hex => Literal::Hex(hex_bytes(text).ok_or_else(|| self.syntax_error())?),
            TokenKind::Bit => Literal::Bit(bit_bytes(text).ok_or_else(|| self.syntax_error())?),
            _ => return Err(self.syntax_error()),
        };
        self.advance();
        Ok(literal)
    }
}

/// An operator after an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Infix {
    Binary(BinaryOp),
    And,
    Or,
    Concat,
    Collate,
    Is,
    Predicate,
    Json,
}

/// The digits of X'…', 0x…, b'…' or 0b….
fn radix_digits(text: &[u8]) -> &[u8] {
    match text {
        [_, b'\'', digits @ .., b'\''] => digits,
        [b'0', _, digits @ ..] => digits,
        _ => text,
    }
}

fn hex_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let digits = radix_digits(text);
    // X'abc' has half a byte too few; 0xabc is 0x0abc.
    if digits.len() % 2 == 1 && text[1] == b'\'' {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(2));
    let mut rest = digits;
    if digits.len() % 2 == 1 {
        bytes.push(value(digits[0])?);
        rest = &digits[1..];
    }
    for pair in rest.chunks_exact(2) {
        bytes.push((value(pair[0])? << 4) | value(pair[1])?);
    }
    Some(bytes)
}

fn bit_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let digits = radix_digits(text);
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(8));
    for chunk in digits.rchunks(8) {
        let byte = chunk.iter().try_fold(0_u8, |byte, digit| match digit {
            b'0' => Some(byte << 1),
            b'1' => Some((byte << 1) | 1),
            _ => None,
        })?;
        bytes.push(byte);
    }
    bytes.reverse();
    Some(bytes)
}
