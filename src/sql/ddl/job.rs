//! A schema change as it is stored in the queue.

use serde::{Deserialize, Serialize};

use crate::common::SqlError;
use crate::sql::catalog::{SchemaState, TableInfo};

/// An index to be made, by the names of its columns (their positions may have changed when the job runs).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSpec {
    /// Its name; `None`: its first column's, with a number if that is taken.
    pub name: Option<String>,
    /// Its columns, each with the characters of a prefix.
    pub columns: Vec<(String, Option<u32>)>,
    /// UNIQUE.
    pub unique: bool,
    /// COMMENT.
    pub comment: String,
}

/// What is to change. Names are as the user wrote them; ids are given when the job runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobAction {
    /// CREATE DATABASE.
    CreateDatabase {
        /// Its name.
        name: String,
        /// Default character set of its tables.
        charset: String,
        /// Default collation of its tables.
        collation: String,
        /// An existing one is a note, not an error.
        if_not_exists: bool,
    },
    /// DROP DATABASE, with all its tables.
    DropDatabase {
        /// Its name.
        name: String,
        /// A missing one is a note, not an error.
        if_exists: bool,
    },
    /// CREATE TABLE.
    CreateTable {
        /// In this database.
        database: String,
        /// Everything but `id`, `version` and `state`.
        table: Box<TableInfo>,
        /// An existing one is a note, not an error.
        if_not_exists: bool,
    },
    /// DROP TABLE, of one table or several.
    DropTables {
        /// Database and table of each.
        tables: Vec<(String, String)>,
        /// Missing ones are notes, not an error.
        if_exists: bool,
    },
    /// TRUNCATE TABLE: the table gets a new id and so starts empty.
    TruncateTable {
        /// Database.
        database: String,
        /// Table.
        table: String,
    },
    /// CREATE INDEX, also as ALTER TABLE ADD INDEX.
    CreateIndex {
        /// Database.
        database: String,
        /// Table.
        table: String,
        /// What it is to be.
        index: IndexSpec,
        /// An existing one of that name is a note, not an error.
        if_not_exists: bool,
    },
    /// DROP INDEX, also as ALTER TABLE DROP INDEX.
    DropIndex {
        /// Database.
        database: String,
        /// Table.
        table: String,
        /// The index.
        index: String,
        /// A missing one is a note, not an error.
        if_exists: bool,
    },
}

impl JobAction {
    /// What SQL calls it.
    pub fn name(&self) -> &'static str {
        match self {
            JobAction::CreateDatabase { .. } => "create database",
            JobAction::DropDatabase { .. } => "drop database",
            JobAction::CreateTable { .. } => "create table",
            JobAction::DropTables { .. } => "drop table",
            JobAction::TruncateTable { .. } => "truncate table",
            JobAction::CreateIndex { .. } => "create index",
            JobAction::DropIndex { .. } => "drop index",
        }
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
    fn from(error: SqlError) -> JobError {
        JobError { code: error.code, message: error.message }
    }
}

impl From<&JobError> for SqlError {
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
}

/// How far the backfill of an index has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReorgProgress {
    /// Rows with lower handles are done; `None`: no row yet.
    pub next_handle: Option<i64>,
    /// Rows added so far.
    pub rows: u64,
    /// Every row is done.
    pub finished: bool,
}

/// A schema change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Unique and increasing; the queue is in this order.
    pub id: u64,
    /// What is to change.
    pub action: JobAction,
    /// How far it has come.
    pub state: JobState,
    /// The state of the element that changes (where it has states).
    pub schema_state: SchemaState,
    /// The table and index it works on, once known.
    pub target: Option<(i64, i64, i64)>,
    /// When it was submitted, by the oracle's clock.
    pub start_ms: u64,
    /// Progress of an index's backfill.
    pub reorg: ReorgProgress,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What the user should see besides.
    pub notes: Vec<JobNote>,
    /// The schema version of its last step.
    pub version: i64,
}

impl Job {
    /// A job nobody has begun.
    pub fn new(id: u64, action: JobAction, start_ms: u64) -> Job {
        Job {
            id,
            action,
            state: JobState::Queued,
            schema_state: SchemaState::Absent,
            target: None,
            start_ms,
            reorg: ReorgProgress::default(),
            error: None,
            notes: Vec::new(),
            version: 0,
        }
    }

    /// Whether there is nothing more to do.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, JobState::Done | JobState::Failed)
    }
}
