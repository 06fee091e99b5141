//! How much a plan may compute.

use crate::sql::expr::Expr;
use crate::sql::plan::{
    Assignment, ConflictAction, InsertSource, PhysicalPlan, PlanNode, QueryPlan, StatementPlan,
    Subplan, SubplanResult,
};
use crate::sql::types::Datum;

/// Nodes of expressions that a light plan has at most, over all its operators.
const LIGHT_NODES: usize = 200;
/// Rows that a light plan is expected to read at most; one that reads more finds out on its way.
const LIGHT_ROWS: f64 = 1000.0;
/// Keys that a light plan names at most.
const LIGHT_KEYS: usize = 64;
/// A longer value is not light.
const LIGHT_BYTES: usize = 16 << 10;

/// Whether a statement with this plan surely computes no longer than it takes to hand it to another thread many times over:
/// few rows, each by few steps that take about as long whatever the values are.
pub fn is_light(plan: &StatementPlan, params: &[Datum]) -> bool {
    let mut weight = Weight { nodes: LIGHT_NODES };
    params.iter().all(is_short)
        && match plan {
            StatementPlan::Query(query) => weight.query(query),
            StatementPlan::Insert(insert) => {
                let rows = match &insert.source {
                    InsertSource::Values(rows) => {
                        rows.len() <= LIGHT_KEYS
                            && rows.iter().flatten().flatten().all(|expr| weight.expr(expr))
                    }
                    InsertSource::Query(query) => weight.query(query),
                    InsertSource::Load(_) => false,
                };
                let updates = match &insert.on_conflict {
                    ConflictAction::Update(assignments) => weight.assignments(assignments),
                    ConflictAction::Error | ConflictAction::Ignore | ConflictAction::Replace => {
                        true
                    }
                };
                rows && updates && weight.subplans(&insert.subqueries)
            }
            StatementPlan::Update(update) => {
                weight.plan(&update.source)
                    && update.tables.iter().all(|table| weight.assignments(&table.assignments))
                    && weight.subplans(&update.subqueries)
            }
            StatementPlan::Delete(delete) => {
                weight.plan(&delete.source) && weight.subplans(&delete.subqueries)
            }
        }
}

fn is_short(value: &Datum) -> bool {
    !matches!(value, Datum::Bytes(bytes) if bytes.len() > LIGHT_BYTES)
}

/// What is left of what a light plan may have.
struct Weight {
    nodes: usize,
}

impl Weight {
    fn query(&mut self, query: &QueryPlan) -> bool {
        self.plan(&query.root) && self.subplans(&query.subqueries)
    }

    fn subplans(&mut self, subplans: &[Subplan]) -> bool {
        let searches = |subplan: &Subplan| matches!(subplan.result, SubplanResult::Search(_));
        !subplans.iter().any(searches)
            && subplans.iter().flat_map(Subplan::plans).all(|plan| self.plan(plan))
    }

    fn assignments(&mut self, assignments: &[Assignment]) -> bool {
        assignments.iter().all(|assignment| self.expr(&assignment.value))
    }

    fn plan(&mut self, plan: &PhysicalPlan) -> bool {
        let few = plan.estimated_rows <= LIGHT_ROWS;
        let light = match &plan.node {
            PlanNode::Dual { rows } => *rows <= LIGHT_KEYS,
            PlanNode::Values { rows } => rows.len() <= LIGHT_KEYS,
            PlanNode::Rows { rows, .. } => rows.len() <= LIGHT_KEYS,
            PlanNode::BatchPointGet { access, .. } => access.len() <= LIGHT_KEYS,
            PlanNode::TableScan { ranges, .. } => few && ranges.len() <= LIGHT_KEYS,
            PlanNode::IndexScan { ranges, .. } => few && ranges.len() <= LIGHT_KEYS,
            PlanNode::IndexLookupJoin { .. } | PlanNode::Ranked { .. } => few,
            PlanNode::PointGet { .. }
            | PlanNode::Filter { .. }
            | PlanNode::Project { .. }
            | PlanNode::Aggregate { .. }
            | PlanNode::Rollup { .. }
            | PlanNode::Sort { .. }
            | PlanNode::Limit { .. }
            | PlanNode::Partitions { .. }
            | PlanNode::UnionAll { .. } => true,
            // Rows the session computes, joins without an index, the rows of documents, and what is read several times.
            PlanNode::Virtual { .. }
            | PlanNode::Join { .. }
            | PlanNode::Common { .. }
            | PlanNode::Unnest { .. }
            | PlanNode::Apply { .. }
            | PlanNode::Repeat { .. }
            | PlanNode::Window { .. } => false,
        };
        light
            && !plan.node.any_expr(|expr| !self.expr(expr))
            && plan.node.children().all(|child| self.plan(child))
    }

    fn exprs<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) -> bool {
        exprs.into_iter().all(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr) -> bool {
        let Some(left) = self.nodes.checked_sub(1) else { return false };
        self.nodes = left;
        match expr {
            Expr::Literal { value, .. } => is_short(value),
            Expr::Column { .. } | Expr::Parameter { .. } => true,
            Expr::Call { function, args, .. } => function.is_light() && self.exprs(args),
        }
    }
}
