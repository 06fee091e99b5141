//! The short road: rows of datums, one vector for each operator.
//!
//! Which plans fit is decided by [`fits`]: everything but joins without an index, as long as the optimizer expects few rows. If it was wrong
//! and more than [`MAX_ROWS`] rows are read, [`run`] gives up, and the wide road starts over; so plans whose
//! expressions do something (`@a := …`, `RAND()`, `LAST_INSERT_ID(n)`) come here only if they read single rows.

mod join;
mod operators;
mod point;

pub(super) use operators::{filter, left_out, project, sort, window};

use futures::future::BoxFuture;

use super::apply::{self, Applied};
use super::{ExecContext, ReadyPlan, fulltext, stored};
use crate::common::{SqlError, SqlResult};
use crate::sql::plan::{AccessLock, PhysicalPlan, PlanNode, PointAccess, QueryPlan};
use crate::sql::types::Datum;

/// How many rows a query may read on this road.
pub const MAX_ROWS: usize = 4096;

/// A query that has read more rows goes on where it may take long.
const LIGHT_ROWS: usize = 256;

/// Plans the optimizer expects more rows from take the wide road at once. A table nobody has counted passes for 10,000 rows.
const MAX_ESTIMATE: f64 = 20_000.0;

type Rows = Vec<Vec<Datum>>;

/// Counts the rows a query reads.
struct Budget {
    left: usize,
}

impl Budget {
    /// Takes rows out; `None` when there are not enough left, so that the query gives this road up.
    fn take(&mut self, rows: usize) -> Option<()> {
        self.left = self.left.checked_sub(rows)?;
        Some(())
    }

    /// Whether more has been read than is done in no time.
    fn is_much(&self) -> bool {
        MAX_ROWS.saturating_sub(self.left) > LIGHT_ROWS
    }
}

/// Runs a plan; `None` if it is one for the wide road.
pub(super) async fn run(plan: &ReadyPlan<'_>, ctx: &ExecContext) -> SqlResult<Option<Rows>> {
    match &plan.node {
        _ if ctx.profile.is_some() => {}
        PlanNode::PointGet { .. } => return point::get(&plan.node, ctx).await.map(Some),
        PlanNode::Project { input, exprs } => {
            // The hot path: no boxed future, no second vector.
            if matches!(input.node, PlanNode::PointGet { .. }) {
                let rows = point::get(&input.node, ctx).await?;
                return operators::project(rows, exprs, &ctx.eval).map(Some);
            }
        }
        _ => {}
    }
    if !fits(plan) {
        return Ok(None);
    }
    let warnings = ctx.eval.mark_warnings();
    let mut budget = Budget { left: MAX_ROWS };
    let rows = execute(plan, ctx, &mut budget).await?;
    if rows.is_none() {
        ctx.eval.back_to(warnings);
    }
    Ok(rows)
}

/// Whether the plan's shape and expected size are for this road.
fn fits(plan: &PhysicalPlan) -> bool {
    let small = match &plan.node {
        PlanNode::Dual { .. }
        | PlanNode::Values { .. }
        | PlanNode::PointGet { .. }
        | PlanNode::BatchPointGet { .. }
        | PlanNode::Virtual { .. } => return true,
        PlanNode::Ranked { .. } => return true,
        PlanNode::Rows { rows, .. } => return rows.len() <= MAX_ROWS,
        PlanNode::TableScan { filter, limit, .. } | PlanNode::IndexScan { filter, limit, .. } => {
            let stops = filter.is_none() && limit.is_some_and(|limit| limit <= MAX_ROWS as u64);
            stops || plan.estimated_rows <= MAX_ESTIMATE
        }
        PlanNode::IndexLookupJoin { .. } => plan.estimated_rows <= MAX_ESTIMATE,
        PlanNode::Filter { .. }
        | PlanNode::Project { .. }
        | PlanNode::Aggregate { .. }
        | PlanNode::Rollup { .. }
        | PlanNode::Window { .. }
        | PlanNode::Sort { .. }
        | PlanNode::Limit { .. }
        | PlanNode::Repeat { .. }
        | PlanNode::Unnest { .. }
        | PlanNode::Partitions { .. }
        | PlanNode::UnionAll { .. } => true,
        // What is on its right is run apart, for each left row.
        // A function is not called twice for a row, as it would be if the query had to start over.
        PlanNode::Apply { left, right, .. } => return fits(left) && !stored::calls_stored(right),
        PlanNode::Join { .. } | PlanNode::Common { .. } => false,
    };
    let starts_over = || !plan.node.any_expr(|expr| !expr.is_deterministic());
    small && plan.node.children().all(fits) && (starts_over() || reads_single_rows(plan))
}

/// Whether the plan reads nothing but rows named by their keys, and so never needs to start over.
fn reads_single_rows(plan: &PhysicalPlan) -> bool {
    match &plan.node {
        PlanNode::Dual { .. } | PlanNode::Values { .. } | PlanNode::PointGet { .. } => true,
        PlanNode::Filter { .. }
        | PlanNode::Project { .. }
        | PlanNode::Aggregate { .. }
        | PlanNode::Rollup { .. }
        | PlanNode::Window { .. }
        | PlanNode::Sort { .. }
        | PlanNode::Limit { .. }
        | PlanNode::Partitions { .. }
        | PlanNode::UnionAll { .. } => plan.node.children().all(reads_single_rows),
        PlanNode::BatchPointGet { .. }
        | PlanNode::TableScan { .. }
        | PlanNode::IndexScan { .. }
        | PlanNode::Virtual { .. }
        | PlanNode::Common { .. }
        | PlanNode::Rows { .. }
        | PlanNode::Ranked { .. }
        | PlanNode::Join { .. }
        | PlanNode::Apply { .. }
        | PlanNode::Repeat { .. }
        | PlanNode::Unnest { .. }
        | PlanNode::IndexLookupJoin { .. } => false,
    }
}

/// Whether all rows the plan locks are named by their keys.
pub(super) fn has_exact_keys(plan: &PhysicalPlan) -> bool {
    match &plan.node {
        PlanNode::BatchPointGet { .. } => true,
        PlanNode::Filter { input, .. }
        | PlanNode::Project { input, .. }
        | PlanNode::Partitions { input, .. } => has_exact_keys(input),
        _ => reads_single_rows(plan),
    }
}

/// Whether a query may read at `Timestamp::MAX`, without asking the oracle: it is one read of one key.
pub fn can_read_latest(plan: &QueryPlan) -> bool {
    fn one_key(plan: &PhysicalPlan) -> bool {
        match &plan.node {
            PlanNode::PointGet { access: PointAccess::Handle(_), lock, .. } => {
                *lock == AccessLock::None
            }
            PlanNode::Filter { input, .. }
            | PlanNode::Project { input, .. }
            | PlanNode::Limit { input, .. } => one_key(input),
            _ => false,
        }
    }
    plan.subqueries.is_empty() && !plan.locking && one_key(&plan.root)
}

/// Rows of a leaf for the wide road: constant and virtual ones, and those by keys.
pub(super) async fn leaf(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Rows> {
    let mut budget = Budget { left: usize::MAX };
    Ok(execute(plan, ctx, &mut budget).await?.unwrap_or_default())
}

/// Runs any plan that fits; `None` when the budget is used up. Counted if the statement is.
fn execute<'a>(
    plan: &'a PhysicalPlan,
    ctx: &'a ExecContext,
    budget: &'a mut Budget,
) -> BoxFuture<'a, SqlResult<Option<Rows>>> {
    let Some(profile) = &ctx.profile else { return execute_node(plan, ctx, budget) };
    Box::pin(async move {
        let began = profile.now();
        let rows = execute_node(plan, ctx, budget).await?;
        if let (Some(rows), Some(figures)) = (&rows, profile.of(plan)) {
            let nanos = profile.now() - began;
            figures.add_loop(rows.len(), nanos, nanos);
        }
        Ok(rows)
    })
}

fn execute_node<'a>(
    plan: &'a PhysicalPlan,
    ctx: &'a ExecContext,
    budget: &'a mut Budget,
) -> BoxFuture<'a, SqlResult<Option<Rows>>> {
    Box::pin(async move {
        match &plan.node {
            PlanNode::Dual { rows } => Ok(Some(vec![Vec::new(); *rows])),
            PlanNode::Values { rows } => stored::values(rows, ctx).await.map(Some),
            PlanNode::PointGet { .. } => point::get(&plan.node, ctx).await.map(Some),
            PlanNode::BatchPointGet { .. } => point::get_batch(&plan.node, ctx).await.map(Some),
            PlanNode::TableScan { .. } | PlanNode::IndexScan { .. } => {
                operators::scan(&plan.node, ctx, budget).await
            }
            PlanNode::Virtual { table, columns } => {
                operators::virtual_rows(table, columns, ctx).await.map(Some)
            }
            PlanNode::IndexLookupJoin { left, .. } => {
                let Some(rows) = execute(left, ctx, budget).await? else { return Ok(None) };
                join::index_lookup(&plan.node, rows, ctx, budget).await
            }
            PlanNode::Apply { left, .. } => {
                let Some(rows) = execute(left, ctx, budget).await? else { return Ok(None) };
                ctx.place.enter().await;
                Applied::new(plan)?.rows(rows, ctx).await.map(Some)
            }
            PlanNode::Repeat { input } => {
                let Some(rows) = execute(input, ctx, budget).await? else { return Ok(None) };
                apply::repeated(rows, ctx).map(Some)
            }
            PlanNode::Unnest { input, .. } => {
                let Some(rows) = execute(input, ctx, budget).await? else { return Ok(None) };
                operators::unnest(&plan.node, &rows, ctx, budget).await
            }
            PlanNode::UnionAll { inputs } => {
                let mut all = Vec::new();
                for input in inputs {
                    let Some(rows) = execute(input, ctx, budget).await? else { return Ok(None) };
                    all.extend(rows);
                }
                Ok(Some(all))
            }
            PlanNode::Rows { rows, columns } => {
                Ok(budget.take(rows.len()).map(|()| operators::pick(rows, columns)))
            }
            PlanNode::Ranked { ranks, unsigned, limit } => {
                let rows = fulltext::ranked(ranks, *unsigned, *limit, ctx)?;
                Ok(budget.take(rows.len()).map(|()| rows))
            }
            PlanNode::Common { .. } => Err(SqlError::internal("a common table without rows")),
            PlanNode::Partitions { .. } => Err(SqlError::internal("a table that is divided")),
            PlanNode::Join { .. } => Ok(None),
            PlanNode::Filter { input, .. }
            | PlanNode::Project { input, .. }
            | PlanNode::Aggregate { input, .. }
            | PlanNode::Rollup { input, .. }
            | PlanNode::Window { input, .. }
            | PlanNode::Sort { input, .. }
            | PlanNode::Limit { input, .. } => {
                let Some(rows) = execute(input, ctx, budget).await? else { return Ok(None) };
                operators::apply(&plan.node, rows, ctx).map(Some)
            }
        }
    })
}
