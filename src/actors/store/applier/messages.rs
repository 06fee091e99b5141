//! What an Applier is told.

use crate::actors::runtime::ReplyTo;
use crate::actors::store::region_peer::{CommandReply, PeerHandle};
use crate::common::{LogIndex, PeerId, RegionId};
use crate::message;
use crate::storage::raft::Committed;
use crate::storage::region::state::MergeState;
use crate::storage::region::{ApplyState, Region};
use crate::storage::txn::{CommandId, KvResponse, MemoryLockGuard};

/// A region's peer has started, or its data was replaced by a snapshot: its entries will follow.
pub struct RegisterRegion {
    /// The region as applied.
    pub region: Region,
    /// How far.
    pub state: ApplyState,
    /// Which of its replicas is here.
    pub peer_id: PeerId,
    /// A merge that is under way.
    pub merging: Option<MergeState>,
    /// Whom to tell what is applied.
    pub peer: PeerHandle,
}
message!(RegisterRegion => (), "RegisterRegion");

/// Apply nothing more of a region. Answered when what was handed over before is applied, and what
/// `then` asks for is durable.
pub struct ForgetRegion {
    /// The region.
    pub region_id: RegionId,
    /// What is to become of it.
    pub then: AfterForget,
}
message!(ForgetRegion => (), "ForgetRegion");

/// What becomes of a region that is no longer applied.
pub enum AfterForget {
    /// Its data stays as it is.
    Keep,
    /// It is part of another region; its data stays.
    Merged {
        /// What is remembered of it.
        tombstone: Box<Region>,
    },
    /// The replica is gone.
    Destroy {
        /// What is remembered of it.
        tombstone: Box<Region>,
        /// The range whose data goes.
        data: Option<Box<Region>>,
    },
}

/// The source of a merge is applied on this store up to its end: go on with the target.
pub struct SourceReady {
    /// The target.
    pub region_id: RegionId,
    /// The source.
    pub source: RegionId,
    /// Its end.
    pub commit: LogIndex,
}
message!(SourceReady => (), "SourceReady");

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
