//! Expressions: names resolved, types inferred.

use super::binder::{Binder, Clause, SelectNames};
use super::literals::{literal, truths_as_documents};
use super::outer::Seen;
use super::windows::{has_window, misplaced_alias};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function, VariableScope};
use crate::sql::parser::ast;
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

impl Binder<'_> {
    /// Binds an expression.
    pub(super) fn expr(&mut self, expr: &ast::Expr, clause: &mut Clause<'_>) -> SqlResult<Expr> {
        use ast::Expr as E;
        self.planner.interrupt.check()?;
        match expr {
            E::Literal(value) => literal(value, self.planner),
            E::Parameter(index) => {
                let field_type = self.parameter_type(*index);
                Ok(self.planner.rules.adopt(Expr::Parameter { index: *index, field_type }))
            }
            E::Column { database, table, name } => {
                self.column(database.as_deref(), table.as_deref(), name, clause)
            }
            E::Unary(op, operand) => self.unary(*op, operand, clause),
            E::Binary(op, left, right) => self.binary(*op, left, right, clause),
            E::And(operands) => {
                let operands = self.exprs(operands, clause)?;
                Expr::call(Function::And, operands)
            }
            E::Or(operands) => {
                let operands = self.exprs(operands, clause)?;
                Expr::call(Function::Or, operands)
            }
            E::IsNull(operand, negated) => {
                let operand = self.expr(operand, clause)?;
                negate(Expr::call(Function::IsNull, vec![operand])?, *negated)
            }
            E::IsTruth(operand, truth, negated) => {
                let operand = self.expr(operand, clause)?;
                let function = match truth {
                    ast::TruthValue::True => Function::IsTrue,
                    ast::TruthValue::False => Function::IsFalse,
                    ast::TruthValue::Unknown => Function::IsNull,
                };
                negate(Expr::call(function, vec![operand])?, *negated)
            }
            E::InList { .. } | E::Between { .. } | E::Like { .. } | E::Regexp { .. } => {
                self.predicate(expr, clause)
            }
            E::InQuery { .. } | E::Compared { .. } | E::Exists(_) | E::Subquery(_) => {
                self.subquery(expr, clause)
            }
            E::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref(), clause)
            }
            E::Aggregate { .. } => self.aggregate(expr, clause),
            E::Grouping(args) => self.grouping(args, clause),
            E::Match(search) => self.match_against(search, clause),
            E::Window(call) => self.window_call(call, clause),
            E::Default(Some(column)) => self.default_of(column, clause),
            E::Default(None) => Err(SqlError::unsupported("DEFAULT as a value in an expression")),
            E::InsertedValue(column) => self.inserted_value(column, clause),
            E::SystemVariable(..) | E::UserVariable(_) | E::AssignUserVariable(..) => {
                self.variable(expr, clause)
            }
            E::Row(items) => Err(operand_columns(items.len().min(1))),
            _ => self.special_call(expr, clause),
        }
    }

    pub(super) fn exprs(
        &mut self,
        exprs: &[ast::Expr],
        clause: &mut Clause<'_>,
    ) -> SqlResult<Vec<Expr>> {
        exprs.iter().map(|expr| self.expr(expr, clause)).collect()
    }

    /// A column, or what a name of the select list stands for.
    fn column(
        &mut self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
        clause: &Clause<'_>,
    ) -> SqlResult<Expr> {
        let (scope, names) = (clause.scope, clause.names);
        let seen = Seen { scope, clause: clause.name, names, rule: clause.name_rule };
        if let Some(expr) = seen.find(database, table, name)? {
            return Ok(expr);
        }
        if let Some(expr) = self.outer_column(database, table, name)? {
            return Ok(expr);
        }
        Err(unknown_column(&qualified(database, table, name), clause.name))
    }

    fn unary(
        &mut self,
        op: ast::UnaryOp,
        operand: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        use ast::{Expr as E, Literal as L};
        if op == ast::UnaryOp::Minus {
            match operand {
                E::Literal(L::Integer(number)) if *number <= 1 << 63 => {
                    return Ok(Expr::literal(Datum::Int((*number as i64).wrapping_neg())));
                }
                E::Literal(L::Decimal(digits)) => {
                    return literal(&L::Decimal(format!("-{digits}")), self.planner);
                }
                E::Literal(L::Float(number)) => {
                    return literal(&L::Float(-number), self.planner);
                }
                _ => {}
            }
        }
        let operand = self.expr(operand, clause)?;
        let function = match op {
            ast::UnaryOp::Plus => return Ok(operand),
            ast::UnaryOp::Minus => Function::Neg,
            ast::UnaryOp::BitNot => Function::BitNot,
            ast::UnaryOp::Not => Function::Not,
        };
        Expr::call(function, vec![operand])
    }

    /// IN (list), BETWEEN, LIKE, REGEXP.
    fn predicate(&mut self, expr: &ast::Expr, clause: &mut Clause<'_>) -> SqlResult<Expr> {
        use ast::Expr as E;
        match expr {
            E::InList { expr, list, negated } => {
                if let E::Row(row) = &**expr {
                    return negate(self.row_in(row, list, clause)?, *negated);
                }
                let mut args = Vec::with_capacity(list.len() + 1);
                args.push(self.expr(expr, clause)?);
                let wanted = args[0].field_type().clone();
                for item in list {
                    args.push(self.value_for(&wanted, item, clause)?);
                }
                let function = if args.len() == 2 { Function::Eq } else { Function::In };
                negate(self.checked(Expr::call(function, args)?)?, *negated)
            }
            E::Between { expr, low, high, negated } => {
                let mut value = self.expr(expr, clause)?;
                let wanted = value.field_type().clone();
                let low = self.value_for(&wanted, low, clause)?;
                let high = self.value_for(&wanted, high, clause)?;
                // One comparison for both: beside a number text is one, also beside the other bound's text.
                let (low_kind, high_kind) = (low.field_type().kind, high.field_type().kind);
                let mixed = (low_kind.is_numeric() && high_kind.is_string())
                    || (low_kind.is_string() && high_kind.is_numeric());
                if mixed && wanted.kind.is_string() {
                    value = Expr::cast(value, FieldType::double());
                }
                let between = Expr::call(Function::Between, vec![value, low, high])?;
                negate(self.checked(between)?, *negated)
            }
            E::Like { expr, pattern, escape, negated } => {
                let mut args = vec![self.expr(expr, clause)?, self.expr(pattern, clause)?];
                if let Some(escape) = escape {
                    args.push(self.expr(escape, clause)?);
                }
                negate(Expr::call(Function::Like, args)?, *negated)
            }
            E::Regexp { expr, pattern, negated } => {
                let args = vec![self.expr(expr, clause)?, self.expr(pattern, clause)?];
                negate(Expr::call(Function::Regexp, args)?, *negated)
            }
            _ => Err(SqlError::internal("not a predicate")),
        }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        branches: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let operand = operand.map(|operand| self.expr(operand, clause)).transpose()?;
        let compared = operand.as_ref().map(|operand| operand.field_type().clone());
        let mut bound = Vec::with_capacity(branches.len());
        for (when, then) in branches {
            let when = match &compared {
                Some(with) => self.value_for(with, when, clause)?,
                None => self.expr(when, clause)?,
            };
            bound.push((when, self.expr(then, clause)?));
        }
        let otherwise = otherwise.map(|expr| self.expr(expr, clause)).transpose()?;
        Expr::case(operand, bound, otherwise)
    }

    fn default_of(&mut self, column: &str, clause: &Clause<'_>) -> SqlResult<Expr> {
        let table = match (clause.default_table, clause.scope.find(None, None, column).as_slice()) {
            (Some(table), _) => table.clone(),
            (None, [index]) => match clause.scope.relation_of(*index).and_then(|r| r.table()) {
                Some(table) => table.clone(),
                None => return Err(SqlError::unsupported("DEFAULT() of a derived column")),
            },
            _ => return Err(unknown_column(column, clause.name)),
        };
        let public = table.visible_columns();
        let found = public.iter().find(|known| super::scope::same_name(&known.name, column));
        let info = found.ok_or_else(|| unknown_column(column, clause.name))?;
        super::literals::default_value(info)?.ok_or_else(|| {
            SqlError::new(
                errno::NO_DEFAULT_FOR_FIELD,
                format!("Field '{}' doesn't have a default value", info.name),
            )
        })
    }

    fn inserted_value(&mut self, column: &str, clause: &Clause<'_>) -> SqlResult<Expr> {
        let Some(start) = clause.inserted_row else {
            return Err(SqlError::unsupported("VALUES() outside of ON DUPLICATE KEY UPDATE"));
        };
        match clause.scope.find(None, None, column).first() {
            Some(index) => {
                let column = clause.scope.column(*index)?;
                Ok(Expr::column(start + index, column.field_type().clone().nullable()))
            }
            None => Err(unknown_column(column, clause.name)),
        }
    }

    fn variable(&mut self, expr: &ast::Expr, clause: &mut Clause<'_>) -> SqlResult<Expr> {
        match expr {
            ast::Expr::SystemVariable(scope, name) => {
                let (scope, text) = match scope {
                    None => (VariableScope::Default, ""),
                    Some(ast::VariableScope::Session) => (VariableScope::Session, "session"),
                    Some(ast::VariableScope::Global) => (VariableScope::Global, "global"),
                };
                let field_type = self.planner.variables.system(name, scope)?;
                let args = vec![Expr::text(name), Expr::text(text)];
                Expr::call_as(Function::GetSystemVar, args, field_type)
            }
            ast::Expr::UserVariable(name) => {
                let field_type = self.planner.variables.user(name);
                Expr::call_as(Function::GetUserVar, vec![Expr::text(name)], field_type)
            }
            ast::Expr::AssignUserVariable(name, value) => {
                let value = self.expr(value, clause)?;
                Expr::call(Function::SetUserVar, vec![Expr::text(name), value])
            }
            _ => Err(SqlError::internal("not a variable")),
        }
    }

    /// Calls, and what has a syntax of its own.
    fn special_call(&mut self, expr: &ast::Expr, clause: &mut Clause<'_>) -> SqlResult<Expr> {
        use ast::Expr as E;
        match expr {
            E::Call(name, args) => {
                let written = args;
                let mut args = self.exprs(args, clause)?;
                if Function::named(name).is_some_and(|f| f.definition().makes_documents) {
                    truths_as_documents(written, &mut args);
                }
                if let Some(call) = self.stored_call(name, &args, clause)? {
                    return Ok(call);
                }
                let function = Function::by_name(name, args.len()).map_err(|error| {
                    match (error.code, self.planner.current_db) {
                        (errno::SP_DOES_NOT_EXIST, Some(database)) if !name.contains('.') => {
                            SqlError::new(
                                error.code,
                                format!("FUNCTION {database}.{name} does not exist"),
                            )
                        }
                        _ => error,
                    }
                })?;
                self.planner.rules.call(function, args)
            }
            E::JsonValue(written) => self.json_value(written, clause),
            E::Cast(operand, target) => {
                let target = cast_type(target, self.planner.rules.collation)?;
                Ok(Expr::cast(self.value_for(&target, operand, clause)?, target))
            }
            E::ConvertUsing(operand, charset) => {
                let target = FieldType::long_text().collate(Collation::of_charset(charset)?);
                Ok(Expr::cast(self.expr(operand, clause)?, target))
            }
            E::Collate(operand, collation) => {
                Expr::collate(self.expr(operand, clause)?, Collation::by_name(collation)?)
            }
            E::DateArithmetic { date, amount, unit, subtract } => {
                let args = vec![
                    self.expr(date, clause)?,
                    self.expr(amount, clause)?,
                    Expr::text(unit.name()),
                ];
                let function = if *subtract { Function::DateSub } else { Function::DateAdd };
                self.planner.rules.call(function, args)
            }
            E::Extract(unit, date) => {
                let args = vec![Expr::text(unit.name()), self.expr(date, clause)?];
                self.planner.rules.call(Function::Extract, args)
            }
            E::TimestampDiff(unit, from, to) => {
                let args =
                    vec![Expr::text(unit.name()), self.expr(from, clause)?, self.expr(to, clause)?];
                self.planner.rules.call(Function::TimestampDiff, args)
            }
            E::Trim { side, what, expr } => {
                let mut args = vec![self.expr(expr, clause)?];
                match what {
                    Some(what) => args.push(self.expr(what, clause)?),
                    None if *side != ast::TrimSide::Both => args.push(Expr::text(" ")),
                    None => {}
                }
                let function = match side {
                    ast::TrimSide::Both => Function::Trim,
                    ast::TrimSide::Leading => Function::TrimLeading,
                    ast::TrimSide::Trailing => Function::TrimTrailing,
                };
                self.planner.rules.call(function, args)
            }
            _ => Err(SqlError::unsupported("INTERVAL outside of date arithmetic")),
        }
    }
}

/// `NOT expr` if `negated`.
pub(super) fn negate(expr: Expr, negated: bool) -> SqlResult<Expr> {
    if negated { Expr::call(Function::Not, vec![expr]) } else { Ok(expr) }
}

/// What a name in HAVING stands for: a column that is grouped by, an item of the select list, or a column that one shows
/// under another name. `columns`: what FROM has of that name.
pub(super) fn having_name(
    table: Option<&str>,
    name: &str,
    columns: &[usize],
    names: SelectNames<'_>,
    clause: &str,
) -> SqlResult<Option<Expr>> {
    let named =
        |expr: &&Expr| matches!(expr, Expr::Column { index, .. } if columns.contains(index));
    if let Some(expr) = names.grouped.iter().find(named) {
        return Ok(Some(expr.clone()));
    }
    if table.is_none()
        && let Some(expr) = names.item(name, clause)?
    {
        if has_window(expr) {
            return Err(misplaced_alias(name));
        }
        return Ok(Some(expr.clone()));
    }
    let mut shown = names.items.iter().map(|(_, expr)| expr).filter(named);
    Ok(shown.next().cloned())
}

/// Error 1052.
pub(super) fn ambiguous_column(name: &str, clause: &str) -> SqlError {
    SqlError::new(errno::NON_UNIQ, format!("Column '{name}' in {clause} is ambiguous"))
}

/// Error 1054.
pub(super) fn unknown_column(name: &str, clause: &str) -> SqlError {
    SqlError::new(errno::BAD_FIELD, format!("Unknown column '{name}' in '{clause}'"))
}

/// Error 1241.
pub(super) fn operand_columns(count: usize) -> SqlError {
    SqlError::new(errno::OPERAND_COLUMNS, format!("Operand should contain {count} column(s)"))
}

pub(super) fn qualified(database: Option<&str>, table: Option<&str>, name: &str) -> String {
    let parts = database.into_iter().chain(table).chain([name]);
    parts.collect::<Vec<_>>().join(".")
}

pub(super) fn cast_type(target: &ast::CastType, connection: Collation) -> SqlResult<FieldType> {
    use ast::CastType as C;
    let fsp = |digits: &Option<u32>| -> SqlResult<u8> {
        let digits = digits.unwrap_or(0);
        u8::try_from(digits).ok().filter(|digits| *digits <= 6).ok_or_else(|| {
            SqlError::new(
                errno::TOO_BIG_PRECISION,
                format!("Too-big precision {digits} specified for 'CAST'. Maximum is 6."),
            )
        })
    };
    Ok(match target {
        C::Signed => FieldType::bigint(),
        C::Unsigned => FieldType::bigint_unsigned(),
        C::Char(length, charset) => {
            let collation = match charset {
                Some(charset) => Collation::of_charset(charset)?,
                // Bytes have no text's collation to give.
                None if connection == Collation::Binary => Collation::default(),
                None => connection,
            };
            match length {
                Some(length) => FieldType::varchar(*length).collate(collation),
                None => FieldType::long_text().collate(collation),
            }
        }
        // Padded with zero bytes.
        C::Binary(Some(length)) => FieldType::char(*length).collate(Collation::Binary),
        C::Binary(None) => FieldType::long_text().collate(Collation::Binary),
        C::Decimal(precision, scale) => {
            let (precision, scale) = (precision.unwrap_or(10), scale.unwrap_or(0));
            crate::sql::catalog::check_decimal("CAST", precision, scale)?
        }
        C::Double => FieldType::double(),
        C::Float => FieldType::float(),
        C::Date => FieldType::date(),
        C::DateTime(digits) => FieldType::datetime(fsp(digits)?),
        C::Time(digits) => FieldType::time(fsp(digits)?),
        C::Year => FieldType::new(TypeKind::Year),
        C::Json => FieldType::json(),
    })
}
