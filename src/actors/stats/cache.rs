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
    /// Takes over what the store has, of all tables.
    pub fn replace(&self, tables: Vec<TableStats>) {
        let tables = tables.into_iter().map(|stats| (stats.table, Arc::new(stats))).collect();
        *self.tables.write() = tables;
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

    /// Takes what is not yet reported. What could not be reported is to be given back with [`record`](Self::record).
    pub fn take_pending(&self) -> Deltas {
        std::mem::take(&mut *self.pending.lock())
    }
}

impl StatsSource for StatsCache {
    fn table(&self, id: i64) -> Option<Arc<TableStats>> {
        self.tables.read().get(&id).cloned()
    }
}
