//! AUTO_INCREMENT values and hidden row ids of temporary tables: counters of the session's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::common::{Fault, SqlResult};
use crate::sql::catalog::TableInfo;
use crate::sql::exec::AutoIds;

/// What is next: the AUTO_INCREMENT value, and the row id.
type Next = (u64, u64);

/// Numbers of temporary tables, by table.
#[derive(Default)]
pub(super) struct LocalIds(Mutex<BTreeMap<i64, Next>>);

impl LocalIds {
    pub(super) fn forget(&self, table: i64) {
        self.0.lock().remove(&table);
    }

    fn with<T>(&self, table: &TableInfo, change: impl FnOnce(&mut Next) -> T) -> T {
        let start = table.auto_increment_start.unwrap_or(1).max(1);
        change(self.0.lock().entry(table.id).or_insert((start, 1)))
    }
}

/// Numbers of temporary tables here, those of others from the store.
pub(super) struct WithLocalIds {
    pub(super) stored: Arc<dyn AutoIds>,
    pub(super) local: Arc<LocalIds>,
}

#[async_trait]
impl AutoIds for WithLocalIds {
    async fn auto_increment(&self, table: &TableInfo, count: u64) -> SqlResult<u64> {
        if !table.is_temporary() {
            return self.stored.auto_increment(table, count).await;
        }
        self.local.with(table, |(next, _)| {
            let first = *next;
            *next = next.checked_add(count).ok_or(Fault::GeneratedIdInUse)?;
            Ok(first)
        })
    }

    async fn row_ids(&self, table: &TableInfo, count: u64) -> SqlResult<u64> {
        if !table.is_temporary() {
            return self.stored.row_ids(table, count).await;
        }
        Ok(self.local.with(table, |(_, next)| {
            let first = *next;
            *next += count;
            first
        }))
    }

    async fn raise_auto_increment(&self, table: &TableInfo, used: u64) -> SqlResult<()> {
        if !table.is_temporary() {
            return self.stored.raise_auto_increment(table, used).await;
        }
        self.local.with(table, |(next, _)| *next = (*next).max(used.saturating_add(1)));
        Ok(())
    }

    async fn abandon(&self, table: &TableInfo, in_use: u64) {
        if !table.is_temporary() {
            self.stored.abandon(table, in_use).await;
            return;
        }
        self.local.with(table, |(next, _)| *next = (*next).max(in_use.saturating_add(1)));
    }

    async fn give_back(&self) -> SqlResult<()> {
        self.stored.give_back().await
    }

    async fn next_auto_increments(&self, tables: &[&TableInfo]) -> SqlResult<Vec<u64>> {
        let stored: Vec<&TableInfo> =
            tables.iter().copied().filter(|table| !table.is_temporary()).collect();
        let mut stored = self.stored.next_auto_increments(&stored).await?.into_iter();
        let next = |table: &&TableInfo| match table.is_temporary() {
            true => self.local.with(table, |(next, _)| *next),
            false => stored.next().unwrap_or(1),
        };
        Ok(tables.iter().map(next).collect())
    }
}
