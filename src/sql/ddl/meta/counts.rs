//! What is counted of a table: numbers given, and statistics.

use super::{Meta, key};
use crate::common::SqlResult;
use crate::sql::stats::TableStats;
use crate::sql::table_codec::counter_key;

impl Meta<'_> {
    /// Sets the counter of AUTO_INCREMENT.
    pub(in crate::sql::ddl) fn put_auto_increment(&self, table: i64, next: u64) {
        self.set_counter(counter_key(table, b'a'), next);
    }

    /// Sets the counter of hidden row ids.
    pub(in crate::sql::ddl) fn put_hidden_counter(&self, table: i64, next: u64) {
        self.set_counter(counter_key(table, b'r'), next);
    }

    /// Gives what a table was known by to another id of it: its counters and statistics.
    pub(in crate::sql::ddl) async fn hand_over(&self, from: i64, to: i64) -> SqlResult<()> {
        for kind in [b'a', b'r'] {
            if let Some(next) = self.txn.get(counter_key(from, kind)).await? {
                self.txn.put(counter_key(to, kind), next);
                self.txn.delete(counter_key(from, kind));
            }
        }
        if let Some(stats) = self.stats(from).await? {
            self.put_stats(&TableStats { table: to, ..stats })?;
            self.txn.delete(key(b'S', &[from.cast_unsigned()]));
        }
        Ok(())
    }

    /// Forgets a table's statistics.
    pub(in crate::sql::ddl) fn delete_stats(&self, table: i64) {
        self.txn.delete(key(b'S', &[table.cast_unsigned()]));
    }
}
