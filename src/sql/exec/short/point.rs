//! Rows by their keys.

use std::sync::Arc;

use bytes::Bytes;

use super::Rows;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::exec::access::lock_free;
use crate::sql::exec::{ExecContext, ranges};
use crate::sql::expr::Expr;
use crate::sql::kv::LockOptions;
use crate::sql::plan::{AccessLock, PlanNode, PointAccess};
use crate::sql::table_codec::{self, RowReader, bounds};
use crate::sql::types::Datum;

/// A `PointGet`: no row or one.
pub(super) async fn get(node: &PlanNode, ctx: &ExecContext) -> SqlResult<Rows> {
    let PlanNode::PointGet { table, access, columns, lock } = node else {
        return Err(SqlError::internal("a point get was expected"));
    };
    let handle = match access {
        PointAccess::Handle(expr) => ranges::constant_handle(table, expr, &ctx.eval)?,
        PointAccess::Unique { index, values } => {
            let Some(key) = unique_key(table, index, values, ctx)? else { return Ok(Vec::new()) };
            match read(vec![key], *lock, ctx).await?.pop().flatten() {
                Some(entry) => Some(table_codec::unique_handle(&entry)?),
                None => None,
            }
        }
    };
    let Some(handle) = handle else { return Ok(Vec::new()) };
    let key = table_codec::row_key(table.id, handle);
    let value = match lock {
        AccessLock::None => ctx.txn.get(key).await?,
        _ => read(vec![key], *lock, ctx).await?.pop().flatten(),
    };
    match value {
        Some(value) => {
            ctx.eval.rows_read.add_by_key(1);
            Ok(vec![RowReader::new(table, columns, &ctx.eval.time_zone).read(handle, &value)?])
        }
        None => Ok(Vec::new()),
    }
}

/// A `BatchPointGet`: the rows that exist, in the order of the keys, each once.
pub(super) async fn get_batch(node: &PlanNode, ctx: &ExecContext) -> SqlResult<Rows> {
    let PlanNode::BatchPointGet { table, access, columns, lock } = node else {
        return Err(SqlError::internal("a batch point get was expected"));
    };
    let mut handles = Vec::with_capacity(access.len());
    let mut unique = Vec::new();
    for access in access {
        match access {
            PointAccess::Handle(expr) => {
                handles.extend(ranges::constant_handle(table, expr, &ctx.eval)?);
            }
            PointAccess::Unique { index, values } => {
                unique.extend(unique_key(table, index, values, ctx)?);
            }
        }
    }
    if !unique.is_empty() {
        for entry in read(unique, *lock, ctx).await?.into_iter().flatten() {
            handles.push(table_codec::unique_handle(&entry)?);
        }
    }
    // The list may name a row twice; the answer has it once, and rows come in the order of their keys.
    handles.sort_unstable();
    handles.dedup();
    let keys = handles.iter().map(|handle| table_codec::row_key(table.id, *handle)).collect();
    let values = read(keys, *lock, ctx).await?;
    let reader = RowReader::new(table, columns, &ctx.eval.time_zone);
    let mut rows = Vec::with_capacity(values.len());
    for (handle, value) in handles.into_iter().zip(values) {
        if let Some(value) = value {
            rows.push(reader.read(handle, &value)?);
        }
    }
    ctx.eval.rows_read.add_by_key(rows.len());
    Ok(rows)
}

/// The values of keys, under locks if the access asks for them.
async fn read(
    keys: Vec<Bytes>,
    lock: AccessLock,
    ctx: &ExecContext,
) -> SqlResult<Vec<Option<Bytes>>> {
    match lock {
        AccessLock::None => ctx.txn.batch_get(keys).await,
        _ => {
            let options = LockOptions { keep_missing: false, ..ctx.lock_options(lock, true) };
            if lock == AccessLock::ForUpdateSkipLocked {
                let found = lock_free(keys, options, ctx).await?;
                return Ok(found.into_iter().map(Option::flatten).collect());
            }
            ctx.txn.lock_keys(keys, options).await
        }
    }
}

/// The key of a unique index's entry with these values; `None` if no column can have them.
fn unique_key(
    table: &TableInfo,
    index: &Arc<IndexInfo>,
    values: &[Expr],
    ctx: &ExecContext,
) -> SqlResult<Option<Bytes>> {
    let mut key = table_codec::index_prefix(table.id, index.id);
    for (column, expr) in index.columns.iter().zip(values) {
        let field_type = &table.columns[column.offset].field_type;
        let value = bounds::constant(expr, field_type, &ctx.eval)?;
        let (stored, order) = bounds::nearest(&value, field_type, &ctx.eval)?;
        if stored == Datum::Null || order.is_ne() {
            return Ok(None);
        }
        let zone = &ctx.eval.time_zone;
        table_codec::push_index_value(&mut key, &stored, field_type, column, zone)?;
    }
    Ok(Some(key.into()))
}
