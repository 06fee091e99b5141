//! Schema changes, as the session asks for them.

use std::time::Duration;

use super::core::Core;
use crate::actors::ddl::SubmitJob;
use crate::actors::runtime::{AskError, SendError};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{DdlContext, build_statement};
use crate::sql::parser::Statement;

/// How long a schema change may take; building an index of a large table takes long. KILL ends the wait, not the change.
const DEADLINE: Duration = Duration::from_secs(7 * 24 * 3600);

impl Core {
    /// Commits the transaction, as every schema change does in MySQL, and has the worker run the change.
    pub(super) async fn change_schema(&mut self, statement: &Statement) -> SqlResult<()> {
        self.commit().await?;
        let schema = self.services.schema.current();
        let ctx = DdlContext {
            schema: &schema,
            current_db: self.database.as_deref(),
            sql_mode: self.vars.system.lock().settings.sql_mode,
        };
        for statement in build_statement(statement, &ctx)? {
            let report = self
                .services
                .ddl
                .ask(SubmitJob { statement }, DEADLINE)
                .await
                .map_err(no_answer)??;
            for note in report.notes {
                self.eval.note(note.code, note.message);
            }
        }
        if let Some(database) = &self.database
            && self.services.schema.current().database(database).is_none()
        {
            self.set_database(None);
        }
        Ok(())
    }
}

fn no_answer(error: AskError) -> SqlError {
    match error {
        AskError::Send(SendError::Overloaded(_)) => {
            SqlError::new(errno::SERVER_BUSY, "Server is busy: too many schema changes wait")
        }
        other => SqlError::new(
            errno::UNKNOWN,
            format!("the schema change may still be running, its outcome is not known: {other}"),
        ),
    }
}
