//! The temporary tables of a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TableInfo;

/// Where the ids of temporary tables begin. They are the session's own: another one gives the same.
pub const TEMPORARY_IDS: i64 = 1 << 60;

impl TableInfo {
    /// Whether it is a session's own.
    pub fn is_temporary(&self) -> bool {
        self.id >= TEMPORARY_IDS
    }
}

/// The temporary tables of a session, by database and name in lower case.
#[derive(Clone, Debug, Default)]
pub struct Temporaries(BTreeMap<(String, String), Arc<TableInfo>>);

/// A session without any.
pub static NO_TEMPORARIES: Temporaries = Temporaries(BTreeMap::new());

fn key(database: &str, table: &str) -> (String, String) {
    (database.to_lowercase(), table.to_lowercase())
}

impl Temporaries {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A table by name, in any case.
    pub fn get(&self, database: &str, table: &str) -> Option<&Arc<TableInfo>> {
        if self.0.is_empty() { None } else { self.0.get(&key(database, table)) }
    }

    /// Adds one.
    pub fn put(&mut self, database: &str, table: Arc<TableInfo>) {
        self.0.insert(key(database, &table.name), table);
    }

    /// Takes one away.
    pub fn remove(&mut self, database: &str, table: &str) {
        self.0.remove(&key(database, table));
    }

    /// All of them, with their databases.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<TableInfo>)> {
        self.0.iter().map(|((database, _), table)| (database.as_str(), table))
    }
}
