//! Reading a table: by its rows' keys, through an index, or from an index alone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::ExecContext;
use super::ranges::{self, KeyRange};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::kv::{LockOptions, ScanOptions, Scanner, Transaction};
use crate::sql::plan::{AccessLock, PlanNode};
use crate::sql::table_codec::{self, IndexReader, RowReader};
use crate::sql::types::Datum;

/// Rows fetched through an index are fetched this many at a time; the first batches are smaller, for those who stop early.
const LOOKUP_BATCH: usize = 1024;
const FIRST_LOOKUP_BATCH: usize = 64;

/// Where rows come from.
enum Source {
    /// The rows themselves.
    Rows(RowReader),
    /// Entries of an index, which have all that is wanted.
    Entries(IndexReader),
    /// Entries of an index, then the rows they point to.
    Lookup { index: Arc<IndexInfo>, reader: RowReader },
}

/// A scan of a table, opened.
pub(crate) struct TableAccess {
    /// Counts what is read.
    eval: Arc<EvalContext>,
    txn: Arc<dyn Transaction>,
    table: Arc<TableInfo>,
    source: Source,
    /// The ranges still to be scanned, in the order of the scan.
    ranges: std::vec::IntoIter<KeyRange>,
    scanner: Option<Box<dyn Scanner>>,
    reverse: bool,
    limit: Option<usize>,
    /// Pairs read and not yet given.
    pending: std::vec::IntoIter<crate::sql::kv::KvPair>,
    lookup_batch: usize,
}

/// Rows as decoded, with their handles beside them when the caller asked to be able to lock them.
pub(crate) struct AccessBatch {
    /// The wanted columns of each row.
    pub(crate) rows: Vec<Vec<Datum>>,
    /// The handle of each row.
    pub(crate) handles: Vec<i64>,
}

impl TableAccess {
    /// Opens the scan of a `TableScan` or `IndexScan` node. The node's filter is the caller's business.
    pub(crate) fn open(node: &PlanNode, ctx: &ExecContext) -> SqlResult<TableAccess> {
        match node {
            PlanNode::TableScan { table, ranges, columns, filter, reverse, limit, lock } => {
                let ranges = ranges::handle_ranges(table, ranges, &ctx.eval)?;
                let source = Source::Rows(RowReader::new(table, columns, &ctx.eval.time_zone));
                let limit = enough(*limit, filter.as_ref(), *lock);
                Ok(Self::new(table, source, ranges, *reverse, limit, ctx))
            }
            PlanNode::IndexScan {
                table,
                index,
                ranges,
                columns,
                covering,
                filter,
                reverse,
                limit,
                lock,
                ..
            } => {
                let ranges = ranges::index_ranges(table, index, ranges, &ctx.eval)?;
                let limit = enough(*limit, filter.as_ref(), *lock);
                let source = index_source(table, index, columns, *covering, ctx);
                Ok(Self::new(table, source, ranges, *reverse, limit, ctx))
            }
            _ => Err(SqlError::internal("only scans can be opened")),
        }
    }

    /// Opens a scan of key ranges of an index (of the rows without one).
    pub(crate) fn open_ranges(
        table: &Arc<TableInfo>,
        index: Option<&Arc<IndexInfo>>,
        columns: &[usize],
        ranges: Vec<KeyRange>,
        ctx: &ExecContext,
    ) -> TableAccess {
        let source = match index {
            Some(index) => index_source(table, index, columns, false, ctx),
            None => Source::Rows(RowReader::new(table, columns, &ctx.eval.time_zone)),
        };
        Self::new(table, source, ranges, false, None, ctx)
    }

    fn new(
        table: &Arc<TableInfo>,
        source: Source,
        mut ranges: Vec<KeyRange>,
        reverse: bool,
        limit: Option<usize>,
        ctx: &ExecContext,
    ) -> TableAccess {
        if reverse {
            ranges.reverse();
        }
        TableAccess {
            txn: ctx.txn.clone(),
            eval: ctx.eval.clone(),
            table: table.clone(),
            source,
            ranges: ranges.into_iter(),
            scanner: None,
            reverse,
            limit,
            pending: Vec::new().into_iter(),
            lookup_batch: FIRST_LOOKUP_BATCH,
        }
    }

    /// The next rows; empty at the end.
    pub(crate) async fn next(&mut self) -> SqlResult<AccessBatch> {
        let most = match self.source {
            Source::Lookup { .. } => self.lookup_batch,
            Source::Rows(_) | Source::Entries(_) => LOOKUP_BATCH,
        };
        self.lookup_batch = (self.lookup_batch * 4).min(LOOKUP_BATCH);
        if self.pending.len() == 0 {
            self.pending = self.next_pairs().await?.into_iter();
        }
        let pairs: Vec<_> = self.pending.by_ref().take(most).collect();
        let mut batch = AccessBatch {
            rows: Vec::with_capacity(pairs.len()),
            handles: Vec::with_capacity(pairs.len()),
        };
        match &self.source {
            Source::Rows(reader) => {
                for pair in &pairs {
                    let handle = table_codec::decode_handle(&pair.key)?;
                    batch.rows.push(reader.read(handle, &pair.value)?);
                    batch.handles.push(handle);
                }
            }
            Source::Entries(reader) => {
                for pair in &pairs {
                    let (handle, row) = reader.read(&pair.key, &pair.value)?;
                    batch.rows.push(row);
                    batch.handles.push(handle);
                }
            }
            Source::Lookup { index, reader } => {
                for pair in &pairs {
                    batch.handles.push(table_codec::entry_handle(index, &pair.key, &pair.value)?);
                }
                let keys = row_keys(&self.table, &batch.handles);
                let values = self.txn.batch_get(keys).await?;
                for (handle, value) in batch.handles.iter().zip(values) {
                    let value = value.ok_or_else(|| self.dangling(index))?;
                    batch.rows.push(reader.read(*handle, &value)?);
                }
            }
        }
        self.eval.rows_read.add_in_order(batch.rows.len());
        Ok(batch)
    }

    fn dangling(&self, index: &IndexInfo) -> SqlError {
        SqlError::internal(format!(
            "index {} of table {} has an entry without a row",
            index.name, self.table.name
        ))
    }

    /// The next pairs of the scanner, of the next range's when one is at its end; empty at the very end.
    async fn next_pairs(&mut self) -> SqlResult<Vec<crate::sql::kv::KvPair>> {
        loop {
            if self.limit == Some(0) {
                return Ok(Vec::new());
            }
            if let Some(scanner) = &mut self.scanner {
                let mut pairs = scanner.next_batch().await?;
                if !pairs.is_empty() {
                    if let Some(limit) = &mut self.limit {
                        pairs.truncate(*limit);
                        *limit -= pairs.len();
                    }
                    return Ok(pairs);
                }
            }
            let Some((start, end)) = self.ranges.next() else { return Ok(Vec::new()) };
            let options = ScanOptions {
                start,
                end,
                reverse: self.reverse,
                limit: self.limit,
                key_only: false,
            };
            self.scanner = Some(self.txn.scan(options).await?);
        }
    }
}

fn index_source(
    table: &Arc<TableInfo>,
    index: &Arc<IndexInfo>,
    columns: &[usize],
    covering: bool,
    ctx: &ExecContext,
) -> Source {
    let zone = &ctx.eval.time_zone;
    if covering {
        Source::Entries(IndexReader::new(table, index, columns, zone))
    } else {
        Source::Lookup { index: index.clone(), reader: RowReader::new(table, columns, zone) }
    }
}

fn row_keys(table: &TableInfo, handles: &[i64]) -> Vec<Bytes> {
    handles.iter().map(|handle| table_codec::row_key(table.id, *handle)).collect()
}

/// How many rows have to be read for so many to be given; `None`: any number, as some are left out.
fn enough(limit: Option<u64>, filter: Option<&Expr>, lock: AccessLock) -> Option<usize> {
    let all_are_given = filter.is_none() && lock != AccessLock::ForUpdateSkipLocked;
    limit.filter(|_| all_are_given).map(|limit| limit as usize)
}

/// Locks rows that a locking access gives; answers which of them it has, if not all: SKIP LOCKED leaves those that others have locked.
pub(crate) async fn lock_rows(
    table: &TableInfo,
    handles: &[i64],
    lock: AccessLock,
    ctx: &ExecContext,
) -> SqlResult<Option<Vec<bool>>> {
    if lock == AccessLock::None || handles.is_empty() {
        return Ok(None);
    }
    let (options, keys) = (ctx.lock_options(lock, false), row_keys(table, handles));
    if lock == AccessLock::ForUpdateSkipLocked {
        let locked = lock_free(keys, options, ctx).await?;
        return Ok(Some(locked.into_iter().map(|value| value.is_some()).collect()));
    }
    ctx.txn.lock_keys(keys, options).await?;
    Ok(None)
}

/// Locks those keys that nobody else has locked, and answers what they hold; `None` for the others.
pub(crate) async fn lock_free(
    keys: Vec<Bytes>,
    options: LockOptions,
    ctx: &ExecContext,
) -> SqlResult<Vec<Option<Option<Bytes>>>> {
    let options = LockOptions { wait: Duration::ZERO, ..options };
    if keys.len() > 1 {
        // Most of the time all of them are free; a request takes all or none.
        match ctx.txn.lock_keys(keys.clone(), options).await {
            Ok(values) => return Ok(values.into_iter().map(Some).collect()),
            Err(error) if error.code == errno::LOCK_NOWAIT => {}
            Err(error) => return Err(error),
        }
    }
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        ctx.pause().await?;
        found.push(match ctx.txn.lock_keys(vec![key], options).await {
            Ok(mut values) => Some(values.pop().flatten()),
            Err(error) if error.code == errno::LOCK_NOWAIT => None,
            Err(error) => return Err(error),
        });
    }
    Ok(found)
}
