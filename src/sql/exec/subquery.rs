//! Subqueries and common tables: computed first, then put into the plan as constants and rows.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use super::{Disposed, ExecContext, RowBatch, RowStream, fulltext, recursive, run_plan};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Expr, Function};
use crate::sql::plan::{
    Assignment, PhysicalPlan, PlanNode, ROW_BASE, ROW_VALUE_BASE, Subplan, SubplanResult,
};
use crate::sql::types::{Collation, Datum, FieldType};

/// A plan that has in it all that it reads of others: no common table without rows, and no parameter but the statement's own. The
/// executor takes no other.
pub(crate) struct ReadyPlan<'p>(Cow<'p, PhysicalPlan>);

impl Deref for ReadyPlan<'_> {
    type Target = PhysicalPlan;

    fn deref(&self) -> &PhysicalPlan {
        &self.0
    }
}

impl<'p> ReadyPlan<'p> {
    /// A plan that has all in it.
    pub(super) fn of(plan: PhysicalPlan) -> ReadyPlan<'p> {
        ReadyPlan(Cow::Owned(plan))
    }

    /// The same, not copied.
    pub(super) fn as_it_is(plan: &'p PhysicalPlan) -> ReadyPlan<'p> {
        ReadyPlan(Cow::Borrowed(plan))
    }
}

#[cfg(test)]
impl ReadyPlan<'_> {
    /// Whether the plan had to be copied.
    pub(super) fn is_copy(&self) -> bool {
        matches!(self.0, Cow::Owned(_))
    }
}

/// What a statement's subplans have found.
#[derive(Default)]
pub(crate) struct Found {
    /// How many parameters are the statement's own.
    own: usize,
    /// Values of subqueries, or the error that reading them is: the parameters after the statement's own.
    values: Vec<Expr>,
    /// Rows of common tables.
    tables: Vec<Arc<Vec<Vec<Datum>>>>,
}

impl Found {
    /// The plan with what it reads of others. It is copied only if it reads something, and then once.
    pub(super) fn ready<'p>(&self, plan: &'p PhysicalPlan) -> ReadyPlan<'p> {
        if self.is_empty() || !plan.any(&mut |node| self.is_read_by(node)) {
            return ReadyPlan(Cow::Borrowed(plan));
        }
        let mut plan = plan.clone();
        plan.change(&mut |node| {
            node.change_exprs(&mut |expr| self.put_into(expr));
            if let PlanNode::Common { number, columns } = node {
                let rows = self.tables.get(*number).cloned().unwrap_or_default();
                *node = PlanNode::Rows { rows, columns: std::mem::take(columns) };
            }
        });
        ReadyPlan(Cow::Owned(plan))
    }

    /// The same for an expression.
    pub(super) fn expr<'e>(&self, expr: &'e Expr) -> Cow<'e, Expr> {
        if !self.is_read_in(expr) {
            return Cow::Borrowed(expr);
        }
        let mut expr = expr.clone();
        self.put_into(&mut expr);
        Cow::Owned(expr)
    }

    /// The same for assignments.
    pub(super) fn assignments<'p>(&self, assignments: &'p [Assignment]) -> Cow<'p, [Assignment]> {
        if !assignments.iter().any(|assignment| self.is_read_in(&assignment.value)) {
            return Cow::Borrowed(assignments);
        }
        let mut assignments = assignments.to_vec();
        assignments.iter_mut().for_each(|assignment| self.put_into(&mut assignment.value));
        Cow::Owned(assignments)
    }

    /// The expression, which is over this row, with what its subqueries that read the row give; `plans`: those of the statement.
    pub(super) async fn over_row<'e>(
        &self,
        expr: &'e Expr,
        plans: &[PhysicalPlan],
        row: &[Datum],
        ctx: &ExecContext,
    ) -> SqlResult<Cow<'e, Expr>> {
        let mut wanted = Vec::new();
        let values = ROW_VALUE_BASE..ROW_VALUE_BASE + plans.len();
        if !plans.is_empty() {
            expr.visit(&mut |node| match node {
                Expr::Parameter { index, .. } if values.contains(index) => wanted.push(*index),
                _ => {}
            });
        }
        if wanted.is_empty() {
            return Ok(self.expr(expr));
        }
        let mut expr = self.expr(expr).into_owned();
        for index in wanted {
            let mut plan = self.ready(&plans[index - ROW_VALUE_BASE]).0.into_owned();
            plan.change(&mut |node| {
                node.change_exprs(&mut |expr| {
                    put(expr, &|index| {
                        let value = row.get(index.checked_sub(ROW_BASE)?)?;
                        Some(value.clone())
                    });
                });
            });
            let found = only_row(&ReadyPlan::of(plan), ctx).await?.swap_remove(0);
            expr = expr.transform(&mut |node| {
                let is_wanted =
                    matches!(&node, Expr::Parameter { index: own, .. } if *own == index);
                Ok(if is_wanted { found.clone() } else { node })
            })?;
        }
        Ok(Cow::Owned(expr))
    }

    /// Gives the common table of this number these rows.
    pub(super) fn put_table(&mut self, number: usize, rows: Vec<Vec<Datum>>) {
        self.tables.truncate(number);
        self.tables.push(Arc::new(rows));
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.tables.is_empty()
    }

    fn is_read_by(&self, node: &PlanNode) -> bool {
        matches!(node, PlanNode::Common { .. }) || node.any_expr(|expr| self.is_read_in(expr))
    }

    fn is_read_in(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Column { .. } | Expr::Literal { .. } => false,
            Expr::Parameter { index, .. } => self.value(*index).is_some(),
            Expr::Call { args, .. } => args.iter().any(|arg| self.is_read_in(arg)),
        }
    }

    fn value(&self, parameter: usize) -> Option<&Expr> {
        self.values.get(parameter.checked_sub(self.own)?)
    }

    fn put_into(&self, expr: &mut Expr) {
        match expr {
            Expr::Column { .. } | Expr::Literal { .. } => {}
            Expr::Parameter { index, .. } => {
                if let Some(value) = self.value(*index) {
                    *expr = value.clone();
                }
            }
            Expr::Call { args, .. } => args.iter_mut().for_each(|arg| self.put_into(arg)),
        }
    }
}

/// Puts values in the places of parameters that have one.
fn put(expr: &mut Expr, value: &impl Fn(usize) -> Option<Datum>) {
    match expr {
        Expr::Column { .. } | Expr::Literal { .. } => {}
        Expr::Parameter { index, field_type } => {
            if let Some(value) = value(*index) {
                *expr = Expr::Literal { value, field_type: field_type.clone() };
            }
        }
        Expr::Call { args, .. } => args.iter_mut().for_each(|arg| put(arg, value)),
    }
}

/// Runs a statement's subplans. Each may use what those before it have found.
pub(super) async fn values(subplans: &[Subplan], ctx: &ExecContext) -> SqlResult<Found> {
    let mut found = Found { own: ctx.eval.params.len(), ..Found::default() };
    let mut bytes = 0;
    for Subplan { plan, result } in subplans {
        let ready = found.ready(plan);
        match result {
            SubplanResult::Values => {
                let row = only_row(&ready, ctx).await?;
                found.values.extend(row);
            }
            SubplanResult::Search(search) => {
                let count = only_row(&ready, ctx).await?.swap_remove(0).eval(&[], &ctx.eval)?;
                let rows = count.as_count().unwrap_or(0);
                let query = found.expr(&search.query);
                let ranks = fulltext::search(search, &query, rows, ctx).await?;
                bytes += ranks.len();
                let field_type = FieldType::long_text().collate(Collation::Binary);
                found.values.push(Expr::Literal { value: Datum::Bytes(ranks), field_type });
            }
            SubplanResult::Table => {
                found.tables.push(Arc::new(all_rows(&ready, &mut bytes, ctx).await?));
            }
            SubplanResult::Recursive(recursion) => {
                let first = all_rows(&ready, &mut bytes, ctx).await?;
                drop(ready);
                let types = &plan.schema;
                let rows =
                    recursive::rows(&mut found, recursion, types, first, &mut bytes, ctx).await?;
                found.put_table(recursion.number, rows);
            }
        }
    }
    Ok(found)
}

/// The values of the only row, NULLs without one. With more each is error 1242 to who asks for it: nobody may, if it stands in a branch that
/// is not taken.
async fn only_row(plan: &ReadyPlan<'_>, ctx: &ExecContext) -> SqlResult<Vec<Expr>> {
    let types = plan.schema.iter().cloned();
    let mut stream = Box::pin(run_plan(plan, ctx)).await?.apart();
    let mut found = None;
    while let Some(batch) = stream.next_batch().await? {
        for row in batch.into_rows(&plan.schema) {
            if found.is_some() {
                return Ok(types.map(several_rows).collect());
            }
            found = Some(row);
        }
    }
    let row = found.unwrap_or_else(|| vec![Datum::Null; plan.schema.len()]);
    let values = row.into_iter().zip(types);
    Ok(values.map(|(value, field_type)| Expr::Literal { value, field_type }).collect())
}

/// Error 1242 when it is evaluated.
fn several_rows(field_type: FieldType) -> Expr {
    Expr::Call { function: Function::OnlyRow, args: Vec::new(), field_type }
}

/// All rows of a plan that runs once in its statement. `bytes`: what those of the statement hold together.
pub(super) async fn all_rows(
    plan: &ReadyPlan<'_>,
    bytes: &mut usize,
    ctx: &ExecContext,
) -> SqlResult<Vec<Vec<Datum>>> {
    let stream = Box::pin(run_plan(plan, ctx)).await?.apart();
    gather(stream, plan, bytes, ctx).await
}

/// All rows of a plan that runs. `bytes`: what those of the statement hold together.
pub(super) async fn gather(
    mut stream: RowStream,
    plan: &ReadyPlan<'_>,
    bytes: &mut usize,
    ctx: &ExecContext,
) -> SqlResult<Vec<Vec<Datum>>> {
    let mut rows = Disposed::new(Vec::new(), ctx);
    while let Some(batch) = stream.next_batch().await? {
        for row in batch.into_rows(&plan.schema) {
            *bytes += row.iter().map(held_bytes).sum::<usize>() + size_of::<Vec<Datum>>();
            rows.push(row);
        }
        if *bytes > ctx.limits.memory_bytes {
            return Err(SqlError::over_memory());
        }
    }
    Ok(rows.into_inner())
}

pub(super) fn held_bytes(value: &Datum) -> usize {
    size_of::<Datum>() + value.held_bytes()
}

impl RowBatch {
    /// The rows as datums, whatever the form.
    pub fn into_rows(self, schema: &[FieldType]) -> Vec<Vec<Datum>> {
        match self {
            RowBatch::Rows(rows) => rows,
            RowBatch::Columns(batch) => super::wide::batch_rows(&batch, schema),
        }
    }
}
