//! The way to the replicas on other stores.

use raft::eraftpb::Message;

use crate::storage::region::{Peer, Region};

/// A raft message on its way.
#[derive(Debug)]
pub struct RaftEnvelope {
    /// The region as its sender knows it.
    pub region: Region,
    /// The replica that sends.
    pub from: Peer,
    /// The replica it is for.
    pub to: Peer,
    /// What Raft has to say.
    pub message: Message,
}

/// Carries raft messages to other stores. Raft bears loss, so there is nothing to answer; it must
/// not block.
pub trait Transport: Send + Sync + 'static {
    /// Sends what it can.
    fn send(&self, envelope: RaftEnvelope);
}

/// The transport of a cluster with one store: there is nobody to send to.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTransport;

impl Transport for NoTransport {
    fn send(&self, envelope: RaftEnvelope) {
        tracing::debug!(
            region_id = %envelope.region.id,
            to_store = %envelope.to.store_id,
            "dropped a raft message: no way to other stores"
        );
    }
}
