//! DELETE.

use super::update::{all_rows, source_handle};
use super::writer::TableWriter;
use super::{CHUNK, DmlResult};
use crate::common::SqlResult;
use crate::sql::exec::{ExecContext, subquery};
use crate::sql::plan::DeletePlan;
use crate::sql::stats::TableDelta;

/// Runs the statement once.
pub(super) async fn run(plan: &DeletePlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    let table = &*plan.target.table;
    let found = subquery::values(&plan.subqueries, ctx).await?;
    let rows = all_rows(&found.ready(&plan.source), ctx).await?;
    let writer = TableWriter::new(table, ctx);
    let mut seen = ahash::AHashSet::new();
    let mut result = DmlResult::default();
    for chunk in rows.chunks(CHUNK) {
        ctx.pause().await?;
        for row in chunk {
            let handle = source_handle(table, row)?;
            if seen.insert(handle) {
                writer.delete(row, handle).await?;
                result.affected += 1;
            }
        }
    }
    result.matched = result.affected;
    result.delta = TableDelta::deleted(result.affected);
    Ok(result)
}
