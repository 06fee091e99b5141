//! Signs of life of a connection: whenever bytes come over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often something has come over a connection. A large message takes its time to pass, and until it is whole nobody hears of it: but its bytes
/// come. Clones count together.
#[derive(Clone, Debug, Default)]
pub(in crate::actors) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Something has come.
    pub(in crate::actors) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often so far.
    pub(in crate::actors) fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
