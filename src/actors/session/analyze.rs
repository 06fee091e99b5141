//! ANALYZE TABLE.

use super::answer::Sink;
use super::core::Core;
use super::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::analyze::{self, FullSpeed};
use crate::sql::catalog::{DatabaseInfo, InfoSchema, TableInfo};
use crate::sql::parser::ast::ObjectName;
use crate::sql::system::Shown;
use crate::sql::types::Datum;

/// What is told of a table: the kind of message, and the message.
pub(super) type Message = (&'static str, String);

impl Core {
    /// ANALYZE TABLE: reads each table and writes its statistics, which this node's statements are planned with from then on.
    /// KILL ends it between two tables or while one is read; then that one's statistics are the old ones.
    pub(super) async fn analyze(
        &mut self,
        names: &[ObjectName],
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let mut rows = Vec::new();
        for name in names {
            let database = self.database_or_current(name.database.as_deref())?;
            let (shown, messages) = self.analyze_named(&database, &name.name).await?;
            rows.extend(messages.into_iter().map(|(kind, text)| {
                let row = [shown.as_str(), "analyze", kind, text.as_str()];
                row.map(Datum::from).to_vec()
            }));
        }
        let columns = ["Table", "Op", "Msg_type", "!Msg_text"];
        self.send_shown(Shown::new(&columns, rows), request, sink).await
    }

    /// The table's name as it is shown, and what became of it.
    async fn analyze_named(&self, database: &str, name: &str) -> SqlResult<(String, Vec<Message>)> {
        let schema = self.services.schema.current();
        let (info, table) = match find_table(&schema, database, name) {
            Ok(found) => found,
            Err(error) => return Ok((format!("{database}.{name}"), failure(error))),
        };
        let shown = format!("{}.{}", info.name, table.name);
        if table.view.is_some() {
            return Ok((shown, failure(no_base_table(info, table))));
        }
        if info.id < 0 {
            let note = "The storage engine for the table doesn't support analyze";
            return Ok((shown, vec![("note", note.to_owned())]));
        }
        let messages = match self.analyze_table(info, table).await {
            Ok(()) => vec![("status", "OK".to_owned())],
            Err(error) if error.code == errno::NO_SUCH_TABLE => failure(error),
            Err(error) => return Err(error),
        };
        Ok((shown, messages))
    }

    pub(super) async fn analyze_table(
        &self,
        database: &DatabaseInfo,
        table: &TableInfo,
    ) -> SqlResult<()> {
        self.report_pending(table.id).await?;
        let store = &*self.services.store;
        let analyzed = analyze::analyze(store, database.id, table, &FullSpeed).await?;
        self.services.stats.put([analyzed]);
        Ok(())
    }

    /// Reports what this node's sessions did to a table: its rows are about to be counted, and are not to be counted twice.
    async fn report_pending(&self, table: i64) -> SqlResult<()> {
        let _shield = self.control.shield();
        let cache = &self.services.stats;
        let pending = cache.take_pending_of(table);
        match analyze::flush(&*self.services.store, &pending).await {
            Ok(written) => cache.put(written),
            // They may have been reported: the reading that follows tells anyway.
            Err(error) if error.code == errno::UNDETERMINED_COMMIT => {}
            Err(error) => {
                cache.record(&pending);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// A table that a statement of maintenance names, with its database.
pub(super) fn find_table<'s>(
    schema: &'s InfoSchema,
    database: &str,
    name: &str,
) -> SqlResult<(&'s DatabaseInfo, &'s TableInfo)> {
    let database = schema.require_database(database)?;
    Ok((database, schema.require_table(&database.name, name)?))
}

/// Error 1347 for a view.
pub(super) fn no_base_table(database: &DatabaseInfo, table: &TableInfo) -> SqlError {
    let text = format!("'{}.{}' is not BASE TABLE", database.name, table.name);
    SqlError::new(errno::WRONG_OBJECT, text)
}

pub(super) fn failure(error: SqlError) -> Vec<Message> {
    vec![("Error", error.message), ("status", "Operation failed".to_owned())]
}
