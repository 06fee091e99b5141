//! Statistics of tables: who collects them, and where statements find them.
//!
//! ```text
//! /node-1/stats           StatsReporter, on nodes with role sql: what their transactions did goes to the store, what the
//!                         store has goes to their planner
//! /node-1/stats-worker    StatsWorker, on nodes with role stats: reads tables whose statistics are missing or old
//! ```
//!
//! What statistics are, and how a table is read, is in [`crate::sql::stats`]. Sessions plan with the [`StatsCache`] of their node, and
//! tell it what they committed. The reporter adds that to the tables' records every few seconds, if there is anything, and puts the
//! records it wrote into the cache. All records it reads at its start, when the schema changes, and, while there are
//! other nodes, once a minute: so another node's writes are known that late. On a node that is alone and at rest
//! it asks nothing of the store, whose regions sleep then.
//!
//! Of the workers one works at a time, by a lease of the placement driver. It is taken when there is something to do, renewed while
//! that lasts, and given up when the node stops; a worker that loses it stops in the middle of the table. If two
//! should read a table at once, that costs time only: each writes what it found in one transaction. A worker reads for a part of
//! the time (`stats.analyze-load`) and pauses for the rest.
//!
//! # Supervision
//!
//! Both restart after a panic. What was recorded and not reported is in the cache, and a report that does not arrive is
//! given back to it; the worker begins a table again. If a node dies, what it had recorded in the last seconds is lost: `rows` is
//! off by that until the table is analyzed again.

mod cache;
mod choice;
mod messages;
mod metrics;
mod reporter;
mod round;
#[cfg(test)]
mod tests;
mod worker;

pub use cache::StatsCache;
pub use messages::ReportNow;
pub(in crate::actors) use metrics::describe as describe_metrics;
pub use reporter::{ReportParts, StatsReporter};
pub use round::AnalyzeParts;
pub use worker::StatsWorker;
