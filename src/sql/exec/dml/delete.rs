//! DELETE.

use ahash::{AHashMap, AHashSet};

use super::references::{References, tolerate};
use super::triggers::Fired;
use super::update::source_handle;
use super::writer::TableWriter;
use super::{CHUNK, DmlResult};
use crate::common::SqlResult;
use crate::sql::exec::ExecContext;
use crate::sql::exec::subquery::{self, all_rows};
use crate::sql::parser::ast::TriggerEvent;
use crate::sql::plan::{DeletePlan, SourceTable};
use crate::sql::stats::TableDelta;
use crate::sql::types::Datum;

/// Runs the statement once.
pub(super) async fn run(plan: &DeletePlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    let found = subquery::values(&plan.subqueries, ctx).await?;
    let rows = all_rows(&found.ready(&plan.source), &mut 0, ctx).await?;
    let mut result = DmlResult::default();
    // A table may be meant under several names: the rows of each that are gone by now.
    let mut gone_of: AHashMap<i64, AHashSet<i64>> = AHashMap::new();
    for SourceTable { target, start } in &plan.tables {
        let table = &*target.table;
        let mut writer = TableWriter::of(target, None, ctx);
        let mut references = References::of(target, ctx);
        let mut fired = Fired::of(target, ctx);
        let seen = gone_of.entry(table.id).or_default();
        let before = seen.len();
        let mut kept = 0;
        for chunk in rows.chunks(if fired.any() { 1 } else { CHUNK }) {
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
            let Some(references) = &mut references else {
                for (row, handle) in gone {
                    fired.before(TriggerEvent::Delete, Some(row), None).await?;
                    writer.delete(row, handle).await?;
                    fired.after(TriggerEvent::Delete, Some(row), None).await?;
                }
                continue;
            };
            references.hold(gone.iter().map(|(row, _)| *row)).await?;
            for (row, handle) in gone {
                fired.before(TriggerEvent::Delete, Some(row), None).await?;
                let deleted = delete(&writer, references, row, handle, ctx).await?;
                kept += u64::from(!deleted);
                if deleted {
                    fired.after(TriggerEvent::Delete, Some(row), None).await?;
                }
            }
        }
        let deleted = (seen.len() - before) as u64 - kept;
        result.affected += deleted;
        result.deltas.push((table.id, TableDelta::deleted(deleted)));
        result.deltas.extend(writer.into_deltas());
        result.deltas.extend(references.into_iter().flat_map(References::into_deltas));
        result.deltas.extend(fired.into_deltas());
    }
    result.matched = result.affected;
    Ok(result)
}

/// Deletes a row that others may refer to; false if it is gone already, or stays.
async fn delete(
    writer: &TableWriter<'_>,
    references: &mut References<'_>,
    row: &[Datum],
    handle: i64,
    ctx: &ExecContext,
) -> SqlResult<bool> {
    // Another row that went may have taken it along, or changed it.
    let own = match writer.buffered(row, handle)? {
        Some(None) => return Ok(false),
        Some(Some(own)) => Some(own),
        None => None,
    };
    let row = own.as_deref().unwrap_or(row);
    let mark = ctx.txn.savepoint();
    writer.delete(row, handle).await?;
    match references.gone(row).await {
        Ok(()) => Ok(true),
        Err(error) => tolerate(ctx, mark, error).map(|()| false),
    }
}
