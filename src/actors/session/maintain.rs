//! CHECK TABLE, OPTIMIZE TABLE and REPAIR TABLE.

use super::analyze::{Message, failure, find_table, no_base_table};
use super::answer::Sink;
use super::core::Core;
use super::statement::Request;
use crate::common::SqlResult;
use crate::sql::parser::ast::{Maintenance, ObjectName};
use crate::sql::system::Shown;
use crate::sql::types::Datum;

impl Core {
    /// A row or two for each table, as MySQL answers for InnoDB's.
    pub(super) async fn maintain(
        &mut self,
        what: Maintenance,
        names: &[ObjectName],
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.begin_eval(Vec::new(), false, false);
        let mut rows = Vec::new();
        for name in names {
            let database = self.database_or_current(name.database.as_deref())?;
            let (shown, messages) = self.maintain_named(what, &database, &name.name).await?;
            rows.extend(messages.into_iter().map(|(kind, text)| {
                let row = [shown.as_str(), what.name(), kind, text.as_str()];
                row.map(Datum::from).to_vec()
            }));
        }
        let columns = ["Table", "Op", "Msg_type", "!Msg_text"];
        self.send_shown(Shown::new(&columns, rows), request, sink).await
    }

    async fn maintain_named(
        &mut self,
        what: Maintenance,
        database: &str,
        name: &str,
    ) -> SqlResult<(String, Vec<Message>)> {
        let schema = self.services.schema.current();
        let (info, table) = match find_table(&schema, database, name) {
            Ok(found) => found,
            Err(error) => return Ok((format!("{database}.{name}"), failure(error))),
        };
        let shown = format!("{}.{}", info.name, table.name);
        let note = |text: String| ("note", text);
        let cannot =
            || note(format!("The storage engine for the table doesn't support {}", what.name()));
        let ok = ("status", "OK".to_owned());
        if table.view.is_some() {
            let messages = match what {
                Maintenance::Check => self.check_view(&info.name, &table.name),
                Maintenance::Optimize | Maintenance::Repair => failure(no_base_table(info, table)),
            };
            return Ok((shown, messages));
        }
        if info.id < 0 {
            return Ok((shown, vec![cannot()]));
        }
        let messages = match what {
            // Every row is read, and taken apart.
            Maintenance::Check => match self.checksum_of(&info.name, &table.name).await {
                Ok(_) => vec![ok],
                Err(error) if error.fault().is_some() => return Err(error),
                Err(error) => failure(error),
            },
            Maintenance::Optimize => {
                self.analyze_table(info, table).await?;
                let done = "Table does not support optimize, doing recreate + analyze instead";
                vec![note(done.to_owned()), ok]
            }
            Maintenance::Repair => vec![cannot()],
        };
        Ok((shown, messages))
    }
}
