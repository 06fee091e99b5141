//! Schema changes, as the session asks for them.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Process;
use super::core::Core;
use super::variables::position;
use crate::actors::ddl::{JobReport, JobWatch, SubmitJob};
use crate::actors::runtime::{AskError, SendError};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{DdlContext, DdlStatement, InfoSchema, build_statement};
use crate::sql::parser::Statement;
use crate::sql::parser::ast::{
    AlterAction, CreateDatabase, DatabaseOptions, ObjectName, TableOption,
};
use crate::sql::plan::check_definition;
use crate::sql::stats::{StatsSource as _, TableStats};
use crate::sql::types::SqlMode;

/// How long a schema change may take; building an index of a large table takes long.
const DEADLINE: Duration = Duration::from_secs(7 * 24 * 3600);

/// The engines of MySQL that ours takes the place of.
const REPLACED_ENGINES: &[&str] =
    &["MyISAM", "MEMORY", "HEAP", "CSV", "ARCHIVE", "BLACKHOLE", "MRG_MYISAM", "MERGE"];

impl Core {
    /// Has the worker run a change of the schema.
    /// Answers how many rows it is said to have affected.
    pub(super) async fn change_schema(&mut self, statement: &Statement) -> SqlResult<u64> {
        if let Some(affected) = self.change_temporary(statement).await? {
            return Ok(affected);
        }
        self.await_schema_change(statement).await?;
        self.check_engine(statement)?;
        self.note_without_effect(statement);
        let mut affected = self.rows_of_change(statement);
        let schema = self.services.schema.current();
        let eval = self.eval.clone();
        let seen = self.with_temporary(&schema);
        let ctx = DdlContext {
            schema: &seen,
            current_db: self.database.as_deref(),
            sql_mode: self.vars.system.lock().settings.sql_mode,
            eval: &eval,
        };
        for statement in build_statement(&self.with_collation(statement), &ctx)? {
            check_definition(&statement, &schema, self.database.as_deref())?;
            if let Some(notes) = statement.notes_if_settled(&schema) {
                for (code, message) in notes {
                    self.eval.note(code, message);
                }
                continue;
            }
            let made = made_table(&statement);
            let report = self.submit(statement, DEADLINE).await?;
            affected += report.records;
            for note in report.notes {
                match note.warns {
                    true => self.eval.warn(note.code, note.message),
                    false => self.eval.note(note.code, note.message),
                }
            }
            if let Some((database, table)) = made {
                self.count_from_nothing(&schema, &database, &table);
            }
        }
        self.warn_of_duplicates(statement, &schema);
        if let Some(database) = &self.database
            && self.services.schema.current().database(database).is_none()
        {
            self.set_database(None);
        }
        Ok(affected)
    }

    /// Has the worker change the schema. What is cancelled meanwhile is taken back, if it still can be.
    pub(super) async fn submit(
        &self,
        statement: DdlStatement,
        deadline: Duration,
    ) -> SqlResult<JobReport> {
        let watch = self.process.watch_change();
        let _ended = EndsWith { process: &self.process, watch: &watch };
        let lock_wait = match &statement {
            // Nobody waits for those who free something.
            DdlStatement::UnlockTables { .. } => None,
            _ => Some(self.vars.system.lock().settings.table_lock_wait),
        };
        let unchecked = !self.vars.system.lock().settings.foreign_key_checks;
        let connection = self.process.id;
        let job = SubmitJob { statement, connection, lock_wait, unchecked, watch: watch.clone() };
        self.services.ddl.ask(job, deadline).await.map_err(no_answer)?
    }

    /// A table that is new is known to be empty, also before this node's statistics are next read.
    fn count_from_nothing(&self, before: &InfoSchema, database: &str, table: &str) {
        let schema = self.services.schema.current();
        if let Some(table) = schema.table(database, table)
            && before.table_by_id(table.id).is_none()
            && self.services.stats.table(table.id).is_none()
        {
            self.services.stats.put([TableStats::empty(table.id)]);
            if table.partitioning.is_some() {
                self.services.stats.put(table.physical_ids().into_iter().map(TableStats::empty));
            }
        }
    }

    /// A new database counts as a row, and so does each table of one that goes.
    fn rows_of_change(&self, statement: &Statement) -> u64 {
        match statement {
            Statement::CreateDatabase(_) => 1,
            Statement::DropDatabase { name, .. } => {
                let schema = self.services.schema.current();
                schema
                    .database(name)
                    .map_or(0, |database| schema.tables(&database.name).count() as u64)
            }
            _ => 0,
        }
    }

    /// What the OK packet of a change says: ALTER TABLE and what stands for one count the rows they converted.
    pub(super) fn info_of_change(&self, statement: &Statement, records: u64) -> String {
        use Statement as S;
        match statement {
            S::AlterTable { .. } | S::CreateIndex(_) | S::DropIndex { .. } => {
                let warnings = self.eval.warning_count.load(Ordering::Relaxed);
                format!("Records: {records}  Duplicates: 0  Warnings: {warnings}")
            }
            _ => String::new(),
        }
    }

    /// A new database has the session's `collation_server`, unless the statement names another.
    fn with_collation<'s>(&self, statement: &'s Statement) -> Cow<'s, Statement> {
        let Statement::CreateDatabase(create) = statement else {
            return Cow::Borrowed(statement);
        };
        let Ok(position) = position("collation_server") else { return Cow::Borrowed(statement) };
        if create.options != DatabaseOptions::default() {
            return Cow::Borrowed(statement);
        }
        let collation = Some(self.vars.system.lock().text(position).to_string());
        let options = DatabaseOptions { charset: None, collation };
        Cow::Owned(Statement::CreateDatabase(CreateDatabase { options, ..create.clone() }))
    }

    /// ENABLE KEYS, DISABLE KEYS and ORDER BY are taken and change nothing, as InnoDB does it.
    fn note_without_effect(&self, statement: &Statement) {
        let Statement::AlterTable { table, actions, .. } = statement else { return };
        let name = &table.name;
        if actions.contains(&AlterAction::Keys) {
            let message = format!("Table storage engine for '{name}' doesn't have this option");
            self.eval.note(errno::ILLEGAL_HA, message);
        }
        let ordered = actions.iter().any(|action| matches!(action, AlterAction::OrderBy(_)));
        if ordered && self.has_primary_key(table) {
            let message = format!(
                "ORDER BY ignored as there is a user-defined clustered index in the table '{name}'"
            );
            self.eval.warn(errno::UNKNOWN, message);
        }
    }

    /// An index that is new beside another of the same columns finds nothing that the other does not.
    fn warn_of_duplicates(&self, statement: &Statement, before: &InfoSchema) {
        let name = match statement {
            Statement::CreateTable(create) => &create.name,
            Statement::AlterTable { table, .. } => table,
            Statement::CreateIndex(create) => &create.table,
            _ => return,
        };
        let Some(database) = name.database.as_deref().or(self.database.as_deref()) else { return };
        let schema = self.services.schema.current();
        let Some(table) = schema.table(database, &name.name) else { return };
        let old = before.table(database, &name.name).filter(|old| old.id == table.id);
        for index in table.new_duplicates(old.map(|old| &**old)) {
            let message = format!(
                "Duplicate index '{}' defined on the table '{database}.{}'. This is deprecated and will be disallowed in a future release.",
                index.name, table.name
            );
            self.eval.warn(errno::DUP_INDEX, message);
        }
    }

    fn has_primary_key(&self, table: &ObjectName) -> bool {
        let schema = self.services.schema.current();
        let database = table.database.as_deref().or(self.database.as_deref());
        let table = database.and_then(|database| schema.table(database, &table.name));
        table.is_some_and(|table| table.handle_column.is_some() || table.primary_index().is_some())
    }

    /// There is one storage engine, and it goes by InnoDB's name. It takes the place of MySQL's others, with a warning; one that
    /// MySQL does not have is error 1286, or without NO_ENGINE_SUBSTITUTION a warning.
    pub(super) fn check_engine(&self, statement: &Statement) -> SqlResult<()> {
        let (table, options) = match statement {
            Statement::CreateTable(create) => (&create.name.name, create.options.iter().collect()),
            Statement::AlterTable { table, actions, .. } => (&table.name, altered_options(actions)),
            _ => return Ok(()),
        };
        for option in options {
            let TableOption::Engine(engine) = option else { continue };
            if ["InnoDB", "INNOBASE"].iter().any(|own| own.eq_ignore_ascii_case(engine)) {
                continue;
            }
            let unknown = SqlError::new(
                errno::UNKNOWN_STORAGE_ENGINE,
                format!("Unknown storage engine '{engine}'"),
            );
            if !REPLACED_ENGINES.iter().any(|known| known.eq_ignore_ascii_case(engine)) {
                if self.eval.sql_mode.contains(SqlMode::NO_ENGINE_SUBSTITUTION) {
                    return Err(unknown);
                }
                self.eval.warn(unknown.code, unknown.message);
            }
            // MySQL has it make temporary tables.
            if Core::is_of_temporary(statement) {
                continue;
            }
            let substituted = format!("Using storage engine InnoDB for table '{table}'");
            self.eval.warn(errno::WARN_USING_OTHER_HANDLER, substituted);
        }
        Ok(())
    }
}

/// The options among the actions of ALTER TABLE.
fn altered_options(actions: &[AlterAction]) -> Vec<&TableOption> {
    let options = actions.iter().map(|action| match action {
        AlterAction::Options(options) => &options[..],
        _ => &[],
    });
    options.flatten().collect()
}

/// Tells the worker why nobody waits for a change any more.
struct EndsWith<'a> {
    process: &'a Process,
    watch: &'a JobWatch,
}

impl Drop for EndsWith<'_> {
    fn drop(&mut self) {
        self.watch.ends.store(self.process.is_killed(), Ordering::Relaxed);
        self.process.changes_nothing();
    }
}

/// The table that is new after a change: database and name.
fn made_table(statement: &DdlStatement) -> Option<(String, String)> {
    match statement {
        DdlStatement::CreateTable { database, table, .. } => {
            Some((database.clone(), table.name.clone()))
        }
        DdlStatement::TruncateTable { database, table } => Some((database.clone(), table.clone())),
        _ => None,
    }
}

pub(super) fn no_answer(error: AskError) -> SqlError {
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
