//! Numbers for AUTO_INCREMENT columns and hidden row ids.
//!
//! They come from counters in the store, in batches: a batch is taken in a transaction of its own, so that nobody
//! waits for anybody's COMMIT, and given out from memory. A clean stop gives the rest of a batch back if nobody has taken numbers since; a
//! crash loses it, which leaves a gap.
//!
//! A row may bring a number of its own out of a batch that another node holds. That node finds out when it comes to that number: then it abandons
//! the rest of its batch. The next one is free, since whoever brings a number beyond the counter raises it first.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::common::retry::{self, Unit};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::kv::{KvStore, Transaction, TxnOptions};
use crate::sql::table_codec::counter_key;

/// Where generated numbers come from.
#[async_trait]
pub trait AutoIds: Send + Sync {
    /// Consecutive AUTO_INCREMENT values; answers the first.
    async fn auto_increment(&self, table: &TableInfo, count: u64) -> SqlResult<u64>;
    /// Consecutive hidden row ids; answers the first.
    async fn row_ids(&self, table: &TableInfo, count: u64) -> SqlResult<u64>;
    /// A row has this AUTO_INCREMENT value; generated ones must be above it from now on.
    async fn raise_auto_increment(&self, table: &TableInfo, used: u64) -> SqlResult<()>;
    /// A generated AUTO_INCREMENT value turned out to be in use: no more are given out of its batch.
    async fn abandon(&self, table: &TableInfo, in_use: u64);
    /// Gives back what was taken and not given out, as far as it can be; at a clean stop.
    async fn give_back(&self) -> SqlResult<()>;
    /// The AUTO_INCREMENT values that the next row of each of these tables would get from here. Takes none.
    async fn next_auto_increments(&self, tables: &[&TableInfo]) -> SqlResult<Vec<u64>>;
}

/// How many numbers a batch has at least.
const BATCH: u64 = 4000;

/// Numbers taken from the store and not yet given out: `[next, end)`.
#[derive(Default)]
struct Taken {
    /// Where the batch begins that was taken last.
    start: u64,
    next: u64,
    end: u64,
    /// What `counted_anew` was of the table then: if it is more now, the batch is worth nothing.
    set: u64,
}

impl Taken {
    /// Throws a batch away that was taken before the counter was set.
    fn outdated_by(&mut self, table: &TableInfo) {
        if self.set < table.counted_anew {
            *self = Taken { set: table.counted_anew, ..Taken::default() };
        }
    }
}

type Counters = HashMap<(i64, u8), Arc<tokio::sync::Mutex<Taken>>>;

/// Counters under the schema's keys of a store; one for all sessions of a node.
pub struct KvAutoIds {
    store: Arc<dyn KvStore>,
    counters: Mutex<Counters>,
}

impl KvAutoIds {
    /// Counters of a store.
    pub fn new(store: Arc<dyn KvStore>) -> KvAutoIds {
        KvAutoIds { store, counters: Mutex::default() }
    }

    fn counter(&self, table: i64, kind: u8) -> Arc<tokio::sync::Mutex<Taken>> {
        self.counters.lock().entry((table, kind)).or_default().clone()
    }

    async fn next(&self, table: &TableInfo, kind: u8, count: u64) -> SqlResult<u64> {
        let counter = self.counter(table.id, kind);
        let mut taken = counter.lock().await;
        taken.outdated_by(table);
        if taken.end - taken.next < count {
            let first = if kind == b'a' { table.auto_increment_start.unwrap_or(1) } else { 1 };
            let more = self.take(table, kind, first, count.max(BATCH)).await?;
            // What is left goes on without a gap, if no other node has taken a batch in between.
            if more.next == taken.end && more.set == taken.set {
                (taken.start, taken.end) = (more.start, more.end);
            } else {
                *taken = more;
            }
        }
        let first = taken.next;
        taken.next += count;
        Ok(first)
    }

    /// Takes `count` numbers that are not below `least`.
    async fn take(&self, table: &TableInfo, kind: u8, least: u64, count: u64) -> SqlResult<Taken> {
        let key = counter_key(table.id, kind);
        let mut runs = 0;
        loop {
            runs += 1;
            match self.try_take(&key, least, count).await {
                Err(error) if retry::runs_again(Unit::Bookkeeping, &error, runs) => {}
                Ok(taken) => return Ok(Taken { set: table.counted_anew, ..taken }),
                error => return error,
            }
        }
    }

    /// Gives the rest of a batch back, if nobody has taken another one since.
    async fn return_rest(&self, key: &Bytes, taken: &Taken) -> SqlResult<()> {
        let txn = self.store.begin(TxnOptions::default()).await?;
        if stored(&*txn, key).await? != taken.end {
            return txn.rollback().await;
        }
        txn.put(key.clone(), Bytes::copy_from_slice(&taken.next.to_be_bytes()));
        txn.commit().await.map(drop)
    }

    async fn try_take(&self, key: &Bytes, least: u64, count: u64) -> SqlResult<Taken> {
        let txn = self.store.begin(TxnOptions::default()).await?;
        let stored = stored(&*txn, key).await?;
        let next = stored.max(least);
        let end = next.checked_add(count).ok_or_else(exhausted)?;
        txn.put(key.clone(), Bytes::copy_from_slice(&end.to_be_bytes()));
        txn.commit().await?;
        Ok(Taken { start: next, next, end, set: 0 })
    }
}

/// A counter's value in the store: the first number that nobody has taken.
async fn stored(txn: &dyn Transaction, key: &Bytes) -> SqlResult<u64> {
    txn.get(key.clone()).await?.map_or(Ok(0), |value| number(&value))
}

/// A stored counter.
fn number(value: &[u8]) -> SqlResult<u64> {
    let bytes = value.try_into().map_err(|_| SqlError::internal("a counter is damaged"))?;
    Ok(u64::from_be_bytes(bytes))
}

/// Error 1467.
pub(super) fn exhausted() -> SqlError {
    SqlError::new(
        errno::AUTOINC_READ_FAILED,
        "Failed to read auto-increment value from storage engine",
    )
}

#[async_trait]
impl AutoIds for KvAutoIds {
    async fn auto_increment(&self, table: &TableInfo, count: u64) -> SqlResult<u64> {
        self.next(table, b'a', count).await
    }

    async fn row_ids(&self, table: &TableInfo, count: u64) -> SqlResult<u64> {
        self.next(table, b'r', count).await
    }

    async fn next_auto_increments(&self, tables: &[&TableInfo]) -> SqlResult<Vec<u64>> {
        let mut values = Vec::with_capacity(tables.len());
        let mut unknown = Vec::new();
        for (at, table) in tables.iter().enumerate() {
            let counter = self.counters.lock().get(&(table.id, b'a')).cloned();
            let taken = match counter {
                Some(counter) => {
                    let taken = counter.lock().await;
                    let counts = taken.set >= table.counted_anew && taken.next < taken.end;
                    counts.then_some(taken.next)
                }
                None => None,
            };
            if taken.is_none() {
                unknown.push(at);
            }
            values.push(taken.unwrap_or_else(|| table.auto_increment_start.unwrap_or(1)));
        }
        if unknown.is_empty() {
            return Ok(values);
        }
        let keys = unknown.iter().map(|at| counter_key(tables[*at].id, b'a')).collect();
        let txn = self.store.begin(TxnOptions::default()).await?;
        let stored = txn.batch_get(keys).await;
        txn.rollback().await?;
        for (at, value) in unknown.into_iter().zip(stored?) {
            values[at] = values[at].max(value.map_or(Ok(0), |value| number(&value))?);
        }
        Ok(values)
    }

    async fn raise_auto_increment(&self, table: &TableInfo, used: u64) -> SqlResult<()> {
        // Past the end there is nothing left to generate; the next request says so.
        let Some(next) = used.checked_add(1) else { return Ok(()) };
        let counter = self.counter(table.id, b'a');
        let mut taken = counter.lock().await;
        taken.outdated_by(table);
        if next <= taken.next {
            return Ok(());
        }
        if next <= taken.end {
            taken.next = next;
            return Ok(());
        }
        let count = BATCH.min(u64::MAX - next);
        *taken = self.take(table, b'a', next, count).await?;
        Ok(())
    }

    async fn abandon(&self, table: &TableInfo, in_use: u64) {
        let counter = self.counter(table.id, b'a');
        let mut taken = counter.lock().await;
        // Unless somebody else has done so, and this is another batch.
        if (taken.start..taken.next).contains(&in_use) {
            taken.next = taken.end;
        }
    }

    async fn give_back(&self) -> SqlResult<()> {
        let counters: Vec<_> = self.counters.lock().drain().collect();
        for ((table, kind), counter) in counters {
            let taken = std::mem::take(&mut *counter.lock().await);
            if taken.next < taken.end {
                self.return_rest(&counter_key(table, kind), &taken).await?;
            }
        }
        Ok(())
    }
}
