//! DELETE.

use super::update::{all_rows, source_handle};
use super::writer::TableWriter;
use super::{CHUNK, DmlResult};
use crate::common::SqlResult;
use crate::sql::exec::{ExecContext, subquery};
use crate::sql::plan::{DeletePlan, SourceTable};
use crate::sql::stats::TableDelta;

/// Runs the statement once.
pub(super) async fn run(plan: &DeletePlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    let found = subquery::values(&plan.subqueries, ctx).await?;
    let rows = all_rows(&found.ready(&plan.source), ctx).await?;
    let mut result = DmlResult::default();
    for SourceTable { target, start } in &plan.tables {
        let table = &*target.table;
        let mut writer = TableWriter::new(table, ctx);
        let mut seen = ahash::AHashSet::new();
        for chunk in rows.chunks(CHUNK) {
            ctx.pause().await?;
            let (mut gone, mut keys) = (Vec::with_capacity(chunk.len()), Vec::new());
            for row in chunk {
                let row = &row[*start..];
                let Some(handle) = source_handle(table, row)? else { continue };
                if seen.insert(handle) {
                    writer.removed_unique_keys(row, handle, &mut keys)?;
                    gone.push((row, handle));
                }
            }
            writer.fetch(keys, false).await?;
            for (row, handle) in gone {
                writer.delete(row, handle).await?;
            }
        }
        let deleted = seen.len() as u64;
        result.affected += deleted;
        result.deltas.push((table.id, TableDelta::deleted(deleted)));
    }
    result.matched = result.affected;
    Ok(result)
}
