//! Schema changes: who runs them, and how everybody learns of them.
//!
//! ```text
//! /node-1/ddl                 DdlWorker: runs the jobs of the queue; those on the same table one after the other
//! /node-1/ddl/delete-range    DeleteRangeWorker: removes what dropped tables and indexes leave behind
//! ```
//!
//! A session asks the worker with [`SubmitJob`] and gets its answer when the job is done or has failed. The job is in the
//! persisted queue before anything else happens, so a crash in the middle costs nothing but time: the next worker goes on where
//! the queue says. What a job *does* is decided by [`crate::sql::ddl`]; the worker only takes its steps.
//!
//! The schema that statements are bound against is in the [`SchemaCache`]. After each step the worker reads the new version into it.
//! Before the next step on the same tables it waits ([`SchemaSync`]) until no transaction that uses one of them still works with a schema
//! from before the last step: so that of any two transactions on a table neither is more than one state ahead of the other. A transaction
//! that has not used the table by then cannot write to it any more with such a schema ([`SchemaGuard::note_written`], error 1412).
//!
//! # Supervision
//!
//! Both actors restart after a panic: their state is in the store. Sessions that wait for an answer learn that there is none and may
//! ask for the job again.

mod delete_range;
mod messages;
mod run;
mod schema_cache;
#[cfg(test)]
mod tests;
mod waits;
mod worker;

pub use delete_range::DeleteRangeWorker;
pub use messages::{JobReport, JobWatch, SubmitJob};
pub use run::{DdlParts, SchemaSync, Turns};
pub use schema_cache::{HeldTable, LocalSync, SchemaCache, SchemaGuard};
pub use worker::DdlWorker;
