//! Writing statistics: from a table's rows, and from what transactions did.
//!
//! What statistics are is in [`crate::sql::stats`]; plans and schema changes know them, so how they come about stands above.

mod collector;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use collector::Collector;

use crate::common::retry::{self, Unit};
use crate::common::{SqlError, SqlResult, Timestamp, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::ddl::Meta;
use crate::sql::kv::{KvStore, ScanOptions, Transaction, TxnOptions};
use crate::sql::stats::{Deltas, TableStats};
use crate::sql::table_codec;

/// Batches read in one snapshot. A batch has up to 1,024 rows, so a table below some 65,000 rows is read in one; a larger one in
/// several, lest its versions be collected as garbage while it is read.
const BATCHES_PER_SNAPSHOT: usize = 64;

/// Says between two batches whether the reading goes on, and may make it wait.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Called after each batch, with the rows read so far. An error ends the reading; nothing is written then.
    async fn between(&self, rows: u64) -> SqlResult<()>;
}

/// As fast as it goes.
pub struct FullSpeed;

#[async_trait]
impl Pace for FullSpeed {
    async fn between(&self, _rows: u64) -> SqlResult<()> {
        Ok(())
    }
}

/// Reads all rows of a table, writes what they come to into its record, and answers the record.
///
/// Writes go on meanwhile. What they report after the reading began is kept ([`TableStats::analyzed`]); so rows that were
/// written before and reported after are counted twice. The caller should therefore report its own node's first
/// ([`flush`]); other nodes' are few. A table read in several snapshots may miss a few more.
///
/// Error 1146 if the table is dropped or truncated meanwhile.
pub async fn analyze(
    store: &dyn KvStore,
    database: i64,
    table: &TableInfo,
    pace: &dyn Pace,
) -> SqlResult<TableStats> {
    let mut collector = Collector::new(table);
    let txn = store.begin(TxnOptions::default()).await?;
    let began = txn.start_ts();
    let before = Meta::new(&*txn).stats(table.id).await?;
    let before = before.unwrap_or_else(|| TableStats::empty(table.id));
    let mut txn = Some(txn);
    let mut parts = Vec::new();
    for id in table.physical_ids() {
        let before = collector.rows();
        let (start, end) = table_codec::row_range(id);
        let mut next = Some(start);
        while let Some(start) = next {
            let txn = match txn.take() {
                Some(txn) => txn,
                None => store.begin(TxnOptions::default()).await?,
            };
            next = read_part(txn, start, end.clone(), &mut collector, pace).await?;
        }
        if table.partitioning.is_some() {
            parts.push((id, collector.rows() - before));
        }
    }
    let found = TableStats { analyzed_ts: began.0, ..collector.finish() };
    for attempt in 1.. {
        match write(store, (database, table), &found, &before, &parts).await {
            Err(error) if retry::runs_again(Unit::Bookkeeping, &error, attempt) => {}
            written => return written,
        }
    }
    unreachable!("the last attempt's outcome is answered")
}

/// Reads as many rows as one snapshot is used for. Answers where the next part starts, if there is one.
async fn read_part(
    txn: Arc<dyn Transaction>,
    start: Bytes,
    end: Bytes,
    collector: &mut Collector<'_>,
    pace: &dyn Pace,
) -> SqlResult<Option<Bytes>> {
    let mut scanner = txn.scan(ScanOptions { start, end, ..ScanOptions::default() }).await?;
    let mut last = Bytes::new();
    for _ in 0..BATCHES_PER_SNAPSHOT {
        let batch = scanner.next_batch().await?;
        let Some(pair) = batch.last() else { return Ok(None) };
        last = pair.key.clone();
        for pair in &batch {
            collector.add(&pair.key, &pair.value)?;
        }
        pace.between(collector.rows()).await?;
    }
    // The smallest key behind the last one.
    Ok(Some([&last[..], &[0]].concat().into()))
}

async fn write(
    store: &dyn KvStore,
    (database, table): (i64, &TableInfo),
    found: &TableStats,
    before: &TableStats,
    parts: &[(i64, u64)],
) -> SqlResult<TableStats> {
    let txn = store.begin(TxnOptions::default()).await?;
    let meta = Meta::new(&*txn);
    if meta.table_by_id(database, table.id).await?.is_none() {
        return Err(SqlError::new(
            errno::NO_SUCH_TABLE,
            format!("Table '{}' was dropped while it was analyzed", table.name),
        ));
    }
    let mut stats = meta.stats(table.id).await?.unwrap_or_else(|| TableStats::empty(table.id));
    stats.analyzed(found.clone(), before);
    stats.updated_ms = txn.start_ts().physical_ms();
    meta.put_stats(&stats)?;
    for (part, rows) in parts {
        let (row_bytes, index_bytes) = (found.row_bytes, found.index_bytes);
        let (rows, updated_ms) = (*rows, stats.updated_ms);
        let empty = TableStats::empty(*part);
        meta.put_stats(&TableStats { rows, row_bytes, index_bytes, updated_ms, ..empty })?;
    }
    txn.commit().await?;
    Ok(stats)
}

/// Adds what transactions did to the records of the tables, in one transaction, and answers those records. A table without
/// one is dropped, or is older than statistics and waits for its first ANALYZE: what was done to it is forgotten.
///
/// After an error nothing is written and the deltas are the caller's to report another time. Only after error 8501 they may have
/// been written all the same.
pub async fn flush(store: &dyn KvStore, deltas: &Deltas) -> SqlResult<Vec<TableStats>> {
    if deltas.is_empty() {
        return Ok(Vec::new());
    }
    for attempt in 1.. {
        match flush_once(store, deltas).await {
            Err(error) if retry::runs_again(Unit::Bookkeeping, &error, attempt) => {}
            written => return written,
        }
    }
    unreachable!("the last attempt's outcome is answered")
}

async fn flush_once(store: &dyn KvStore, deltas: &Deltas) -> SqlResult<Vec<TableStats>> {
    let txn = store.begin(TxnOptions::default()).await?;
    let now: Timestamp = txn.start_ts();
    let meta = Meta::new(&*txn);
    let mut written = Vec::new();
    for (table, delta) in deltas.iter() {
        let Some(mut stats) = meta.stats(table).await? else { continue };
        stats.apply(delta);
        stats.updated_ms = now.physical_ms();
        meta.put_stats(&stats)?;
        written.push(stats);
    }
    txn.commit().await?;
    Ok(written)
}
