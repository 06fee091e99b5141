//! What an Applier is told.

use crate::actors::runtime::ReplyTo;
use crate::actors::store::region_peer::{CommandReply, PeerHandle};
use crate::common::RegionId;
use crate::message;
use crate::storage::raft::Committed;
use crate::storage::region::{ApplyState, Region};
use crate::storage::txn::{CommandId, KvResponse, MemoryLockGuard};

/// A region's peer has started: its entries will follow.
pub struct RegisterRegion {
    /// The region as applied.
    pub region: Region,
    /// How far.
    pub state: ApplyState,
    /// Whom to tell what is applied.
    pub peer: PeerHandle,
}
message!(RegisterRegion => (), "RegisterRegion");

/// A region's peer is gone.
pub struct ForgetRegion {
    /// The region.
    pub region_id: RegionId,
}
message!(ForgetRegion => (), "ForgetRegion");

/// Who waits for an entry that was proposed on this replica.
pub struct Completion {
    /// The command, for the peer that keeps its latches.
    pub command: CommandId,
    /// The client, with its answer; `None` when the peer goes on with the command.
    pub answer: Option<(ReplyTo<CommandReply>, KvResponse)>,
    /// Memory locks that go once the write is visible, before the answer.
    pub guard: Option<MemoryLockGuard>,
}

/// Apply committed entries, in order and without gaps.
pub struct Apply {
    /// The region.
    pub region_id: RegionId,
    /// The entries and who waits for them.
    pub entries: Vec<Committed<Completion>>,
}
message!(Apply => (), "Apply");
