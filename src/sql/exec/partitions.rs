//! Plans with physical tables in the place of those that are divided.

use std::sync::Arc;

use super::{ExecContext, ReadyPlan};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{Partitions, TableInfo};
use crate::sql::plan::{PhysicalPlan, PlanNode, PointAccess, partitions_of, pruned};
use crate::sql::table_codec::bounds;
use crate::sql::types::Datum;

/// The plan as it is run; `None`: as it is.
pub(super) fn expanded(
    plan: &PhysicalPlan,
    ctx: &ExecContext,
) -> SqlResult<Option<ReadyPlan<'static>>> {
    if !plan.any(&mut |node| matches!(node, PlanNode::Partitions { .. })) {
        return Ok(None);
    }
    let mut plan = plan.clone();
    expand(&mut plan, ctx)?;
    Ok(Some(ReadyPlan::of(plan)))
}

fn expand(plan: &mut PhysicalPlan, ctx: &ExecContext) -> SqlResult<()> {
    match &mut plan.node {
        PlanNode::Partitions { input, table, selected, conditions } => {
            let partitions = of(table)?;
            let parts = pruned(table, &partitions, selected.as_deref(), conditions, &ctx.eval);
            plan.node = access_of(input, table, &partitions, &parts, ctx);
            Ok(())
        }
        // What runs for each row of another is expanded when the row is there.
        PlanNode::Apply { left, .. } => expand(left, ctx),
        node => node.children_mut().try_for_each(|child| expand(child, ctx)),
    }
}

fn of(table: &TableInfo) -> SqlResult<Arc<Partitions>> {
    partitions_of(table)?.ok_or_else(|| SqlError::internal("a table without partitions"))
}

/// One access of each of these physical tables.
fn access_of(
    input: &PhysicalPlan,
    table: &TableInfo,
    partitions: &Partitions,
    parts: &[usize],
    ctx: &ExecContext,
) -> PlanNode {
    let own = |part: usize, node: &PlanNode| {
        let mut node = node.clone();
        node.set_table(&partitions.tables()[part]);
        node
    };
    if let [part] = parts {
        return own(*part, &input.node);
    }
    let mut inputs = Vec::with_capacity(parts.len());
    for part in parts {
        let mut node = own(*part, &input.node);
        if let PlanNode::BatchPointGet { access, .. } = &mut node {
            access.retain(|key| {
                place_of(key, table, partitions, ctx).is_none_or(|place| place == *part)
            });
            if access.is_empty() {
                continue;
            }
        }
        let (schema, estimated_rows) = (input.schema.clone(), input.estimated_rows);
        inputs.push(PhysicalPlan { node, schema, estimated_rows });
    }
    match inputs.len() {
        0 => PlanNode::Values { rows: Vec::new() },
        _ => PlanNode::UnionAll { inputs },
    }
}

/// The physical table that a key is of; `None`: it is not known.
fn place_of(
    key: &PointAccess,
    table: &TableInfo,
    partitions: &Partitions,
    ctx: &ExecContext,
) -> Option<usize> {
    let mut row = vec![Datum::Null; table.columns.len()];
    let mut put = |offset: usize, value| {
        let field_type = &table.columns[offset].field_type;
        let value = bounds::constant(value, field_type, &ctx.eval).ok()?;
        let (stored, order) = bounds::nearest(&value, field_type, &ctx.eval).ok()?;
        row[offset] = stored;
        order.is_eq().then_some(())
    };
    match key {
        PointAccess::Handle(value) => put(table.handle_column?, value)?,
        PointAccess::Unique { index, values } => {
            for (part, value) in index.columns.iter().zip(values) {
                put(part.offset, value)?;
            }
        }
    }
    partitions.locate(&row, &ctx.eval).ok()?
}
