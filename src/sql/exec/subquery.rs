//! Scalar subqueries: computed first, then put into the plan as constants.

use super::{ExecContext, RowBatch, run_plan};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Expr;
use crate::sql::plan::{HandleRange, IndexRange, PhysicalPlan, PlanNode, PointAccess, SortKey};
use crate::sql::types::{Datum, FieldType};

/// The values of a statement's subqueries with their types. Each may use those before it.
pub(super) async fn values(
    subqueries: &[PhysicalPlan],
    ctx: &ExecContext,
) -> SqlResult<Vec<(Datum, FieldType)>> {
    let mut values: Vec<(Datum, FieldType)> = Vec::with_capacity(subqueries.len());
    for plan in subqueries {
        let plan = substitute(plan, ctx.eval.params.len(), &values);
        let field_type = plan.schema.first().cloned().unwrap_or_else(FieldType::null);
        values.push((scalar(&plan, ctx).await?, field_type));
    }
    Ok(values)
}

/// The value of the only row, NULL without one, error 1242 with more.
async fn scalar(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Datum> {
    let mut stream = Box::pin(run_plan(plan, ctx)).await?;
    let mut found = None;
    while let Some(batch) = stream.next_batch().await? {
        for mut row in batch.into_rows(&plan.schema) {
            if found.is_some() {
                return Err(SqlError::new(
                    errno::SUBQUERY_NO_1_ROW,
                    "Subquery returns more than 1 row",
                ));
            }
            found = Some(row.swap_remove(0));
        }
    }
    Ok(found.unwrap_or_default())
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

/// The plan with `Parameter { index: first + i }` replaced by the value of subquery `i`.
pub(super) fn substitute(
    plan: &PhysicalPlan,
    first: usize,
    values: &[(Datum, FieldType)],
) -> PhysicalPlan {
    if values.is_empty() {
        return plan.clone();
    }
    map_plan(plan, &mut |expr| substitute_expr(expr, first, values))
}

/// The same for one expression.
pub(super) fn substitute_expr(expr: &Expr, first: usize, values: &[(Datum, FieldType)]) -> Expr {
    match expr {
        Expr::Parameter { index, .. } if *index >= first && index - first < values.len() => {
            let (value, field_type) = values[index - first].clone();
            Expr::Literal { value, field_type }
        }
        Expr::Call { function, args, field_type } => Expr::Call {
            function: *function,
            args: args.iter().map(|arg| substitute_expr(arg, first, values)).collect(),
            field_type: field_type.clone(),
        },
        other => other.clone(),
    }
}

type Map<'a> = &'a mut dyn FnMut(&Expr) -> Expr;

fn map_plan(plan: &PhysicalPlan, map: Map) -> PhysicalPlan {
    PhysicalPlan {
        node: map_node(&plan.node, map),
        schema: plan.schema.clone(),
        estimated_rows: plan.estimated_rows,
    }
}

fn map_node(node: &PlanNode, map: Map) -> PlanNode {
    let mut node = node.clone();
    match &mut node {
        PlanNode::Dual { .. } | PlanNode::Virtual { .. } => {}
        PlanNode::Values { rows } => rows.iter_mut().flatten().for_each(|expr| *expr = map(expr)),
        PlanNode::PointGet { access, .. } => map_access(access, map),
        PlanNode::BatchPointGet { access, .. } => {
            access.iter_mut().for_each(|access| map_access(access, map));
        }
        PlanNode::TableScan { ranges, filter, .. } => {
            ranges.iter_mut().for_each(|range| map_handle_range(range, map));
            filter.iter_mut().for_each(|filter| *filter = map(filter));
        }
        PlanNode::IndexScan { ranges, filter, .. } => {
            ranges.iter_mut().for_each(|range| map_index_range(range, map));
            filter.iter_mut().for_each(|filter| *filter = map(filter));
        }
        PlanNode::Filter { input, predicate } => {
            **input = map_plan(input, map);
            *predicate = map(predicate);
        }
        PlanNode::Project { input, exprs } => {
            **input = map_plan(input, map);
            exprs.iter_mut().for_each(|expr| *expr = map(expr));
        }
        PlanNode::Join { left, right, on, filter, .. } => {
            **left = map_plan(left, map);
            **right = map_plan(right, map);
            for (l, r) in on {
                *l = map(l);
                *r = map(r);
            }
            filter.iter_mut().for_each(|filter| *filter = map(filter));
        }
        PlanNode::IndexLookupJoin { left, keys, filter, .. } => {
            **left = map_plan(left, map);
            keys.iter_mut().for_each(|key| *key = map(key));
            filter.iter_mut().for_each(|filter| *filter = map(filter));
        }
        PlanNode::Aggregate { input, group_by, aggregates } => {
            **input = map_plan(input, map);
            group_by.iter_mut().for_each(|expr| *expr = map(expr));
            for arg in aggregates.iter_mut().flat_map(|aggregate| &mut aggregate.args) {
                *arg = map(arg);
            }
        }
        PlanNode::Sort { input, keys, .. } => {
            **input = map_plan(input, map);
            keys.iter_mut().for_each(|SortKey { expr, .. }| *expr = map(expr));
        }
        PlanNode::Limit { input, offset, limit } => {
            **input = map_plan(input, map);
            offset.iter_mut().chain(limit).for_each(|expr| *expr = map(expr));
        }
        PlanNode::UnionAll { inputs } => {
            inputs.iter_mut().for_each(|input| *input = map_plan(input, map));
        }
    }
    node
}

fn map_access(access: &mut PointAccess, map: Map) {
    match access {
        PointAccess::Handle(expr) => *expr = map(expr),
        PointAccess::Unique { values, .. } => values.iter_mut().for_each(|expr| *expr = map(expr)),
    }
}

fn map_bound(bound: &mut Option<(Expr, bool)>, map: Map) {
    if let Some((expr, _)) = bound {
        *expr = map(expr);
    }
}

fn map_handle_range(range: &mut HandleRange, map: Map) {
    map_bound(&mut range.low, map);
    map_bound(&mut range.high, map);
}

fn map_index_range(range: &mut IndexRange, map: Map) {
    range.equal.iter_mut().for_each(|expr| *expr = map(expr));
    map_bound(&mut range.low, map);
    map_bound(&mut range.high, map);
}
