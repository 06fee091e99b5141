//! Subqueries and common tables: computed first, then put into the plan as constants and rows.

use std::sync::Arc;

use super::{Disposed, ExecContext, RowBatch, run_plan};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Expr;
use crate::sql::plan::{
    HandleRange, IndexRange, PhysicalPlan, PlanNode, PointAccess, SortKey, Subplan, SubplanResult,
};
use crate::sql::types::{Datum, FieldType};

/// What a statement's subplans have found.
#[derive(Default)]
pub(super) struct Found {
    /// Values of subqueries, with their types.
    values: Vec<(Datum, FieldType)>,
    /// Rows of common tables.
    tables: Vec<Arc<Vec<Vec<Datum>>>>,
}

impl Found {
    /// Whether nothing was looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.tables.is_empty()
    }
}

/// Runs a statement's subplans. Each may use what those before it have found.
pub(super) async fn values(subplans: &[Subplan], ctx: &ExecContext) -> SqlResult<Found> {
    let mut found = Found::default();
    let mut bytes = 0;
    for Subplan { plan, result } in subplans {
        let plan = substitute(plan, ctx.eval.params.len(), &found);
        match result {
            SubplanResult::Values => {
                let row = only_row(&plan, ctx).await?;
                found.values.extend(row.into_iter().zip(plan.schema));
            }
            SubplanResult::Table => {
                found.tables.push(Arc::new(all_rows(&plan, &mut bytes, ctx).await?));
            }
        }
    }
    Ok(found)
}

/// The values of the only row, NULLs without one, error 1242 with more.
async fn only_row(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Vec<Datum>> {
    let mut stream = Box::pin(run_plan(plan, ctx)).await?;
    let mut found = None;
    while let Some(batch) = stream.next_batch().await? {
        for row in batch.into_rows(&plan.schema) {
            if found.is_some() {
                return Err(SqlError::new(
                    errno::SUBQUERY_NO_1_ROW,
                    "Subquery returns more than 1 row",
                ));
            }
            found = Some(row);
        }
    }
    Ok(found.unwrap_or_else(|| vec![Datum::Null; plan.schema.len()]))
}

/// All rows of a common table. `bytes`: what those of the statement hold together.
async fn all_rows(
    plan: &PhysicalPlan,
    bytes: &mut usize,
    ctx: &ExecContext,
) -> SqlResult<Vec<Vec<Datum>>> {
    let mut stream = Box::pin(run_plan(plan, ctx)).await?;
    let mut rows = Disposed::new(Vec::new(), ctx);
    while let Some(batch) = stream.next_batch().await? {
        for row in batch.into_rows(&plan.schema) {
            *bytes += row.iter().map(held_bytes).sum::<usize>() + size_of::<Vec<Datum>>();
            rows.push(row);
        }
        if *bytes > ctx.limits.memory_bytes {
            return Err(SqlError::new(
                errno::UNKNOWN,
                "Out Of Memory Quota! A common table has more rows than fit into the query's memory",
            ));
        }
    }
    Ok(rows.into_inner())
}

fn held_bytes(value: &Datum) -> usize {
    let text = match value {
        Datum::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    size_of::<Datum>() + text
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

/// The plan with what was found in it: parameters from `first` on are values of subqueries, and common tables have rows.
pub(super) fn substitute(plan: &PhysicalPlan, first: usize, found: &Found) -> PhysicalPlan {
    if found.is_empty() {
        return plan.clone();
    }
    map_plan(plan, &Map { first, found })
}

/// The same for one expression.
pub(super) fn substitute_expr(expr: &Expr, first: usize, found: &Found) -> Expr {
    match expr {
        Expr::Parameter { index, .. } if *index >= first && index - first < found.values.len() => {
            let (value, field_type) = found.values[index - first].clone();
            Expr::Literal { value, field_type }
        }
        Expr::Call { function, args, field_type } => Expr::Call {
            function: *function,
            args: args.iter().map(|arg| substitute_expr(arg, first, found)).collect(),
            field_type: field_type.clone(),
        },
        other => other.clone(),
    }
}

struct Map<'a> {
    first: usize,
    found: &'a Found,
}

impl Map<'_> {
    fn expr(&self, expr: &Expr) -> Expr {
        substitute_expr(expr, self.first, self.found)
    }

    fn change(&self, expr: &mut Expr) {
        *expr = self.expr(expr);
    }

    fn exprs(&self, exprs: &[Expr]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn maybe(&self, expr: &Option<Expr>) -> Option<Expr> {
        expr.as_ref().map(|expr| self.expr(expr))
    }

    fn input(&self, input: &PhysicalPlan) -> Box<PhysicalPlan> {
        Box::new(map_plan(input, self))
    }
}

fn map_plan(plan: &PhysicalPlan, map: &Map) -> PhysicalPlan {
    PhysicalPlan {
        node: map_node(&plan.node, map),
        schema: plan.schema.clone(),
        estimated_rows: plan.estimated_rows,
    }
}

fn map_node(node: &PlanNode, map: &Map) -> PlanNode {
    match node {
        PlanNode::Filter { input, predicate } => {
            PlanNode::Filter { input: map.input(input), predicate: map.expr(predicate) }
        }
        PlanNode::Project { input, exprs } => {
            PlanNode::Project { input: map.input(input), exprs: map.exprs(exprs) }
        }
        PlanNode::Join { left, right, kind, on, filter, null_aware } => PlanNode::Join {
            left: map.input(left),
            right: map.input(right),
            kind: *kind,
            on: on.iter().map(|(left, right)| (map.expr(left), map.expr(right))).collect(),
            filter: map.maybe(filter),
            null_aware: *null_aware,
        },
        PlanNode::IndexLookupJoin { left, table, index, keys, columns, kind, filter, lock } => {
            PlanNode::IndexLookupJoin {
                left: map.input(left),
                table: table.clone(),
                index: index.clone(),
                keys: map.exprs(keys),
                columns: columns.clone(),
                kind: *kind,
                filter: map.maybe(filter),
                lock: *lock,
            }
        }
        PlanNode::Aggregate { input, group_by, aggregates } => {
            let mut aggregates = aggregates.clone();
            let args = aggregates.iter_mut().flat_map(|aggregate| &mut aggregate.args);
            args.for_each(|arg| map.change(arg));
            let (input, group_by) = (map.input(input), map.exprs(group_by));
            PlanNode::Aggregate { input, group_by, aggregates }
        }
        PlanNode::Sort { input, keys, fetch } => {
            let key = |SortKey { expr, descending }: &SortKey| SortKey {
                expr: map.expr(expr),
                descending: *descending,
            };
            let (input, keys) = (map.input(input), keys.iter().map(key).collect());
            PlanNode::Sort { input, keys, fetch: *fetch }
        }
        PlanNode::Limit { input, offset, limit } => PlanNode::Limit {
            input: map.input(input),
            offset: map.maybe(offset),
            limit: map.maybe(limit),
        },
        PlanNode::UnionAll { inputs } => {
            PlanNode::UnionAll { inputs: inputs.iter().map(|input| map_plan(input, map)).collect() }
        }
        PlanNode::Values { rows } => {
            PlanNode::Values { rows: rows.iter().map(|row| map.exprs(row)).collect() }
        }
        PlanNode::Common { number, columns } => {
            let rows = map.found.tables.get(*number).cloned().unwrap_or_default();
            PlanNode::Rows { rows, columns: columns.clone() }
        }
        leaf => map_leaf(leaf.clone(), map),
    }
}

/// Nodes without inputs.
fn map_leaf(mut leaf: PlanNode, map: &Map) -> PlanNode {
    match &mut leaf {
        PlanNode::PointGet { access, .. } => map_access(access, map),
        PlanNode::BatchPointGet { access, .. } => {
            access.iter_mut().for_each(|access| map_access(access, map));
        }
        PlanNode::TableScan { ranges, filter, .. } => {
            ranges.iter_mut().for_each(|range| map_handle_range(range, map));
            filter.iter_mut().for_each(|filter| map.change(filter));
        }
        PlanNode::IndexScan { ranges, filter, .. } => {
            ranges.iter_mut().for_each(|range| map_index_range(range, map));
            filter.iter_mut().for_each(|filter| map.change(filter));
        }
        _ => {}
    }
    leaf
}

fn map_access(access: &mut PointAccess, map: &Map) {
    match access {
        PointAccess::Handle(expr) => map.change(expr),
        PointAccess::Unique { values, .. } => values.iter_mut().for_each(|expr| map.change(expr)),
    }
}

fn map_bound(bound: &mut Option<(Expr, bool)>, map: &Map) {
    if let Some((expr, _)) = bound {
        map.change(expr);
    }
}

fn map_handle_range(range: &mut HandleRange, map: &Map) {
    map_bound(&mut range.low, map);
    map_bound(&mut range.high, map);
}

fn map_index_range(range: &mut IndexRange, map: &Map) {
    range.equal.iter_mut().for_each(|expr| map.change(expr));
    map_bound(&mut range.low, map);
    map_bound(&mut range.high, map);
}
