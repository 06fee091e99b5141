//! What is known of a table's rows without reading them: how many there are, and how their values are spread.
//!
//! A table's record ([`TableStats`]) is in the KV store beside the schema. It changes in two ways. Every SQL node adds up what its
//! committed transactions did ([`Deltas`]) and from time to time adds that to the record: so `rows` follows the writes without a
//! scan, and `modified` says how much has been written since the last one. ANALYZE TABLE (and the node that holds the
//! statistics' lease, by itself) reads the table and writes everything anew. Both are in `crate::sql::analyze`.
//!
//! Statistics are hints. They may be late, and what a node added up and did not write before it died is lost until the next ANALYZE;
//! plans made with them differ in speed only.

mod record;
mod sketch;

use std::sync::Arc;

pub use record::{ColumnStats, Deltas, TableDelta, TableStats};
pub(crate) use sketch::Sketch;

/// Where the planner and SHOW read statistics.
pub trait StatsSource: Send + Sync {
    /// What is known of a table; `None`: nothing yet.
    fn table(&self, id: i64) -> Option<Arc<TableStats>>;
}

/// Nothing is known of any table.
pub struct NoStats;

impl StatsSource for NoStats {
    fn table(&self, _id: i64) -> Option<Arc<TableStats>> {
        None
    }
}
