//! Queries: WITH, set operations, subqueries, and the way from a logical plan to a physical one.

use super::binder::{Binder, Clause, fold};
use super::locking;
use super::logical::Logical;
use super::physical::{Counted, OutputColumn, QueryPlan, SortKey};
use super::scope::Scope;
use super::select::{limited, sorted};
use super::set_operation;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function};
use crate::sql::parser::ast;
use crate::sql::types::FieldType;

impl Binder<'_> {
    /// A whole SELECT statement.
    pub(super) fn query_plan(mut self, query: &ast::Query) -> SqlResult<QueryPlan> {
        let whole = locking::without_limit(query);
        let limit = query.limit.as_ref().filter(|_| whole.is_some());
        let (plan, columns) = self.query(whole.as_ref().unwrap_or(query))?;
        let counted = limit.map(|limit| self.limit(limit)).transpose()?;
        let counted = counted.map(|(offset, limit)| Counted { offset, limit });
        let locking = !query.locking.is_empty();
        let dates = std::mem::take(&mut self.dates);
        let (root, subqueries) = self.finish(Some(plan))?;
        let root = root.ok_or_else(|| SqlError::internal("a query without a plan"))?;
        Ok(QueryPlan { root, columns, subqueries, dates, locking, counted })
    }

    /// A query with what stands around its body.
    pub(super) fn query(&mut self, query: &ast::Query) -> SqlResult<(Logical, Vec<OutputColumn>)> {
        let in_sight = self.common_tables.len();
        for common in &query.with {
            let common = self.common_table(common, query.recursive);
            self.common_tables.push(common);
        }
        let bound = self.query_body(query);
        self.common_tables.truncate(in_sight);
        let (mut plan, columns) = bound?;
        if !matches!(query.body, ast::QueryBody::Select(_)) {
            locking::lock(&mut plan, &Scope::default(), &query.locking)?;
        }
        Ok((plan, columns))
    }

    fn query_body(&mut self, query: &ast::Query) -> SqlResult<(Logical, Vec<OutputColumn>)> {
        match &query.body {
            ast::QueryBody::Select(select) => self.select(select, query),
            ast::QueryBody::Values(rows) => {
                let (plan, columns) = self.values(rows)?;
                let plan = self.order_and_limit(plan, &columns, query)?;
                Ok((plan, columns))
            }
            ast::QueryBody::SetOperation { op, all, left, right } => {
                let (plan, columns) = self.set_operation(*op, *all, left, right)?;
                let plan = self.order_and_limit(plan, &columns, query)?;
                Ok((plan, columns))
            }
        }
    }

    fn values(&mut self, rows: &[Vec<ast::Expr>]) -> SqlResult<(Logical, Vec<OutputColumn>)> {
        let width = rows.first().map_or(0, Vec::len);
        let scope = Scope::default();
        let mut bound = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            if row.len() != width {
                return Err(wrong_row(number + 1));
            }
            bound.push(self.exprs(row, &mut Clause::plain(&scope, "field list"))?);
        }
        let mut schema = Vec::with_capacity(width);
        for column in 0..width {
            let mut common = bound[0][column].field_type().clone();
            for row in &bound[1..] {
                common = common_type(common, row[column].field_type().clone())?;
            }
            schema.push(common);
        }
        for row in &mut bound {
            for (expr, field_type) in row.iter_mut().zip(&schema) {
                *expr = fold(Expr::cast(expr.clone(), field_type.clone()));
            }
        }
        let named = schema.iter().enumerate().map(|(position, field_type)| OutputColumn {
            name: format!("column_{position}"),
            field_type: field_type.clone(),
            origin: None,
            key_flags: 0,
        });
        let columns = named.collect();
        Ok((Logical::Values { rows: bound, schema }, columns))
    }

    fn set_operation(
        &mut self,
        op: ast::SetOperator,
        all: bool,
        left: &ast::Query,
        right: &ast::Query,
    ) -> SqlResult<(Logical, Vec<OutputColumn>)> {
        let (left_plan, left_columns) = self.query(left)?;
        let (right_plan, right_columns) = self.query(right)?;
        if left_columns.len() != right_columns.len() {
            return Err(wrong_column_count());
        }
        let mut columns = Vec::with_capacity(left_columns.len());
        for (left, right) in left_columns.into_iter().zip(&right_columns) {
            let field_type = common_type(left.field_type, right.field_type.clone())?;
            columns.push(OutputColumn { name: left.name, field_type, origin: None, key_flags: 0 });
        }
        let sides = (cast_columns(left_plan, &columns), cast_columns(right_plan, &columns));
        Ok((set_operation::combine(op, all, sides)?, columns))
    }

    /// ORDER BY and LIMIT over a result whose columns have names only.
    fn order_and_limit(
        &mut self,
        plan: Logical,
        columns: &[OutputColumn],
        query: &ast::Query,
    ) -> SqlResult<Logical> {
        let scope = Scope::derived("", columns.to_vec());
        let mut keys = Vec::with_capacity(query.order_by.len());
        for item in &query.order_by {
            let expr = match super::select::position(&item.expr) {
                Some(position) => {
                    let index = usize::try_from(position).unwrap_or(0).wrapping_sub(1);
                    if index >= columns.len() {
                        let name = position.to_string();
                        return Err(super::bind_expr::unknown_column(&name, "order clause"));
                    }
                    scope.column(index)?
                }
                None => self.expr(&item.expr, &mut Clause::plain(&scope, "order clause"))?,
            };
            if !expr.is_constant() {
                keys.push(SortKey { expr, descending: item.descending });
            }
        }
        let limit = query.limit.as_ref().map(|limit| self.limit(limit)).transpose()?;
        Ok(limited(sorted(plan, keys), limit))
    }
}

/// Error 1222.
pub(super) fn wrong_column_count() -> SqlError {
    SqlError::new(
        errno::WRONG_NUMBER_OF_COLUMNS_IN_SELECT,
        "The used SELECT statements have a different number of columns",
    )
}

/// Error 1136.
pub(super) fn wrong_row(number: usize) -> SqlError {
    SqlError::new(
        errno::WRONG_VALUE_COUNT_ON_ROW,
        format!("Column count doesn't match value count at row {number}"),
    )
}

/// The type that holds the values of both, as COALESCE has it.
pub(super) fn common_type(left: FieldType, right: FieldType) -> SqlResult<FieldType> {
    if left == right {
        return Ok(left);
    }
    let not_null = left.not_null && right.not_null;
    let args = vec![Expr::column(0, left), Expr::column(1, right)];
    let common = Expr::call(Function::Coalesce, args)?;
    Ok(FieldType { not_null, ..common.field_type().clone() })
}

/// The rows with their columns cast to the given types.
pub(super) fn cast_columns(plan: Logical, columns: &[OutputColumn]) -> Logical {
    let schema = plan.schema();
    if schema.iter().zip(columns).all(|(from, to)| from.same_values(&to.field_type)) {
        return plan;
    }
    let exprs = schema.into_iter().zip(columns).enumerate();
    let exprs = exprs
        .map(|(index, (from, to))| Expr::cast(Expr::column(index, from), to.field_type.clone()))
        .collect();
    Logical::Project { input: Box::new(plan), exprs }
}
