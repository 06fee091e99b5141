//! What the operators of a plan did when it ran.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one operator did.
#[derive(Debug, Default)]
pub struct NodeFigures {
    /// How often it was started.
    pub loops: AtomicU64,
    /// Rows it gave, in all loops.
    pub rows: AtomicU64,
    /// Nanoseconds until its first row, in all loops, with what its inputs took.
    pub first_nanos: AtomicU64,
    /// Nanoseconds until its last row.
    pub nanos: AtomicU64,
}

impl NodeFigures {
    /// A loop gave these rows and took so long.
    pub(crate) fn add_loop(&self, rows: usize, first_nanos: u64, nanos: u64) {
        self.loops.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.first_nanos.fetch_add(first_nanos, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// The figures of a tree's operators, the root's first, each operator's before its inputs'.
pub type TreeFigures = Vec<Arc<NodeFigures>>;
