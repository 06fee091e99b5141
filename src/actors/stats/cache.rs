//! What a SQL node knows of the tables' statistics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::sql::stats::{Deltas, StatsSource, TableDelta, TableStats};

/// The statistics a node's statements are planned with, and what its sessions have done since that was last reported.
#[derive(Default)]
pub struct StatsCache {
    tables: RwLock<BTreeMap<i64, Arc<TableStats>>>,
    pending: Mutex<Deltas>,
    /// How often tables were analyzed anew, as far as seen here.
    version: AtomicU64,
}

impl StatsCache {
    /// Takes over what the store has, of all tables. A record that is known in a newer form stays.
    pub fn replace(&self, tables: Vec<TableStats>) {
        let mut known = self.tables.write();
        let old = std::mem::take(&mut *known);
        for stats in tables {
            let stats = self.newer(old.get(&stats.table), stats);
            known.insert(stats.table, stats);
        }
    }

    /// Takes over records that were just written, or read. One that is known in a newer form stays.
    pub fn put(&self, records: impl IntoIterator<Item = TableStats>) {
        let mut known = self.tables.write();
        for stats in records {
            let stats = self.newer(known.get(&stats.table), stats);
            known.insert(stats.table, stats);
        }
    }

    /// The one that was written later; of two at the same time the one that came later.
    fn newer(&self, known: Option<&Arc<TableStats>>, stats: TableStats) -> Arc<TableStats> {
        let analyzed_ts = match known {
            Some(known) if known.updated_ms > stats.updated_ms => return known.clone(),
            Some(known) => known.analyzed_ts,
            None => 0,
        };
        if analyzed_ts != stats.analyzed_ts {
            self.version.fetch_add(1, Ordering::Relaxed);
        }
        Arc::new(stats)
    }

    /// Grows when a table has been analyzed: plans made before that may be slower than need be.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// What is known of a table, with what this node's sessions have done since.
    pub fn current(&self, table: i64) -> Option<TableStats> {
        let mut stats = TableStats::clone(&*self.table(table)?);
        stats.apply(self.pending.lock().of(table));
        Some(stats)
    }

    /// All that is known, by table.
    pub fn tables(&self) -> Vec<Arc<TableStats>> {
        self.tables.read().values().cloned().collect()
    }

    /// Adds what a committed transaction did; told by sessions.
    pub fn record(&self, deltas: &Deltas) {
        if !deltas.is_empty() {
            self.pending.lock().merge(deltas);
        }
    }

    /// Whether everything is reported.
    pub fn is_reported(&self) -> bool {
        self.pending.lock().is_empty()
    }

    /// Adds what a transaction of one statement did.
    pub fn record_table(&self, table: i64, delta: TableDelta) {
        if delta != TableDelta::default() {
            self.pending.lock().add(table, delta);
        }
    }

    /// Takes what is not yet reported of one table; see [`take_pending`](Self::take_pending).
    pub fn take_pending_of(&self, table: i64) -> Deltas {
        self.pending.lock().take(table)
    }

    /// Takes what is not yet reported. What could not be reported is to be given back with [`record`](Self::record).
    pub fn take_pending(&self) -> Deltas {
        std::mem::take(&mut *self.pending.lock())
    }

    /// How many tables and how many with something to report, for `/actors`.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.tables.read().len(), self.pending.lock().iter().count())
    }
}

impl StatsSource for StatsCache {
    fn table(&self, id: i64) -> Option<Arc<TableStats>> {
        self.tables.read().get(&id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(analyzed_ts: u64, updated_ms: u64, rows: u64) -> TableStats {
        TableStats { analyzed_ts, updated_ms, rows, ..TableStats::empty(1) }
    }

    #[test]
    fn plans_are_made_anew_after_an_analysis_and_not_after_a_report() {
        let cache = StatsCache::default();
        cache.put([stats(0, 1, 0)]);
        cache.replace(vec![stats(0, 2, 100)]);
        assert_eq!(cache.version(), 0);
        cache.put([stats(7, 3, 100)]);
        assert_eq!(cache.version(), 1);
        cache.replace(vec![stats(7, 4, 120)]);
        // What was read before it was analyzed comes late.
        cache.replace(vec![stats(0, 2, 90)]);
        assert_eq!((cache.version(), cache.table(1).unwrap().rows), (1, 120));
    }

    #[test]
    fn what_is_not_reported_counts_here() {
        let cache = StatsCache::default();
        cache.record_table(1, TableDelta::inserted(3));
        assert_eq!(cache.current(1), None);
        cache.put([stats(0, 1, 10)]);
        assert_eq!(cache.current(1).map(|stats| (stats.rows, stats.modified)), Some((13, 3)));
        let taken = cache.take_pending_of(1);
        assert_eq!(taken.of(1), TableDelta::inserted(3));
        assert!(cache.is_reported());
        assert_eq!(cache.current(1).map(|stats| stats.rows), Some(10));
    }
}
