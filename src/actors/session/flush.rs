//! FLUSH.

use super::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::is_system_database;
use crate::sql::parser::ast::{Flush, ObjectName};

impl Core {
    /// FLUSH.
    pub(super) async fn flush(&mut self, items: &[Flush]) -> SqlResult<()> {
        for item in items {
            match item {
                Flush::Privileges => self.reload_accounts().await?,
                Flush::Status => self.tally.clear(),
                // A table is never held open: there is nothing to close.
                Flush::Tables { lock: false, .. } => {}
                Flush::Tables { tables, lock: true } => self.lock_for_reading(tables).await?,
            }
        }
        Ok(())
    }

    /// FLUSH TABLES … WITH READ LOCK: nobody writes these tables, or any that there is, until UNLOCK TABLES.
    async fn lock_for_reading(&mut self, tables: &[ObjectName]) -> SqlResult<()> {
        if self.table_locks.is_some() {
            let message = "Can't execute the given command because you have active locked tables or an active transaction";
            return Err(SqlError::new(errno::LOCK_OR_ACTIVE_TRANSACTION, message));
        }
        let mut wanted = Vec::new();
        if tables.is_empty() {
            let schema = self.services.schema.current();
            for database in schema.databases().filter(|one| !is_system_database(&one.name)) {
                wanted.extend(schema.tables(&database.name).map(|table| ObjectName {
                    database: Some(database.name.clone()),
                    name: table.name.clone(),
                }));
            }
        } else {
            wanted.extend_from_slice(tables);
        }
        let locks: Vec<(ObjectName, bool)> =
            wanted.into_iter().map(|table| (table, false)).collect();
        if locks.is_empty() { Ok(()) } else { self.lock_tables(&locks).await }
    }
}
