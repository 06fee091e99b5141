//! What a RegionPeer is told.

use bytes::Bytes;

use crate::actors::store::split_checker::CutAt;
use crate::actors::store::transport::RaftEnvelope;
use crate::common::{PeerId, RegionId, StoreId};
use crate::message;
use crate::storage::region::entry::MergeSource;
use crate::storage::region::membership::PeerChange;
use crate::storage::region::{Peer, Region};
use crate::storage::txn::{KvRequest, KvResponse, RegionContext, RequestError};

/// The answer to a [`KvCommand`].
pub type CommandReply = Result<KvResponse, RequestError>;

/// A client's request to the region.
#[derive(Clone, Debug)]
pub struct KvCommand {
    /// The region as the client knows it.
    pub context: RegionContext,
    /// What it wants.
    pub request: KvRequest,
}
message!(KvCommand => CommandReply, "KvCommand");

/// Split the region at encoded keys. The answer comes when the new regions have peers here: all
/// parts, in key order.
#[derive(Clone, Debug)]
pub struct SplitRegion {
    /// The region as the client knows it.
    pub context: RegionContext,
    /// Where.
    pub keys: Vec<Bytes>,
}
message!(SplitRegion => Result<Vec<Region>, RequestError>, "SplitRegion");

/// Have the region scanned, and split it as `cut_at` says. Sent on an order of the placement
/// driver.
#[derive(Clone, Copy, Debug)]
pub struct CutRegion {
    /// How.
    pub cut_at: CutAt,
}
message!(CutRegion => (), "CutRegion");

/// A read by this replica, whether it leads or not: it sees everything that was acknowledged before.
pub struct ReplicaRead(pub KvCommand);
message!(ReplicaRead => CommandReply, "ReplicaRead");

/// Change the replicas; several changes are made jointly. Answered when that is applied.
#[derive(Clone, Debug)]
pub struct ChangePeers {
    /// How.
    pub changes: Vec<PeerChange>,
}
message!(ChangePeers => Result<Region, RequestError>, "ChangePeers");

/// Add a replica, first as a learner; promote it when it has caught up, if its role is to vote. Sent on
/// an order of the placement driver.
#[derive(Clone, Copy, Debug)]
pub struct PlacePeer {
    /// The replica.
    pub peer: Peer,
}
message!(PlacePeer => (), "PlacePeer");

/// Remove a replica; a leader hands its leadership over first. Sent on an order of the placement driver.
#[derive(Clone, Copy, Debug)]
pub struct DropPeer {
    /// The replica.
    pub peer: Peer,
}
message!(DropPeer => (), "DropPeer");

/// Hand leadership to another voter. Answered when another replica leads.
#[derive(Clone, Copy, Debug)]
pub struct TransferLeader {
    /// To which.
    pub to: PeerId,
}
message!(TransferLeader => Result<(), RequestError>, "TransferLeader");

/// Become part of a neighbour. Answered when this region takes no more writes.
#[derive(Clone, Debug)]
pub struct MergeRegion {
    /// The neighbour, as it must still be when the merge is committed.
    pub target: Region,
}
message!(MergeRegion => Result<(), RequestError>, "MergeRegion");

/// A neighbour has prepared to become part of this region. Sent by its peer on this store, time and
/// again.
#[derive(Clone, Debug)]
pub struct AbsorbRegion {
    /// The neighbour, and what its replicas may lack.
    pub source: MergeSource,
    /// This region as the neighbour knows it.
    pub target: Region,
}
message!(AbsorbRegion => (), "AbsorbRegion");

/// The region is being taken over: apply everything up to its end. Answered when that is done.
pub struct CatchUp {
    /// What the log of this replica may lack.
    pub source: Box<MergeSource>,
}
message!(CatchUp => (), "CatchUp");

/// The region has become part of another one: the peer goes, its data stays. Answered when it has let
/// go of it.
#[derive(Clone, Copy, Debug)]
pub struct Absorbed {
    /// By which region.
    pub by: RegionId,
}
message!(Absorbed => (), "Absorbed");

/// Make room for a peer with data, which a split makes: this one has none. Answered when it will write
/// nothing more.
#[derive(Clone, Copy, Debug)]
pub struct Retire;
message!(Retire => (), "Retire");

/// A message of another replica.
pub struct RaftMessage {
    /// The message, and from whom.
    pub envelope: RaftEnvelope,
}
message!(RaftMessage => (), "RaftMessage");

/// Raft's clock. Sent by the Store to peers that are awake.
pub struct Tick;
message!(Tick => (), "Tick");

/// There is something in the inbox.
pub struct Wake;
message!(Wake => (), "Wake");

/// A store that shares this sleeping region was not heard of for an election timeout.
#[derive(Clone, Copy, Debug)]
pub struct Rouse {
    /// Which store.
    pub lost: StoreId,
}
message!(Rouse => (), "Rouse");
