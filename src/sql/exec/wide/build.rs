//! From the plan to a tree of operators.

use std::sync::Arc;

use arrow::compute::SortOptions;
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use datafusion_physical_expr_common::sort_expr::{LexOrdering, PhysicalSortExpr};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::filter::FilterExec;
use datafusion_physical_plan::limit::GlobalLimitExec;
use datafusion_physical_plan::projection::ProjectionExec;
use datafusion_physical_plan::sorts::sort::SortExec;

use super::assigning::{Projection, assigns, has_variables};
use super::batch::schema_of;
use super::join::LookupJoin;
use super::profiled::profiled;
use super::sort_key::comparable;
use super::source::{SourceExec, SourceKind};
use super::unnest::UnnestBatches;
use super::watched::watched;
use super::window::{Rollup, WindowOver};
use super::{aggregate, join};
use crate::common::{SqlError, SqlResult};
use crate::sql::exec::apply::Applied;
use crate::sql::exec::{ExecContext, short};
use crate::sql::expr::{Expr, from_df_error, physical, physical_predicate};
use crate::sql::plan::{PhysicalPlan, PlanNode, SortKey};

/// The first so many rows are kept in a heap; for more all are sorted.
const TOP_ROWS: usize = 100_000;

/// The operators of a plan.
pub(super) fn build(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Arc<dyn ExecutionPlan>> {
    Ok(profiled(operator(plan, ctx)?, plan, ctx))
}

fn operator(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Arc<dyn ExecutionPlan>> {
    let source = |kind, children| SourceExec::new(kind, children, schema_of(&plan.schema), ctx);
    Ok(match &plan.node {
        PlanNode::Dual { .. }
        | PlanNode::Values { .. }
        | PlanNode::PointGet { .. }
        | PlanNode::BatchPointGet { .. }
        | PlanNode::Common { .. }
        | PlanNode::Rows { .. }
        | PlanNode::Ranked { .. }
        | PlanNode::Virtual { .. } => source(SourceKind::Short(plan.clone()), Vec::new()),
        PlanNode::TableScan { .. } | PlanNode::IndexScan { .. } => {
            source(SourceKind::Scan(plan.clone()), Vec::new())
        }
        PlanNode::Partitions { .. } => return Err(SqlError::internal("a table that is divided")),
        PlanNode::IndexLookupJoin { left, .. } => {
            let join = Arc::new(LookupJoin::new(plan)?);
            source(SourceKind::LookupJoin(join), vec![build(left, ctx)?])
        }
        PlanNode::Apply { left, .. } => {
            let applied = Arc::new(Applied::new(plan)?);
            source(SourceKind::Apply(applied, left.schema.clone()), vec![build(left, ctx)?])
        }
        PlanNode::Repeat { input } => {
            source(SourceKind::Repeat(input.schema.clone()), vec![build(input, ctx)?])
        }
        PlanNode::Unnest { input, .. } => {
            let unnest = Arc::new(UnnestBatches::new(plan, input)?);
            source(SourceKind::Unnest(unnest), vec![build(input, ctx)?])
        }
        PlanNode::UnionAll { inputs } => {
            let children = inputs.iter().map(|input| build(input, ctx));
            source(SourceKind::Concat, children.collect::<SqlResult<_>>()?)
        }
        PlanNode::Filter { input, predicate } => filter(build(input, ctx)?, predicate, ctx)?,
        PlanNode::Project { input, exprs } if exprs.iter().any(assigns) => {
            let projection = Arc::new(Projection::new(exprs, input));
            source(SourceKind::Project(projection), vec![build(input, ctx)?])
        }
        PlanNode::Project { input, exprs } => project(build(input, ctx)?, exprs, ctx)?,
        PlanNode::Join { left, right, .. } => {
            let join = join::build(&plan.node, build(left, ctx)?, build(right, ctx)?, ctx)?;
            // DataFusion names a join's columns as its inputs do; ours are named by position.
            source(SourceKind::Concat, vec![join])
        }
        PlanNode::Aggregate { input, group_by, aggregates } => {
            let groups = aggregate::build(build(input, ctx)?, group_by, aggregates, ctx)?;
            source(SourceKind::Concat, vec![groups])
        }
        PlanNode::Rollup { input, keys } => {
            let rollup = Arc::new(Rollup::new(keys, plan, ctx));
            source(SourceKind::Rollup(rollup), vec![build(input, ctx)?])
        }
        PlanNode::Window { input, window } => {
            let over = Arc::new(WindowOver::new(window, plan, input));
            source(SourceKind::Window(over), vec![build(input, ctx)?])
        }
        PlanNode::Sort { input, keys, fetch } => {
            // What has sorted and what has grouped gives its rows without asking anybody: whoever reads them looks at the interrupt.
            source(SourceKind::Concat, vec![sort(build(input, ctx)?, keys, *fetch, ctx)])
        }
        PlanNode::Limit { input, offset, limit } => {
            let (skip, fetch) = short::window(offset.as_ref(), limit.as_ref(), ctx)?;
            let fetch = limit.is_some().then_some(fetch);
            Arc::new(GlobalLimitExec::new(build(input, ctx)?, skip, fetch))
        }
    })
}

fn filter(
    input: Arc<dyn ExecutionPlan>,
    predicate: &Expr,
    ctx: &ExecContext,
) -> SqlResult<Arc<dyn ExecutionPlan>> {
    let filter = FilterExec::try_new(physical_predicate(predicate, &ctx.eval), input);
    let filter = filter.and_then(|filter| match has_variables(predicate) {
        // What passes must not wait for others.
        true => filter.with_batch_size(1),
        false => Ok(filter),
    });
    Ok(Arc::new(filter.map_err(from_df_error)?))
}

fn project(
    input: Arc<dyn ExecutionPlan>,
    exprs: &[Expr],
    ctx: &ExecContext,
) -> SqlResult<Arc<dyn ExecutionPlan>> {
    let exprs = exprs.iter().enumerate();
    let named: Vec<(Arc<dyn PhysicalExpr>, String)> =
        exprs.map(|(position, expr)| (physical(expr, &ctx.eval), format!("c{position}"))).collect();
    Ok(Arc::new(ProjectionExec::try_new(named, input).map_err(from_df_error)?))
}

fn sort(
    input: Arc<dyn ExecutionPlan>,
    keys: &[SortKey],
    fetch: Option<u64>,
    ctx: &ExecContext,
) -> Arc<dyn ExecutionPlan> {
    let keys = keys.iter().map(|key| {
        // NULL is the lowest value.
        let options = SortOptions { descending: key.descending, nulls_first: !key.descending };
        PhysicalSortExpr::new(watched(comparable(&key.expr, &ctx.eval), &ctx.eval), options)
    });
    let fetch = fetch.map(|fetch| usize::try_from(fetch).unwrap_or(usize::MAX));
    let Some(ordering) = LexOrdering::new(keys) else { return input };
    let sort = SortExec::new(ordering, input);
    match fetch {
        None => Arc::new(sort),
        Some(fetch) if fetch <= TOP_ROWS => Arc::new(sort.with_fetch(Some(fetch))),
        // The heap of the first rows takes more time and memory than sorting, and is emptied in one step.
        Some(fetch) => Arc::new(GlobalLimitExec::new(Arc::new(sort), 0, Some(fetch))),
    }
}
