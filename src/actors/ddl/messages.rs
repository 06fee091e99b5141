//! What the DDL worker is told.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::common::SqlResult;
use crate::message;
use crate::sql::catalog::DdlStatement;
use crate::sql::ddl::JobNote;

/// Sent by a session: change the schema. The answer comes when the change is complete, or has failed and left nothing behind.
#[derive(Clone, Debug)]
pub struct SubmitJob {
    /// What is to change.
    pub statement: DdlStatement,
    /// The number of the connection; zero: the server itself.
    pub connection: u32,
    /// For so long it waits for each of the transactions that use its tables (`lock_wait_timeout`); `None`: without end.
    pub lock_wait: Option<Duration>,
    /// `foreign_key_checks` is off.
    pub unchecked: bool,
    /// What becomes of it meanwhile.
    pub watch: Arc<JobWatch>,
}

impl SubmitJob {
    /// A change that the server makes for itself.
    pub fn new(statement: DdlStatement) -> SubmitJob {
        SubmitJob {
            statement,
            connection: 0,
            lock_wait: None,
            unchecked: false,
            watch: Arc::default(),
        }
    }
}

message!(SubmitJob => SqlResult<JobReport>, "SubmitJob");

/// What a session and the worker tell each other of a change while it is under way.
#[derive(Debug, Default)]
pub struct JobWatch {
    /// It waits for transactions that use its tables.
    pub waits: AtomicBool,
    /// Whoever asked for it has been killed: once nobody waits for the answer, the change is taken back.
    pub ends: AtomicBool,
}

/// A change that is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobReport {
    /// The job's id.
    pub job: u64,
    /// The schema version that has it; the [`SchemaCache`](super::SchemaCache) is there already.
    pub version: i64,
    /// What SHOW WARNINGS shows.
    pub notes: Vec<JobNote>,
    /// How many rows were converted.
    pub records: u64,
}
