//! What the DDL worker is told.

use crate::common::SqlResult;
use crate::message;
use crate::sql::catalog::DdlStatement;
use crate::sql::ddl::JobNote;

/// Sent by a session: change the schema. The answer comes when the change is complete, or has failed and left nothing behind.
#[derive(Clone, Debug)]
pub struct SubmitJob {
    /// What is to change.
    pub statement: DdlStatement,
}

message!(SubmitJob => SqlResult<JobReport>, "SubmitJob");

/// A change that is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobReport {
    /// The job's id.
    pub job: u64,
    /// The schema version that has it; the [`SchemaCache`](super::SchemaCache) is there already.
    pub version: i64,
    /// What SHOW WARNINGS shows as notes.
    pub notes: Vec<JobNote>,
}
