//! Where statements compute: threads of their own, behind those that serve mailboxes and sockets.
//!
//! A future that may become heavy is started as a [`Roaming`] one ([`Compute::roam`]). It is polled where it was started, on the
//! thread of its actor, as long as it does little; when it says [`enter`] it is handed to the pool, as it stands, and polled there
//! until it ends. What it waits for wakes it as ever; timers and tasks it makes belong to the runtime it came from.
//!
//! The workers are few (one for each core), yield to everything else of the machine (`nice`), and take what is to be polled from a
//! queue with feedback: who has computed long waits behind who has not. Between polls ([`breathe`]) the others have their
//! turn. A poll that does not come to an end keeps a worker; then the pool starts another one, so that no number of long operators
//! keeps a short statement waiting, and the machine's scheduler shares the cores among them.
//!
//! Their stacks are large ([`STACK_BYTES`] of address space each; only what is used takes memory), because what recurses over
//! the shape of a statement runs here when the statement is deep.
//!
//! What a query answers comes from operators whose single steps may be long (a table of groups that doubles, an answer of millions of
//! groups). They are polled by a worker of their own ([`apart`]), so that a statement that is to end does not wait for the step in hand.
//!
//! In a system without threads there is no pool: everything is polled where it was started, in the same order each time.

mod apart;
mod pool;
mod queue;
mod roaming;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use metrics::{counter, describe_counter, describe_gauge, gauge};

pub use apart::apart;
pub use pool::STACK_BYTES;
pub use roaming::{Roaming, breathe, dispose, enter, is_worker};

use pool::Pool;

/// Threads that compute (gauge).
pub const WORKERS: &str = "troupe_compute_workers";
/// How many of them are at it (gauge).
pub const BUSY: &str = "troupe_compute_busy";
/// Statements that could go on and wait for a worker (gauge).
pub const WAITING: &str = "troupe_compute_waiting";
/// How often a statement was heavy and went to the workers (counter).
pub const ENTERED: &str = "troupe_compute_entered_total";
/// How often a worker was started because others were in a long piece of work (counter).
pub const RELIEVED: &str = "troupe_compute_relieved_total";

/// The workers of one system. Cheap to clone.
#[derive(Clone)]
pub struct Compute {
    pool: Option<Arc<Pool>>,
}

/// What the pool does right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ComputeFigures {
    /// Threads, those that stand in for busy ones included.
    pub workers: usize,
    /// How many of them have nothing to do.
    pub idle: usize,
    /// Futures that could go on and wait for a worker.
    pub waiting: usize,
    /// How often a future was handed to the pool.
    pub entered: u64,
    /// How often a worker was started because others did not come back.
    pub relieved: u64,
}

impl Compute {
    /// Starts so many workers.
    ///
    /// # Panics
    /// If the machine has no threads to give.
    pub fn threads(node: &str, workers: usize) -> Compute {
        Compute { pool: Some(Pool::start(node, workers.max(1))) }
    }

    /// No threads: everything runs where it is started.
    pub fn here() -> Compute {
        Compute { pool: None }
    }

    /// A future that goes to the workers when it asks to.
    pub fn roam<F>(&self, future: F) -> Roaming<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Roaming::new(self.pool.clone(), Box::pin(future))
    }

    /// Drops something whose dropping takes long or recurses deeply.
    pub fn dispose<T: Send + 'static>(&self, value: T) {
        match &self.pool {
            Some(pool) if !is_worker() => pool.spawn(Box::pin(async move { drop(value) })),
            _ => drop(value),
        }
    }

    /// What the pool does right now; nothing without one.
    pub fn figures(&self) -> ComputeFigures {
        self.pool.as_ref().map(|pool| pool.figures()).unwrap_or_default()
    }

    /// Publishes the figures as metrics.
    pub(super) fn publish(&self) {
        describe_gauge!(WORKERS, "threads that compute for statements");
        describe_gauge!(BUSY, "threads that compute for a statement right now");
        describe_gauge!(WAITING, "statements that wait for a thread to compute");
        describe_counter!(ENTERED, "how often a heavy statement went to the threads that compute");
        describe_counter!(
            RELIEVED,
            "how often a thread was started for others that compute for long"
        );
        let figures = self.figures();
        gauge!(WORKERS).set(figures.workers as f64);
        gauge!(BUSY).set(figures.workers.saturating_sub(figures.idle) as f64);
        gauge!(WAITING).set(figures.waiting as f64);
        counter!(ENTERED).absolute(figures.entered);
        counter!(RELIEVED).absolute(figures.relieved);
    }

    /// The workers end when nothing waits any more.
    pub(super) fn stop(&self) {
        if let Some(pool) = &self.pool {
            pool.stop();
        }
    }
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compute({:?})", self.figures())
    }
}
