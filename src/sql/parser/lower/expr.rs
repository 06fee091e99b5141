//! Expressions.

use sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, Expr as SqlExpr, ExtractSyntax, Ident, Interval,
    Spanned, TrimWhereField, TypedString, UnaryOperator, ValueWithSpan,
};

use super::super::ast::{
    BinaryOp, Expr, IntervalUnit, Introducer, Literal, TrimSide, TruthValue, UnaryOp, VariableScope,
};
use super::super::cursor::Parser;
use super::super::infix::SOUNDS_LIKE;
use super::super::prefix::{BARE_FUNCTIONS, plain};
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    pub(super) fn boxed(&self, expr: SqlExpr) -> SqlResult<Box<Expr>> {
        self.lower_expr(expr).map(Box::new)
    }

    pub(super) fn lower_exprs(&self, exprs: Vec<SqlExpr>) -> SqlResult<Vec<Expr>> {
        exprs.into_iter().map(|expr| self.lower_expr(expr)).collect()
    }

    /// An expression.
    pub(in crate::sql::parser) fn lower_expr(&self, expr: SqlExpr) -> SqlResult<Expr> {
        self.dialect.check()?;
        match expr {
            SqlExpr::Identifier(ident) => self.lower_identifier(&ident),
            SqlExpr::CompoundIdentifier(parts) => self.lower_column(&parts),
            SqlExpr::Value(value) => self.lower_value(&value),
            SqlExpr::Nested(inner) => self.lower_expr(*inner),
            SqlExpr::BinaryOp { left, op, right } => self.lower_binary(*left, op, *right),
            SqlExpr::UnaryOp { op, expr } => self.lower_unary(op, *expr),
            SqlExpr::Function(function) => self.lower_function(function),
            SqlExpr::Tuple(items) => self.lower_exprs(items).map(Expr::Row),
            SqlExpr::Subquery(query) => Ok(Expr::Subquery(Box::new(self.lower_query(*query)?))),
            SqlExpr::Exists { subquery, negated } => {
                let exists = Expr::Exists(Box::new(self.lower_query(*subquery)?));
                Ok(if negated { Expr::Unary(UnaryOp::Not, Box::new(exists)) } else { exists })
            }
            SqlExpr::IsNull(_)
            | SqlExpr::IsNotNull(_)
            | SqlExpr::IsTrue(_)
            | SqlExpr::IsNotTrue(_)
            | SqlExpr::IsFalse(_)
            | SqlExpr::IsNotFalse(_)
            | SqlExpr::IsUnknown(_)
            | SqlExpr::IsNotUnknown(_) => self.lower_is(expr),
            SqlExpr::InList { .. }
            | SqlExpr::InSubquery { .. }
            | SqlExpr::AnyOp { .. }
            | SqlExpr::AllOp { .. }
            | SqlExpr::Between { .. }
            | SqlExpr::Like { .. }
            | SqlExpr::RLike { .. } => self.lower_predicate(expr),
            other => self.lower_special(other),
        }
    }

    /// Expressions with a syntax of their own.
    fn lower_special(&self, expr: SqlExpr) -> SqlResult<Expr> {
        match expr {
            SqlExpr::Case { operand, conditions, else_result, case_token: _, end_token: _ } => {
                let operand = operand.map(|operand| self.boxed(*operand)).transpose()?;
                let mut branches = Vec::with_capacity(conditions.len());
                for when in conditions {
                    branches
                        .push((self.lower_expr(when.condition)?, self.lower_expr(when.result)?));
                }
                let otherwise = else_result.map(|expr| self.boxed(*expr)).transpose()?;
                Ok(Expr::Case { operand, branches, otherwise })
            }
            SqlExpr::Collate { expr, collation } => {
                Ok(Expr::Collate(self.boxed(*expr)?, self.lower_one_name(&collation)?))
            }
            SqlExpr::Convert { .. } | SqlExpr::Cast { .. } => self.lower_cast(expr),
            SqlExpr::Extract { field, syntax, expr } => {
                let unit = IntervalUnit::by_name(&field.to_string());
                match (unit, syntax) {
                    (Some(unit), ExtractSyntax::From) => {
                        Ok(Expr::Extract(unit, self.boxed(*expr)?))
                    }
                    _ => Err(self.error_at(expr.span().start)),
                }
            }
            SqlExpr::Position { expr, r#in } => {
                let args = vec![self.lower_expr(*expr)?, self.lower_expr(*r#in)?];
                Ok(Expr::Call("locate".to_owned(), args))
            }
            SqlExpr::Substring {
                expr,
                substring_from,
                substring_for,
                special: _,
                shorthand: _,
            } => {
                let args = [Some(expr), substring_from, substring_for].into_iter().flatten();
                let args: SqlResult<Vec<Expr>> = args.map(|arg| self.lower_expr(*arg)).collect();
                Ok(Expr::Call("substring".to_owned(), args?))
            }
            SqlExpr::Trim { .. } => self.lower_trim(expr),
            SqlExpr::Prefixed { prefix, value } => self.lower_introduced(&prefix, *value),
            SqlExpr::TypedString(typed) => self.lower_typed(&typed),
            // Anywhere but in date arithmetic.
            SqlExpr::Interval(interval) => Err(self.error_after_interval(&interval)),
            SqlExpr::MatchAgainst { .. } => Err(SqlError::unsupported("MATCH … AGAINST")),
            SqlExpr::MemberOf(member) => {
                let args = vec![self.lower_expr(*member.value)?, self.lower_expr(*member.array)?];
                Ok(Expr::Call("member of".to_owned(), args))
            }
            SqlExpr::Wildcard(token) => Err(self.error_at(token.0.span.start)),
            other => Err(SqlError::unsupported(other)),
        }
    }

    pub(super) fn lower_value(&self, value: &ValueWithSpan) -> SqlResult<Expr> {
        Ok(match self.lower_literal(value)? {
            Some(literal) => Expr::Literal(literal),
            None => {
                let start = super::byte_at(value.span.start).unwrap_or(self.sql.len());
                Expr::Parameter(self.placeholders.partition_point(|at| *at < start))
            }
        })
    }

    /// A name alone: a column, a variable, DEFAULT, a function called without parentheses.
    fn lower_identifier(&self, ident: &Ident) -> SqlResult<Expr> {
        let Some(word) = plain(ident) else {
            let name = self.lower_name(ident)?;
            return Ok(self.named(name));
        };
        if word.starts_with("@@") {
            let name = ident.value.trim_start_matches('@').replace('`', "").to_lowercase();
            if name.is_empty() {
                return Err(self.error_at(ident.span.start));
            }
            let (scope, name) = system_variable(name);
            return Ok(Expr::SystemVariable(scope, name));
        }
        if word.starts_with('@') {
            return self.variable_name(ident).map(Expr::UserVariable);
        }
        if word == "DEFAULT" {
            return Ok(Expr::Default(None));
        }
        let lower = word.to_ascii_lowercase();
        if BARE_FUNCTIONS.contains(&lower.as_str()) {
            return Ok(Expr::Call(lower, Vec::new()));
        }
        let name = self.lower_name(ident)?;
        Ok(self.named(name))
    }

    /// A program's variable, which goes before a column, or a column.
    fn named(&self, name: String) -> Expr {
        let local = self.local_variable(&name);
        local.unwrap_or(Expr::Column { database: None, table: None, name })
    }

    fn variable_name(&self, ident: &Ident) -> SqlResult<String> {
        let token = self.token_text(self.token_index(ident.span.start));
        self.variable_text(token).ok_or_else(|| self.error_at(ident.span.start))
    }

    /// name, table.name, database.table.name.
    fn lower_column(&self, parts: &[Ident]) -> SqlResult<Expr> {
        let [first, rest @ ..] = parts else {
            return Err(self.syntax_error());
        };
        let mut names = vec![self.lower_name(first)?];
        for ident in rest {
            names.push(self.lower_any_name(ident)?);
        }
        match (names.pop(), names.pop(), names.pop(), names.pop()) {
            (Some(name), Some(table), None, None) => {
                Ok(match self.trigger_column(&table, &name)? {
                    Some(slot) => Expr::Parameter(slot),
                    None => Expr::Column { database: None, table: Some(table), name },
                })
            }
            (Some(name), table, database, None) => Ok(Expr::Column { database, table, name }),
            // The point before the fourth name.
            _ => {
                let fourth = rest.get(2).map_or(first.span.start, |ident| ident.span.start);
                Err(self.error_at_token(self.token_index(fourth).saturating_sub(1)))
            }
        }
    }

    fn lower_unary(&self, op: UnaryOperator, expr: SqlExpr) -> SqlResult<Expr> {
        let op = match op {
            UnaryOperator::Not | UnaryOperator::BangNot => UnaryOp::Not,
            UnaryOperator::Minus => UnaryOp::Minus,
            UnaryOperator::Plus => UnaryOp::Plus,
            UnaryOperator::BitwiseNot => UnaryOp::BitNot,
            other => return Err(SqlError::unsupported(other)),
        };
        Ok(Expr::Unary(op, self.boxed(expr)?))
    }

    fn lower_binary(&self, left: SqlExpr, op: BinaryOperator, right: SqlExpr) -> SqlResult<Expr> {
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            let mut operands = Vec::new();
            self.collect(&op, left, &mut operands)?;
            self.collect(&op, right, &mut operands)?;
            let and = op == BinaryOperator::And;
            return Ok(if and { Expr::And(operands) } else { Expr::Or(operands) });
        }
        // A row of operators is deep on its left: go down it in a loop.
        let (mut leftmost, mut row) = (left, vec![(op, right)]);
        let mut lowered = loop {
            match leftmost {
                SqlExpr::BinaryOp { left, op, right }
                    if !matches!(op, BinaryOperator::And | BinaryOperator::Or) =>
                {
                    row.push((op, *right));
                    leftmost = *left;
                }
                SqlExpr::Interval(interval) => {
                    // INTERVAL n unit + date.
                    let Some((BinaryOperator::Plus, date)) = row.pop() else {
                        return Err(self.error_after_interval(&interval));
                    };
                    break self.date_arithmetic(self.lower_expr(date)?, interval, false)?;
                }
                other => break self.lower_expr(other)?,
            }
        };
        while let Some((op, right)) = row.pop() {
            lowered = self.apply(lowered, &op, right)?;
        }
        Ok(lowered)
    }

    /// The operands of a tree of one of AND and OR, in order.
    fn collect(
        &self,
        op: &BinaryOperator,
        expr: SqlExpr,
        operands: &mut Vec<Expr>,
    ) -> SqlResult<()> {
        match expr {
            SqlExpr::BinaryOp { left, op: inner, right } if inner == *op => {
                self.collect(op, *left, operands)?;
                self.collect(op, *right, operands)
            }
            other => {
                operands.push(self.lower_expr(other)?);
                Ok(())
            }
        }
    }

    /// `column->'path'`, and `column->>'path'`, which is unquoted.
    fn json_path(&self, column: Expr, path: Expr, is_unquoted: bool) -> SqlResult<Expr> {
        if !matches!(column, Expr::Column { .. })
            || !matches!(path, Expr::Literal(Literal::String(..)))
        {
            return Err(self.syntax_error());
        }
        let found = Expr::Call("json_extract".to_owned(), vec![column, path]);
        Ok(if is_unquoted { Expr::Call("json_unquote".to_owned(), vec![found]) } else { found })
    }

    fn apply(&self, left: Expr, op: &BinaryOperator, right: SqlExpr) -> SqlResult<Expr> {
        use BinaryOperator as Sql;
        let op = match op {
            Sql::Plus | Sql::Minus if matches!(right, SqlExpr::Interval(_)) => {
                let SqlExpr::Interval(interval) = right else {
                    return Err(self.syntax_error());
                };
                return self.date_arithmetic(left, interval, *op == Sql::Minus);
            }
            Sql::Assignment => {
                let Expr::UserVariable(name) = left else {
                    return Err(self.error_at(right.span().start));
                };
                return Ok(Expr::AssignUserVariable(name, self.boxed(right)?));
            }
            Sql::StringConcat => {
                return Ok(Expr::Call("concat".to_owned(), vec![left, self.lower_expr(right)?]));
            }
            Sql::Arrow | Sql::LongArrow => {
                let path = self.lower_expr(right)?;
                return self.json_path(left, path, *op == Sql::LongArrow);
            }
            Sql::Custom(operator) if operator == SOUNDS_LIKE => {
                let soundex = |operand| Box::new(Expr::Call("soundex".to_owned(), vec![operand]));
                let right = soundex(self.lower_expr(right)?);
                return Ok(Expr::Binary(BinaryOp::Eq, soundex(left), right));
            }
            Sql::Plus => BinaryOp::Add,
            Sql::Minus => BinaryOp::Sub,
            Sql::Multiply => BinaryOp::Mul,
            Sql::Divide => BinaryOp::Div,
            Sql::MyIntegerDivide => BinaryOp::IntDiv,
            Sql::Modulo => BinaryOp::Mod,
            Sql::Eq => BinaryOp::Eq,
            Sql::Spaceship => BinaryOp::NullSafeEq,
            Sql::NotEq => BinaryOp::Ne,
            Sql::Lt => BinaryOp::Lt,
            Sql::LtEq => BinaryOp::Le,
            Sql::Gt => BinaryOp::Gt,
            Sql::GtEq => BinaryOp::Ge,
            Sql::Xor => BinaryOp::Xor,
            Sql::BitwiseOr => BinaryOp::BitOr,
            Sql::BitwiseAnd => BinaryOp::BitAnd,
            Sql::BitwiseXor => BinaryOp::BitXor,
            Sql::PGBitwiseShiftLeft => BinaryOp::ShiftLeft,
            Sql::PGBitwiseShiftRight => BinaryOp::ShiftRight,
            other => return Err(SqlError::unsupported(other)),
        };
        Ok(Expr::Binary(op, Box::new(left), self.boxed(right)?))
    }

    fn date_arithmetic(&self, date: Expr, interval: Interval, subtract: bool) -> SqlResult<Expr> {
        let (amount, unit) = self.lower_interval(interval)?;
        Ok(Expr::DateArithmetic { date: Box::new(date), amount: Box::new(amount), unit, subtract })
    }

    /// An interval alone: what makes it date arithmetic is missed after it.
    fn error_after_interval(&self, interval: &Interval) -> SqlError {
        match &interval.leading_field {
            Some(DateTimeField::Custom(unit)) => self.error_after(unit.span.end),
            _ => self.error_at(interval.value.span().start),
        }
    }

    pub(super) fn lower_interval(&self, interval: Interval) -> SqlResult<(Expr, IntervalUnit)> {
        let Interval {
            value,
            leading_field,
            leading_precision,
            last_field,
            fractional_seconds_precision,
        } = interval;
        let field = leading_field.as_ref().map(DateTimeField::to_string);
        let unit = field.and_then(|name| IntervalUnit::by_name(&name));
        let plain = leading_precision.is_none()
            && last_field.is_none()
            && fractional_seconds_precision.is_none();
        match unit {
            Some(unit) if plain => Ok((self.lower_expr(*value)?, unit)),
            _ => Err(self.error_at(value.span().start)),
        }
    }

    fn lower_is(&self, expr: SqlExpr) -> SqlResult<Expr> {
        let truth = |operand: SqlExpr, value, negated| {
            Ok(Expr::IsTruth(self.boxed(operand)?, value, negated))
        };
        match expr {
            SqlExpr::IsNull(operand) => Ok(Expr::IsNull(self.boxed(*operand)?, false)),
            SqlExpr::IsNotNull(operand) => Ok(Expr::IsNull(self.boxed(*operand)?, true)),
            SqlExpr::IsTrue(operand) => truth(*operand, TruthValue::True, false),
            SqlExpr::IsNotTrue(operand) => truth(*operand, TruthValue::True, true),
            SqlExpr::IsFalse(operand) => truth(*operand, TruthValue::False, false),
            SqlExpr::IsNotFalse(operand) => truth(*operand, TruthValue::False, true),
            SqlExpr::IsUnknown(operand) => truth(*operand, TruthValue::Unknown, false),
            SqlExpr::IsNotUnknown(operand) => truth(*operand, TruthValue::Unknown, true),
            other => Err(SqlError::unsupported(other)),
        }
    }

    fn lower_predicate(&self, expr: SqlExpr) -> SqlResult<Expr> {
        match expr {
            SqlExpr::InList { expr, list, negated } => {
                let (expr, list) = (self.boxed(*expr)?, self.lower_exprs(list)?);
                Ok(Expr::InList { expr, list, negated })
            }
            SqlExpr::InSubquery { expr, subquery, negated } => {
                let expr = self.boxed(*expr)?;
                Ok(Expr::InQuery { expr, query: Box::new(self.lower_query(*subquery)?), negated })
            }
            SqlExpr::AnyOp { left, compare_op, right, is_some: _ } => {
                self.lower_compared(*left, &compare_op, false, *right)
            }
            SqlExpr::AllOp { left, compare_op, right } => {
                self.lower_compared(*left, &compare_op, true, *right)
            }
            SqlExpr::Between { expr, negated, low, high } => {
                let expr = self.boxed(*expr)?;
                let (low, high) = (self.boxed(*low)?, self.boxed(*high)?);
                Ok(Expr::Between { expr, low, high, negated })
            }
            SqlExpr::Like { any: true, .. } => Err(SqlError::unsupported("LIKE ANY")),
            SqlExpr::Like { negated, any: false, expr, pattern, escape_char } => {
                let (expr, pattern) = (self.boxed(*expr)?, self.boxed(*pattern)?);
                let escape = escape_char.map(|escape| self.boxed(*escape)).transpose()?;
                Ok(Expr::Like { expr, pattern, escape, negated })
            }
            SqlExpr::RLike { negated, expr, pattern, regexp: _ } => {
                let (expr, pattern) = (self.boxed(*expr)?, self.boxed(*pattern)?);
                Ok(Expr::Regexp { expr, pattern, negated })
            }
            other => Err(SqlError::unsupported(other)),
        }
    }

    /// A comparison with ANY or ALL rows of a query.
    fn lower_compared(
        &self,
        left: SqlExpr,
        op: &BinaryOperator,
        all: bool,
        right: SqlExpr,
    ) -> SqlResult<Expr> {
        let op = match op {
            BinaryOperator::Eq => BinaryOp::Eq,
            BinaryOperator::NotEq => BinaryOp::Ne,
            BinaryOperator::Lt => BinaryOp::Lt,
            BinaryOperator::LtEq => BinaryOp::Le,
            BinaryOperator::Gt => BinaryOp::Gt,
            BinaryOperator::GtEq => BinaryOp::Ge,
            other => return Err(SqlError::unsupported(other)),
        };
        let expr = self.boxed(left)?;
        let SqlExpr::Subquery(query) = right else {
            return Err(SqlError::unsupported(right));
        };
        Ok(Expr::Compared { op, all, expr, query: Box::new(self.lower_query(*query)?) })
    }

    fn lower_trim(&self, expr: SqlExpr) -> SqlResult<Expr> {
        let SqlExpr::Trim { trim_where, trim_what, expr, trim_characters: None } = expr else {
            return Err(SqlError::unsupported("TRIM(…, characters)"));
        };
        let side = match trim_where {
            Some(TrimWhereField::Leading) => TrimSide::Leading,
            Some(TrimWhereField::Trailing) => TrimSide::Trailing,
            Some(TrimWhereField::Both) | None => TrimSide::Both,
        };
        let what = trim_what.map(|what| self.boxed(*what)).transpose()?;
        Ok(Expr::Trim { side, what, expr: self.boxed(*expr)? })
    }

    /// _utf8mb4'…', _binary X'…'.
    fn lower_introduced(&self, prefix: &Ident, value: SqlExpr) -> SqlResult<Expr> {
        let charset = self.lower_any_name(prefix)?.to_lowercase();
        let charset = charset.trim_start_matches('_').to_owned();
        match self.lower_expr(value)? {
            Expr::Literal(Literal::String(bytes, _)) => {
                let introducer = Introducer { charset, quoted: true };
                Ok(Expr::Literal(Literal::String(bytes, Some(introducer))))
            }
            Expr::Literal(Literal::Hex(bytes) | Literal::Bit(bytes)) => {
                let introducer = Introducer { charset, quoted: false };
                Ok(Expr::Literal(Literal::String(bytes, Some(introducer))))
            }
            _ => Err(self.error_at(prefix.span.start)),
        }
    }

    fn lower_typed(&self, typed: &TypedString) -> SqlResult<Expr> {
        let TypedString { data_type, value, uses_odbc_syntax: _ } = typed;
        let text = self.lower_text(value)?;
        Ok(Expr::Literal(match data_type {
            DataType::Date => Literal::Date(text),
            DataType::Time(None, _) => Literal::Time(text),
            DataType::Timestamp(None, _) => Literal::Timestamp(text),
            other => return Err(SqlError::unsupported(format!("{other} '…'"))),
        }))
    }
}

/// The scope and the name of a system variable.
pub(in crate::sql::parser) fn system_variable(name: String) -> (Option<VariableScope>, String) {
    match name.split_once('.') {
        Some(("global", name)) => (Some(VariableScope::Global), name.to_owned()),
        Some(("session" | "local", name)) => (Some(VariableScope::Session), name.to_owned()),
        _ => (None, name),
    }
}
