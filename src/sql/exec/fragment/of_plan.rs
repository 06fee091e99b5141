//! The fragment that a plan is.

use super::{Fragment, RangeScan, Step};
use crate::common::SqlResult;
use crate::sql::exec::{ExecContext, ranges, short};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::functions::Volatility;
use crate::sql::plan::{AccessLock, PhysicalPlan, PlanNode, SortKey};
use crate::sql::table_codec;

/// Functions whose answers depend on more of the session than its environment says, and the one that has all that a search found with it.
const OF_THE_SESSION: &[&str] = &["aes_encrypt", "aes_decrypt", "match against"];

impl Fragment {
    /// The fragment that gives what the plan gives, if there is one: a scan of rows that locks nothing, filtered and projected, then
    /// perhaps grouped, or the first of it. An aggregation's is a partial one, and of a window of rows it gives those before as well.
    pub fn of(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Option<Fragment>> {
        let eval = &*ctx.eval;
        let step = match &plan.node {
            PlanNode::TableScan { table, ranges, columns, filter, reverse, limit, lock } => {
                if *lock != AccessLock::None {
                    return Ok(None);
                }
                let scan = RangeScan {
                    ranges: ranges::handle_ranges(table, ranges, eval)?,
                    reverse: *reverse,
                    columns: table_codec::wanted_columns(table, columns),
                };
                let Some(filter) = sendable_all(filter, eval) else { return Ok(None) };
                let all = filter.into_iter().map(Step::Filter).chain(limit.map(Step::Limit));
                return Ok(Some(Fragment { scan, steps: all.collect() }));
            }
            PlanNode::Filter { predicate, .. } => sendable(predicate, eval).map(Step::Filter),
            PlanNode::Project { exprs, .. } => sendable_all(exprs, eval).map(Step::Project),
            PlanNode::Aggregate { group_by, aggregates, .. } => {
                let mut aggregates = aggregates.clone();
                for aggregate in &mut aggregates {
                    let Some(args) = sendable_all(&aggregate.args, eval) else { return Ok(None) };
                    aggregate.args = args;
                }
                let group_by = sendable_all(group_by, eval);
                group_by.map(|group_by| Step::Aggregate { group_by, aggregates })
            }
            PlanNode::Sort { keys, fetch: Some(limit), .. } => {
                let exprs = sendable_all(keys.iter().map(|key| &key.expr), eval);
                exprs.map(|exprs| {
                    let keys = exprs
                        .into_iter()
                        .zip(keys)
                        .map(|(expr, key)| SortKey { expr, descending: key.descending });
                    Step::TopN { keys: keys.collect(), limit: *limit }
                })
            }
            PlanNode::Limit { offset, limit: Some(limit), .. } => {
                let (offset, limit) = short::window(offset.as_ref(), Some(limit), ctx)?;
                Some(Step::Limit(offset.saturating_add(limit) as u64))
            }
            PlanNode::Sort { fetch: None, .. }
            | PlanNode::Limit { limit: None, .. }
            | PlanNode::Dual { .. }
            | PlanNode::Values { .. }
            | PlanNode::PointGet { .. }
            | PlanNode::BatchPointGet { .. }
            | PlanNode::IndexScan { .. }
            | PlanNode::Virtual { .. }
            | PlanNode::Common { .. }
            | PlanNode::Rows { .. }
            | PlanNode::Ranked { .. }
            | PlanNode::Join { .. }
            | PlanNode::Unnest { .. }
            | PlanNode::IndexLookupJoin { .. }
            | PlanNode::Apply { .. }
            | PlanNode::Repeat { .. }
            | PlanNode::Rollup { .. }
            | PlanNode::Window { .. }
            | PlanNode::Partitions { .. }
            | PlanNode::UnionAll { .. } => None,
        };
        let (Some(step), Some(input)) = (step, plan.node.children().next()) else {
            return Ok(None);
        };
        let Some(mut fragment) = Fragment::of(input, ctx)? else { return Ok(None) };
        if !fragment.steps.iter().all(Step::is_by_row) {
            return Ok(None);
        }
        fragment.steps.push(step);
        Ok(Some(fragment))
    }
}

/// The expression with what is constant in it computed; `None` if it can only be computed here.
fn sendable(expr: &Expr, eval: &EvalContext) -> Option<Expr> {
    let folded = expr.clone().fold(eval);
    let mut can_travel = true;
    folded.visit(&mut |node| {
        can_travel &= match node {
            Expr::Column { .. } | Expr::Literal { .. } => true,
            Expr::Parameter { .. } => false,
            Expr::Call { function, .. } => {
                function.definition().volatility <= Volatility::Statement
                    && !OF_THE_SESSION.contains(&function.name())
            }
        };
    });
    can_travel.then_some(folded)
}

fn sendable_all<'e>(
    exprs: impl IntoIterator<Item = &'e Expr>,
    eval: &EvalContext,
) -> Option<Vec<Expr>> {
    exprs.into_iter().map(|expr| sendable(expr, eval)).collect()
}
