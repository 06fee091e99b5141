//! What a SQL node knows of the tables' statistics.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::sql::stats::{Deltas, StatsSource, TableStats};

/// The statistics a node's statements are planned with, and what its sessions have done since that was last reported.
#[derive(Default)]
pub struct StatsCache {
    tables: RwLock<BTreeMap<i64, Arc<TableStats>>>,
    pending: Mutex<Deltas>,
}

impl StatsCache {
    /// Takes over what the store has, of all tables. A record that is known in a newer form stays.
    pub fn replace(&self, tables: Vec<TableStats>) {
        let mut known = self.tables.write();
        let old = std::mem::take(&mut *known);
        for stats in tables {
            known.insert(stats.table, newer(old.get(&stats.table), stats));
        }
    }

    /// Takes over records that were just written, or read. One that is known in a newer form stays.
    pub fn put(&self, records: impl IntoIterator<Item = TableStats>) {
        let mut known = self.tables.write();
        for stats in records {
            let stats = newer(known.get(&stats.table), stats);
            known.insert(stats.table, stats);
        }
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

    /// Takes what is not yet reported. What could not be reported is to be given back with [`record`](Self::record).
    pub fn take_pending(&self) -> Deltas {
        std::mem::take(&mut *self.pending.lock())
    }

    /// How many tables and how many with something to report, for `/actors`.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.tables.read().len(), self.pending.lock().iter().count())
    }
}

/// The one that was written later; of two at the same time the one that came later.
fn newer(known: Option<&Arc<TableStats>>, stats: TableStats) -> Arc<TableStats> {
    match known {
        Some(known) if known.updated_ms > stats.updated_ms => known.clone(),
        _ => Arc::new(stats),
    }
}

impl StatsSource for StatsCache {
    fn table(&self, id: i64) -> Option<Arc<TableStats>> {
        self.tables.read().get(&id).cloned()
    }
}
