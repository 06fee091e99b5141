//! Queries inside of expressions.
//!
//! One that reads nothing of the rows around it is run once, before the statement's own plan; its values are parameters. Of any other
//! the expression has a call of [`Function::Subquery`]: which one, which of its columns, what is compared with it, and what it reads of
//! the row. So whatever moves expressions moves those reads as well; [`super::unnest`] makes plans of the calls.

use super::bind_expr::{negate, operand_columns};
use super::bind_operator::compare_rows;
use super::binder::{Binder, Clause};
use super::logical::Logical;
use super::outer::Inner;
use super::unnest::rows_matter;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::column_type;
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::parser::ast::{self, BinaryOp, RoutineKind};
use crate::sql::types::{Collation, Datum, FieldType};

/// A subquery that is run for rows around it.
pub(super) struct Dependent {
    pub(super) plan: Logical,
    pub(super) kind: DependentKind,
    /// The numbers of the parameters that a call's last arguments are.
    pub(super) parameters: Vec<usize>,
}

/// What a call of one is.
#[derive(PartialEq)]
pub(super) enum DependentKind {
    /// A column of its only row.
    Row,
    /// Whether it has rows.
    Exists,
    /// Whether the condition over the values that are compared, then its row, is true for one row (for all).
    Compare {
        condition: Expr,
        all: bool,
        /// Parameters that may stand for the values that are compared.
        wanted: Vec<usize>,
    },
}

/// The parts of a call.
pub(super) struct SubqueryCall<'e> {
    pub(super) number: usize,
    pub(super) column: usize,
    /// What is compared, then what is read of the row.
    pub(super) args: &'e [Expr],
}

/// A call's parts, if it is one of a subquery.
pub(super) fn subquery_call(expr: &Expr) -> Option<SubqueryCall<'_>> {
    let Expr::Call { function: Function::Subquery, args, .. } = expr else { return None };
    let number = |expr: &Expr| expr.as_literal()?.as_count()?.try_into().ok();
    let [which, column, args @ ..] = args.as_slice() else { return None };
    Some(SubqueryCall { number: number(which)?, column: number(column)?, args })
}

/// Whether there is a call of a subquery in it.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |node| {
        found |= matches!(node, Expr::Call { function: Function::Subquery, .. });
    });
    found
}

/// A number of the call itself; no constant of the statement is of this type.
fn call_number(number: usize) -> Expr {
    Expr::Literal { value: Datum::Int(number as i64), field_type: FieldType::null() }
}

impl Binder<'_> {
    /// A query inside of an expression.
    pub(super) fn subquery(
        &mut self,
        expr: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        match expr {
            ast::Expr::Subquery(query) => {
                let mut values = self.row_subquery(query, 1, clause)?;
                Ok(values.remove(0))
            }
            ast::Expr::InQuery { expr, query, negated } => {
                let member = self.compared(BinaryOp::Eq, false, expr, query, clause)?;
                negate(member, *negated)
            }
            // Another way to write NOT IN.
            ast::Expr::Compared { op: BinaryOp::Ne, all: true, expr, query } => {
                negate(self.compared(BinaryOp::Eq, false, expr, query, clause)?, true)
            }
            ast::Expr::Compared { op, all, expr, query } => {
                self.compared(*op, *all, expr, query, clause)
            }
            ast::Expr::Exists(query) => self.exists(query, clause),
            _ => Err(SqlError::internal("not a subquery")),
        }
    }

    fn exists(&mut self, query: &ast::Query, clause: &mut Clause<'_>) -> SqlResult<Expr> {
        let inner = self.inner_query(query, clause)?;
        let plan = rows_matter(inner.plan);
        if inner.dependent {
            let field_type = FieldType::boolean().not_null();
            let inner = Inner { plan, ..inner };
            return Ok(self
                .call(inner, DependentKind::Exists, Vec::new(), vec![field_type])
                .remove(0));
        }
        let one = Expr::literal(Datum::Int(1));
        let first =
            Logical::Limit { input: Box::new(plan), offset: None, limit: Some(one.clone()) };
        let count = Aggregate::new(AggregateKind::Count, vec![one], false)?;
        let counted = Logical::Aggregate {
            input: Box::new(first),
            group_by: Vec::new(),
            aggregates: vec![count],
        };
        let found = self.subquery_values(counted).remove(0);
        Expr::call(Function::Gt, vec![found, Expr::literal(Datum::Int(0))])
    }

    /// A query of one row, as its values; error 1241 if it has not so many columns.
    pub(super) fn row_subquery(
        &mut self,
        query: &ast::Query,
        width: usize,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Vec<Expr>> {
        let inner = self.inner_query(query, clause)?;
        if inner.columns.len() != width {
            return Err(operand_columns(width));
        }
        Ok(self.row_values(inner))
    }

    /// A query of one row, as its values.
    pub(super) fn row_of(
        &mut self,
        query: &ast::Query,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Vec<Expr>> {
        let inner = self.inner_query(query, clause)?;
        Ok(self.row_values(inner))
    }

    fn row_values(&mut self, inner: Inner) -> Vec<Expr> {
        if !inner.dependent {
            return self.subquery_values(inner.plan);
        }
        let types = inner.plan.schema().into_iter().map(FieldType::nullable).collect();
        self.call(inner, DependentKind::Row, Vec::new(), types)
    }

    /// `expr op ANY (query)`, `expr op ALL (query)`; IN is `= ANY`.
    fn compared(
        &mut self,
        op: BinaryOp,
        all: bool,
        expr: &ast::Expr,
        query: &ast::Query,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let wanted = match expr {
            ast::Expr::Row(items) => self.exprs(items, clause)?,
            ast::Expr::Subquery(query) => self.row_of(query, clause)?,
            expr => vec![self.expr(expr, clause)?],
        };
        let width = wanted.len();
        if width > 1 && (op, all) != (BinaryOp::Eq, false) {
            return Err(operand_columns(1));
        }
        let inner = self.inner_query(query, clause)?;
        if inner.columns.len() != width {
            return Err(operand_columns(width));
        }
        let found = inner.plan.schema().into_iter().enumerate();
        let found: Vec<Expr> =
            found.map(|(index, field_type)| Expr::column(width + index, field_type)).collect();
        // A constant is read as what it is compared with; a column's value is not.
        let operands = wanted.iter().enumerate().map(|(index, expr)| match expr {
            Expr::Literal { .. } | Expr::Parameter { .. } => expr.clone(),
            _ => Expr::column(index, expr.field_type().clone()),
        });
        let operands: Vec<Expr> = operands.collect();
        let condition = self.checked(compare_rows(op, &operands, &found)?)?;
        let not_null = condition.field_type().not_null;
        let field_type = FieldType { not_null, ..FieldType::boolean() };
        let parameters = (0..width).map(|_| self.outer_number()).collect();
        let kind = DependentKind::Compare { condition, all, wanted: parameters };
        let once = !inner.dependent && wanted.iter().all(|expr| expr.columns().is_empty());
        let value = self.call(inner, kind, wanted, vec![field_type]).remove(0);
        if !once {
            return Ok(value);
        }
        let row = Logical::Project { input: Box::new(Logical::Dual), exprs: vec![value] };
        Ok(self.subquery_values(row).remove(0))
    }

    /// A call of a stored function; `None`: there is none of that name, or one of MySQL's own. Error 1318 for arguments that are too many or too few.
    pub(super) fn stored_call(
        &mut self,
        name: &str,
        args: &[Expr],
        clause: &Clause<'_>,
    ) -> SqlResult<Option<Expr>> {
        if Function::named(name).is_some() {
            return Ok(None);
        }
        let (database, plain) = match name.split_once('.') {
            Some((database, plain)) => (Some(database), plain),
            None => (self.planner.current_db, name),
        };
        let kind = RoutineKind::Function;
        let found = database.and_then(|it| self.planner.schema.routine(it, kind, plain));
        let Some((database, entry)) = database.zip(found.cloned()) else { return Ok(None) };
        let Some(routine) = &entry.routine else { return Ok(None) };
        let parsed = routine.parsed()?;
        let (wanted, given) = (parsed.modes.len(), args.len());
        if wanted != given {
            return Err(SqlError::new(
                errno::SP_WRONG_NO_OF_ARGS,
                format!(
                    "Incorrect number of arguments for FUNCTION {database}.{}; expected {wanted}, got {given}",
                    routine.name
                ),
            ));
        }
        let inherited = Collation::by_name(&routine.database_collation).unwrap_or_default();
        let field_type = match &parsed.returns {
            Some(written) => column_type("", written, inherited)?,
            None => FieldType::null(),
        };
        let alone = clause.scope.is_empty() && self.outer.is_empty();
        let once = args.iter().all(|arg| arg.columns().is_empty() && !has_subquery(arg));
        let once = once && (alone || routine.deterministic);
        let mut bindings = Vec::new();
        let mut arguments = vec![Expr::literal(Datum::Int(entry.id))];
        for arg in args {
            if once {
                arguments.push(arg.clone());
                continue;
            }
            let index = self.outer_number();
            arguments.push(Expr::Parameter { index, field_type: arg.field_type().clone() });
            bindings.push((index, arg.clone()));
        }
        let call = Expr::Call {
            function: Function::Stored,
            args: arguments,
            field_type: field_type.clone(),
        };
        let plan = Logical::Values { rows: vec![vec![call]], schema: vec![field_type.clone()] };
        if once {
            return Ok(Some(self.subquery_values(plan).remove(0)));
        }
        let inner = Inner { plan, columns: Vec::new(), bindings, dependent: true };
        Ok(Some(self.call(inner, DependentKind::Row, Vec::new(), vec![field_type]).remove(0)))
    }

    /// Calls of a subquery, one for each type.
    fn call(
        &mut self,
        inner: Inner,
        kind: DependentKind,
        wanted: Vec<Expr>,
        types: Vec<FieldType>,
    ) -> Vec<Expr> {
        let (parameters, reads): (Vec<usize>, Vec<Expr>) = inner.bindings.into_iter().unzip();
        let number = self.dependent.len();
        self.dependent.push(Dependent { plan: inner.plan, kind, parameters });
        let call = |(column, field_type)| {
            let mut args = vec![call_number(number), call_number(column)];
            args.extend(wanted.iter().chain(&reads).cloned());
            Expr::Call { function: Function::Subquery, args, field_type }
        };
        types.into_iter().enumerate().map(call).collect()
    }
}
