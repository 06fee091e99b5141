//! Which node runs the jobs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::actors::pd::PdClient;

/// Decides whether this node is the one that runs schema changes.
#[async_trait]
pub trait Ownership: Send + Sync + 'static {
    /// Takes or renews the ownership; asked before each step.
    async fn acquire(&self) -> bool;
    /// Whether other nodes may have put something into the queue for this one to run: then it is looked at from time to time.
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

/// The holder of a lease of the placement driver.
pub struct PdOwnership {
    pd: Arc<dyn PdClient>,
    candidate: String,
}

/// The lease's name.
const LEASE: &str = "ddl-owner";
/// How long it lasts without renewal. A step that takes longer may meet another owner's; then one of the two transactions
/// fails with a conflict, since each writes the schema version.
const LEASE_TTL: Duration = Duration::from_secs(30);

impl PdOwnership {
    /// An owner under this name, which is this node's alone.
    pub fn new(pd: Arc<dyn PdClient>, candidate: impl Into<String>) -> PdOwnership {
        PdOwnership { pd, candidate: candidate.into() }
    }
}

#[async_trait]
impl Ownership for PdOwnership {
    async fn acquire(&self) -> bool {
        match self.pd.campaign(LEASE, &self.candidate, LEASE_TTL).await {
            Ok(lease) => lease.holder == self.candidate,
            Err(_) => false,
        }
    }
}
