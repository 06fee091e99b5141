//! A schema change as it is stored in the queue.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::common::SqlError;
use crate::sql::catalog::ddl_statement::Complaint;
use crate::sql::catalog::{
    Alteration, DdlStatement, ForeignKey, SchemaState, TableChange, TableInfo, routine_key,
};

/// What SQL calls a change.
pub fn action_name(statement: &DdlStatement) -> &'static str {
    match statement {
        DdlStatement::CreateDatabase { .. } => "create database",
        DdlStatement::DropDatabase { .. } => "drop database",
        DdlStatement::CreateTable { .. } => "create table",
        DdlStatement::AlterDatabase { .. } => "alter database",
        DdlStatement::RenameTables { .. } => "rename table",
        DdlStatement::CreateView { .. } => "create view",
        DdlStatement::PutRoutine { .. } => "create routine",
        DdlStatement::DropRoutine { .. } => "drop routine",
        DdlStatement::DropTables { .. } => "drop table",
        DdlStatement::TruncateTable { .. } => "truncate table",
        DdlStatement::AlterTable { .. } => "alter table",
        DdlStatement::LockTables { .. } => "lock tables",
        DdlStatement::UnlockTables { .. } => "unlock tables",
    }
}

/// Whether a change makes something that takes space: it is not begun where there is none.
pub(super) fn adds(statement: &DdlStatement) -> bool {
    match statement {
        DdlStatement::CreateDatabase { .. } | DdlStatement::CreateTable { .. } => true,
        DdlStatement::AlterTable { changes, .. } => changes.iter().any(TableChange::adds),
        DdlStatement::DropDatabase { .. }
        | DdlStatement::AlterDatabase { .. }
        | DdlStatement::RenameTables { .. }
        | DdlStatement::CreateView { .. }
        | DdlStatement::PutRoutine { .. }
        | DdlStatement::DropRoutine { .. }
        | DdlStatement::DropTables { .. }
        | DdlStatement::TruncateTable { .. }
        | DdlStatement::LockTables { .. }
        | DdlStatement::UnlockTables { .. } => false,
    }
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// Nothing was changed yet.
    Queued,
    /// Some of its steps are done.
    Running,
    /// It failed and takes its changes back.
    RollingBack,
    /// It is done.
    Done,
    /// It failed; nothing of it is left.
    Failed,
}

/// Why a job failed: an SQL error in a form that can be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// MySQL's number.
    pub code: u16,
    /// The message.
    pub message: String,
}

impl From<SqlError> for JobError {
    /// A statement's error ends its job.
    fn from(error: SqlError) -> JobError {
        JobError { code: error.code, message: error.message }
    }
}

impl From<&JobError> for SqlError {
    /// As the statement that asked for the job tells it.
    fn from(error: &JobError) -> SqlError {
        SqlError::new(error.code, error.message.clone())
    }
}

/// Something the user should see in SHOW WARNINGS although the job succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobNote {
    /// MySQL's number.
    pub code: u16,
    /// The message.
    pub message: String,
    /// It is a warning, and not only a note.
    #[serde(default)]
    pub warns: bool,
}

impl From<Complaint> for JobNote {
    /// A complaint of the catalog is a note of the job.
    fn from((code, message): Complaint) -> JobNote {
        JobNote { code, message, warns: false }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(part: &usize) -> bool {
    *part == 0
}

/// How far the backfill of an index has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReorgProgress {
    /// Rows with lower handles are done; `None`: no row yet.
    pub next_handle: Option<i64>,
    /// Which of the physical tables is being worked on.
    #[serde(default, skip_serializing_if = "is_first")]
    pub part: usize,
    /// Rows added so far.
    pub rows: u64,
    /// Every row is done.
    pub finished: bool,
}

impl ReorgProgress {
    /// The physical table that is being worked on, of a table.
    pub(super) fn table(&self, table: &TableInfo) -> TableInfo {
        match table.partitioning.as_ref().and_then(|all| all.ids().nth(self.part)) {
            Some(id) => table.physical(id),
            None => table.clone(),
        }
    }

    /// A physical table is done: goes on with the next, if there is one.
    pub(super) fn finish_part(&mut self, table: &TableInfo) {
        let parts = table.partitioning.as_ref().map_or(1, |all| all.ids().count());
        if self.part + 1 < parts {
            self.part += 1;
            self.next_handle = None;
            self.finished = false;
        } else {
            self.finished = true;
        }
    }
}

/// A schema change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Unique and increasing; the queue is in this order.
    pub id: u64,
    /// What is to change.
    pub action: DdlStatement,
    /// How far it has come.
    pub state: JobState,
    /// The state of what changes (where it has states).
    pub schema_state: SchemaState,
    /// Of an alteration: the table is what it is to be, and the state is that of what goes.
    #[serde(default)]
    pub switched: bool,
    /// Of an alteration: it has kept others out.
    #[serde(default)]
    pub locked: bool,
    /// Of an alteration: it looks whether old rows fulfil foreign keys.
    #[serde(default)]
    pub checks: bool,
    /// Of an alteration: the table before and after, as long as it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alteration: Option<Box<Alteration>>,
    /// The database, the table and the index it works on, once known; of several indexes, the one that is being filled.
    pub target: Option<(i64, i64, i64)>,
    /// What an alteration fills, once known: the indexes that it adds, and zero for the rows themselves.
    #[serde(default)]
    pub added: Vec<i64>,
    /// When it was submitted, by the oracle's clock.
    pub start_ms: u64,
    /// Progress of an index's backfill.
    pub reorg: ReorgProgress,
    /// How many rows were converted.
    #[serde(default)]
    pub converted: u64,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What the user should see besides.
    pub notes: Vec<JobNote>,
    /// The schema version of its last step.
    pub version: i64,
    /// Who asked for it.
    #[serde(default)]
    pub submitter: Submitter,
    /// The connections whose transactions it waits for.
    #[serde(default)]
    pub blocked_by: Vec<u32>,
    /// It was ended before it was done: whoever asked for it has the error already, though it may yet have something to take back.
    #[serde(default)]
    pub cancelled: bool,
}

/// Who asked for a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitter {
    /// The number of the connection; zero: the server itself.
    pub connection: u32,
    /// `lock_wait_timeout`: for so many seconds it waits for transactions that use its tables; zero: without end.
    pub lock_wait_s: u64,
    /// `foreign_key_checks` is off.
    #[serde(default)]
    pub unchecked: bool,
}

impl Job {
    /// A job nobody has begun.
    pub fn new(id: u64, action: DdlStatement, start_ms: u64) -> Job {
        Job {
            id,
            action,
            state: JobState::Queued,
            schema_state: SchemaState::Absent,
            target: None,
            added: Vec::new(),
            switched: false,
            checks: false,
            locked: false,
            alteration: None,
            start_ms,
            reorg: ReorgProgress::default(),
            converted: 0,
            error: None,
            notes: Vec::new(),
            version: 0,
            submitter: Submitter::default(),
            blocked_by: Vec::new(),
            cancelled: false,
        }
    }

    /// What it works on: databases and tables in lower case; `None`: whatever is in the database. Jobs that have something in
    /// common run one after the other.
    pub fn subjects(&self) -> BTreeSet<(String, Option<String>)> {
        let lower = |database: &String, table: Option<&String>| {
            (database.to_lowercase(), table.map(|table| table.to_lowercase()))
        };
        match &self.action {
            DdlStatement::CreateDatabase { info, .. } => BTreeSet::from([lower(&info.name, None)]),
            DdlStatement::DropDatabase { name, .. } | DdlStatement::AlterDatabase { name, .. } => {
                BTreeSet::from([lower(name, None)])
            }
            DdlStatement::RenameTables { renames } => {
                let names = renames.iter().flat_map(|(from, to)| [from, to]);
                names.map(|(database, table)| lower(database, Some(table))).collect()
            }
            DdlStatement::CreateTable { database, table, .. } => {
                let parent =
                    |key: &ForeignKey| lower(&key.parent_database, Some(&key.parent_table));
                let parents = table.foreign_keys.iter().map(parent);
                std::iter::once(lower(database, Some(&table.name))).chain(parents).collect()
            }
            DdlStatement::DropTables { tables, .. } | DdlStatement::UnlockTables { tables, .. } => {
                tables.iter().map(|(database, table)| lower(database, Some(table))).collect()
            }
            DdlStatement::LockTables { tables, .. } => {
                tables.iter().map(|(database, table, _)| lower(database, Some(table))).collect()
            }
            DdlStatement::CreateView { database, view, .. } => {
                BTreeSet::from([lower(database, Some(&view.name))])
            }
            DdlStatement::PutRoutine { database, routine, .. } => {
                BTreeSet::from([lower(database, Some(&routine.name))])
            }
            DdlStatement::DropRoutine { database, kind, name } => {
                BTreeSet::from([lower(database, Some(&routine_key(*kind, name)))])
            }
            DdlStatement::TruncateTable { database, table } => {
                BTreeSet::from([lower(database, Some(table))])
            }
            DdlStatement::AlterTable { database, table, changes, .. } => {
                let renamed = changes.iter().filter_map(|change| match change {
                    TableChange::RenameTo(to) => Some(lower(&to.database, Some(&to.table))),
                    _ => None,
                });
                let parents = changes.iter().filter_map(TableChange::parent);
                let parents = parents
                    .map(|(database, table)| (database.to_lowercase(), Some(table.to_lowercase())));
                std::iter::once(lower(database, Some(table)))
                    .chain(renamed)
                    .chain(parents)
                    .collect()
            }
        }
    }

    /// Whether there is nothing more to do.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, JobState::Done | JobState::Failed)
    }
}
