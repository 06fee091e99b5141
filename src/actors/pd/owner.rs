//! Work that one node at a time does for the whole cluster: which one that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::PdClient;

/// Decides whether this node is the one that does some work.
#[async_trait]
pub trait Ownership: Send + Sync + 'static {
    /// Takes or renews the ownership; asked before each step.
    async fn acquire(&self) -> bool;
    /// Gives it up, if this node has it, so that the next one need not wait for its end.
    async fn resign(&self) {}
    /// Whether other nodes may have put something into a queue for this one to do: then it is looked at from time to time.
    fn looks_around(&self) -> bool {
        false
    }
}

/// The only node there is.
pub struct AlwaysOwner;

#[async_trait]
impl Ownership for AlwaysOwner {
    async fn acquire(&self) -> bool {
        true
    }
}

/// The holder of a lease of the placement driver. Taking and renewing it is a write there: it is asked for when there is
/// something to do, and not otherwise.
pub struct PdOwnership {
    pd: Arc<dyn PdClient>,
    lease: &'static str,
    candidate: String,
    /// Whether it was had when it was last asked for.
    held: AtomicBool,
}

impl PdOwnership {
    /// How long a lease lasts without renewal.
    pub const TTL: Duration = Duration::from_secs(30);

    /// An owner of the lease of this name; `candidate` is this node's name alone.
    pub fn new(
        pd: Arc<dyn PdClient>,
        lease: &'static str,
        candidate: impl Into<String>,
    ) -> PdOwnership {
        PdOwnership { pd, lease, candidate: candidate.into(), held: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Ownership for PdOwnership {
    async fn acquire(&self) -> bool {
        let lease = self.pd.campaign(self.lease, &self.candidate, Self::TTL).await;
        let held = lease.is_ok_and(|lease| lease.holder == self.candidate);
        self.held.store(held, Ordering::Relaxed);
        held
    }

    async fn resign(&self) {
        if self.held.swap(false, Ordering::Relaxed) {
            // If that fails, the lease ends by itself.
            let _ = self.pd.resign(self.lease, &self.candidate).await;
        }
    }
}
