//! What a node's sessions do, counted: SHOW STATUS, the summary of statements, the log of slow ones, and their metrics.
//!
//! A statement costs a few atomic additions here, and reading its text once for its fingerprint; its text is kept only when
//! its digest is new or it was slow.

mod commands;
mod metrics;
mod slow;
mod statements;
mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::sql::statement::StatementKind;

pub use commands::Protocol;
pub(in crate::actors) use metrics::{DURATION, describe as describe_metrics};
pub use slow::SlowLog;
pub use statements::{Statements, Summary};
pub(super) use status::status;

/// What became of a statement.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How long it took.
    pub elapsed: Duration,
    /// Rows sent to the client.
    pub sent: u64,
    /// Rows changed.
    pub affected: u64,
    /// Rows read from tables and indexes.
    pub examined: u64,
    /// Warnings it left.
    pub warnings: u64,
    /// MySQL's number of its error.
    pub error: Option<u16>,
}

/// A statement that ran.
pub struct Ran<'a> {
    /// What it was.
    pub command: StatementKind,
    /// See [`crate::sql::digest::fingerprint`].
    pub fingerprint: u64,
    /// Its text, cheap to take.
    pub text: &'a Bytes,
    /// The database in use.
    pub database: Option<&'a str>,
    /// When it ended, in microseconds since 1970.
    pub now_micros: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// Counters of rows read and written, as `Handler_…` in SHOW STATUS.
#[derive(Debug, Default)]
pub struct Handler {
    /// Rows found by a key.
    pub read_key: AtomicU64,
    /// Rows read in order.
    pub read_next: AtomicU64,
    /// Rows inserted.
    pub write: AtomicU64,
    /// Rows updated.
    pub update: AtomicU64,
    /// Rows deleted.
    pub delete: AtomicU64,
    /// Commits.
    pub commit: AtomicU64,
    /// Rollbacks.
    pub rollback: AtomicU64,
}

/// What is counted of a node, and of each session.
#[derive(Debug, Default)]
pub struct Tally {
    commands: commands::Counts,
    /// Rows.
    pub handler: Handler,
    received: AtomicU64,
    sent: AtomicU64,
    questions: AtomicU64,
    errors: AtomicU64,
    slow: AtomicU64,
}

impl Tally {
    /// A client has sent a command, of so many bytes.
    pub fn count_received(&self, bytes: usize) {
        self.questions.fetch_add(1, Ordering::Relaxed);
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes went to a client.
    pub fn count_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A statement began.
    pub fn count(&self, kind: StatementKind) {
        self.commands.add(kind);
    }

    /// A command of the protocol began.
    pub fn count_protocol(&self, command: Protocol) {
        self.commands.add_protocol(command);
    }

    /// A statement failed.
    pub fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// A statement took long.
    pub fn count_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins to count anew: FLUSH STATUS.
    pub fn clear(&self) {
        let Handler { read_key, read_next, write, update, delete, commit, rollback } =
            &self.handler;
        let handler = [read_key, read_next, write, update, delete, commit, rollback];
        let own = [&self.received, &self.sent, &self.questions, &self.errors, &self.slow];
        handler.into_iter().chain(own).for_each(|counter| counter.store(0, Ordering::Relaxed));
        self.commands.clear();
    }

    /// How many commands there were.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Name and value of every counter, in order.
    pub fn values(&self) -> Vec<(String, u64)> {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let handler = &self.handler;
        let mut values: Vec<(String, u64)> = [
            ("Bytes_received", of(&self.received)),
            ("Bytes_sent", of(&self.sent)),
            ("Handler_commit", of(&handler.commit)),
            ("Handler_delete", of(&handler.delete)),
            ("Handler_read_key", of(&handler.read_key)),
            ("Handler_read_next", of(&handler.read_next)),
            ("Handler_rollback", of(&handler.rollback)),
            ("Handler_update", of(&handler.update)),
            ("Handler_write", of(&handler.write)),
            ("Slow_queries", of(&self.slow)),
            ("Statement_errors", of(&self.errors)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        values.extend(self.commands.list().map(|(name, value)| (format!("Com_{name}"), value)));
        values.sort();
        values
    }
}

/// The counters of a node.
#[derive(Debug, Default)]
pub struct Activity {
    /// Of all its sessions.
    pub tally: Tally,
    /// By digest.
    pub statements: Statements,
    /// The last slow ones.
    pub slow: SlowLog,
}

impl Activity {
    /// Counts a statement that has ended.
    pub fn record(&self, ran: &Ran<'_>) {
        metrics::record(ran);
        if ran.outcome.error.is_some() {
            self.tally.count_error();
        }
        self.statements.record(ran);
    }
}

/// The counters of a node, shared by its sessions.
pub type SharedActivity = Arc<Activity>;
