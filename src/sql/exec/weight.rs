//! How much a plan may compute.

use crate::sql::expr::Expr;
use crate::sql::plan::{
    Assignment, ConflictAction, HandleRange, IndexRange, InsertSource, PhysicalPlan, PlanNode,
    PointAccess, QueryPlan, StatementPlan, Subplan,
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
                    && weight.assignments(&update.assignments)
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
        subplans.iter().all(|subplan| self.plan(&subplan.plan))
    }

    fn plans(&mut self, plans: &[PhysicalPlan]) -> bool {
        plans.iter().all(|plan| self.plan(plan))
    }

    fn assignments(&mut self, assignments: &[Assignment]) -> bool {
        assignments.iter().all(|assignment| self.expr(&assignment.value))
    }

    fn plan(&mut self, plan: &PhysicalPlan) -> bool {
        let few = plan.estimated_rows <= LIGHT_ROWS;
        match &plan.node {
            PlanNode::Dual { rows } => *rows <= LIGHT_KEYS,
            PlanNode::Values { rows } => {
                rows.len() <= LIGHT_KEYS && rows.iter().flatten().all(|expr| self.expr(expr))
            }
            PlanNode::PointGet { access, .. } => self.access(access),
            PlanNode::BatchPointGet { access, .. } => {
                access.len() <= LIGHT_KEYS && access.iter().all(|access| self.access(access))
            }
            PlanNode::TableScan { ranges, filter, .. } => {
                few && ranges.len() <= LIGHT_KEYS
                    && ranges.iter().all(|HandleRange { low, high }| {
                        self.bound(low.as_ref()) && self.bound(high.as_ref())
                    })
                    && self.exprs(filter)
            }
            PlanNode::IndexScan { ranges, filter, .. } => {
                few && ranges.len() <= LIGHT_KEYS
                    && ranges.iter().all(|IndexRange { equal, low, high }| {
                        self.exprs(equal) && self.bound(low.as_ref()) && self.bound(high.as_ref())
                    })
                    && self.exprs(filter)
            }
            PlanNode::IndexLookupJoin { left, keys, filter, .. } => {
                few && self.plan(left) && self.exprs(keys) && self.exprs(filter)
            }
            PlanNode::Filter { input, predicate } => self.plan(input) && self.expr(predicate),
            PlanNode::Project { input, exprs } => self.plan(input) && self.exprs(exprs),
            PlanNode::Aggregate { input, group_by, aggregates } => {
                self.plan(input)
                    && self.exprs(group_by)
                    && aggregates.iter().all(|aggregate| self.exprs(&aggregate.args))
            }
            PlanNode::Sort { input, keys, .. } => {
                self.plan(input) && keys.iter().all(|key| self.expr(&key.expr))
            }
            PlanNode::Limit { input, .. } => self.plan(input),
            PlanNode::UnionAll { inputs } => self.plans(inputs),
            PlanNode::Rows { rows, .. } => rows.len() <= LIGHT_KEYS,
            // Rows the session computes, joins without an index, and what is read several times.
            PlanNode::Virtual { .. } | PlanNode::Join { .. } | PlanNode::Common { .. } => false,
        }
    }

    fn access(&mut self, access: &PointAccess) -> bool {
        match access {
            PointAccess::Handle(expr) => self.expr(expr),
            PointAccess::Unique { values, .. } => self.exprs(values),
        }
    }

    fn bound(&mut self, bound: Option<&(Expr, bool)>) -> bool {
        bound.is_none_or(|(expr, _)| self.expr(expr))
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
