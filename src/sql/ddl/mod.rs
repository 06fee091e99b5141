//! Schema changes: jobs that move a schema element one state at a time.
//!
//! What exists is stored under the `m` prefix ([`Meta`]) and read by [`load_schema`]. A change is a
//! [`Job`] in a persisted queue. [`step`] moves the first job by one state, in one transaction that also writes the
//! job back and gives the schema its next version; so a crash between two steps loses nothing, and a step is never
//! half done.
//!
//! # Why so many states
//!
//! SQL nodes learn of a new version at different times. A node that uses an index while another does not know it
//! yet would miss that node's writes. F1's answer is to go through states such that any two *neighbours* may work
//! side by side, and never to let nodes be two versions apart:
//!
//! ```text
//! absent → delete-only → write-only → reorganization → public        (and backwards to drop)
//! ```
//!
//! In *delete-only* writers remove entries and add none; in *write-only* they keep the index like any other, and
//! nobody reads it. Once everybody is in *reorganization* the entries of older rows are added in batches
//! ([`backfill_batch`]), each in its own transaction that remembers how far it came, so that a restart goes on from there.
//! A batch conflicts with a concurrent write of one of its rows, and is then run again.
//!
//! The caller (the DDL worker) makes sure between two steps that everybody has loaded the version.
//!
//! # What we chose not to do
//!
//! Jobs on the same table run one after the other: what is to happen together is one statement with several actions.

mod alter;
mod backfill;
mod cancel;
mod conversion;
mod counter;
mod elements;
mod job;
mod load;
mod meta;
mod references;
mod rename;
mod routine;
mod step;
mod table;
mod table_lock;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_columns;
mod validate;
mod view;

pub use backfill::{BackfillOutcome, backfill_batch, backfill_row};
pub use cancel::cancel;
pub use job::{Job, JobError, JobNote, JobState, ReorgProgress, Submitter, action_name};
pub use load::{load_schema, load_schema_after};
pub use meta::{Changed, DeleteRange, Meta, VersionChange};
pub use step::{Progress, enqueue, step};
