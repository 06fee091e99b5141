//! The way to the replicas on other stores.
//!
//! Two things travel: raft messages ([`Transport::send`]), small, many, and free to be lost; and
//! pieces of snapshots ([`Transport::send_chunk`]), large and answered one by one, so that a slow
//! receiver slows its sender down. What arrives is given to
//! [`StoreNode::receive`](super::StoreNode::receive) and
//! [`StoreNode::receive_chunk`](super::StoreNode::receive_chunk). `wire` has the form of both between
//! processes.

use async_trait::async_trait;
use bytes::Bytes;
use raft::eraftpb::Message;

use super::deadlock::ShareWaits;
use crate::actors::runtime::Address;
use crate::common::{LogIndex, PeerId, RegionId, StoreId, Term};
use crate::storage::engine::DiskRoom;
use crate::storage::raft::Doze;
use crate::storage::region::{Peer, Region};

/// A raft message on its way.
#[derive(Clone, Debug, Default)]
pub struct RaftEnvelope {
    /// The region as its sender knows it. What came from another process has no peers in it.
    pub region: Region,
    /// The replica that sends.
    pub from: Peer,
    /// The replica it is for.
    pub to: Peer,
    /// What Raft has to say.
    pub message: Message,
    /// Instead of a message: the receiver is no longer a member of its group, as far as `region`'s
    /// epoch goes, and shall go. With `message.reject`: the group is no more, as its region has become
    /// part of another.
    pub tombstone: bool,
    /// Instead of a message: a word about falling asleep.
    pub doze: Option<Doze>,
    /// How much room the sender's disk has left.
    pub room: DiskRoom,
}

/// Which snapshot, for which replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId {
    /// The region.
    pub region_id: RegionId,
    /// The replica that made it.
    pub from: PeerId,
    /// The replica it is for.
    pub to: PeerId,
    /// The term of the last entry in it.
    pub term: Term,
    /// The last entry in it.
    pub index: LogIndex,
}

/// A piece of a snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotChunk {
    /// The store it is for.
    pub to_store: StoreId,
    /// Of which snapshot.
    pub id: SnapshotId,
    /// With the first piece: the raft message that announces the snapshot.
    pub announcement: Option<Box<RaftEnvelope>>,
    /// Where in the file the bytes belong; pieces are sent in order.
    pub offset: u64,
    /// The bytes.
    pub data: Bytes,
}

/// Why a piece was not taken. The snapshot is given up; raft asks for another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot was not taken: {0}")]
pub struct ChunkRefused(pub String);

/// Carries messages to other stores. It must not block.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a raft message if it can. Raft bears loss, so there is nothing to answer.
    fn send(&self, envelope: RaftEnvelope);

    /// Tells a store that another one is there, and how much room its disk has. It may be lost.
    fn greet(&self, _from: StoreId, _to: StoreId, _room: DiskRoom) {}

    /// Carries a piece of a snapshot, and waits until the other store has it on its disk.
    async fn send_chunk(&self, chunk: SnapshotChunk) -> Result<(), ChunkRefused> {
        Err(ChunkRefused(format!("no way for snapshots to store {}", chunk.to_store)))
    }

    /// How another store is told of waits for locks, if there is a way.
    fn deadlocks(&self, _store_id: StoreId) -> Option<Address<ShareWaits>> {
        None
    }
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
