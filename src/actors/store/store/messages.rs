//! What a Store is told.

use crate::actors::runtime::{ActorRef, Address};
use crate::actors::store::deadlock::Deadlocks;
use crate::actors::store::snapshots::TakeChunk;
use crate::actors::store::transport::RaftEnvelope;
use crate::common::{PeerId, RegionId};
use crate::message;
use crate::storage::region::Region;
use crate::storage::txn::LockTable;

/// A region that was cut off another one; the engines hold its state already.
pub struct NewRegion {
    /// The region.
    pub region: Region,
    /// On the leader of the old region: the pessimistic locks on its keys.
    pub locks: Option<LockTable>,
    /// About how many bytes it holds.
    pub size: u64,
    /// About how many versions it holds.
    pub keys: u64,
    /// Its replica here stands for election at once: the old region was led here.
    pub campaign: bool,
}

/// Start the peers of regions that a split has made. Answered when they can be sent to.
pub struct CreatePeers {
    /// The regions, in key order.
    pub regions: Vec<NewRegion>,
}
message!(CreatePeers => (), "CreatePeers");

/// Make the peer of a region again that was let go: somebody has something to say to it.
#[derive(Clone, Copy, Debug)]
pub struct WakePeer {
    /// The region.
    pub region_id: RegionId,
}
message!(WakePeer => (), "WakePeer");

/// Answered once the store has started: every region it holds has its peer.
#[derive(Clone, Copy, Debug)]
pub struct AwaitStart;
message!(AwaitStart => (), "AwaitStart");

/// The store is about to stop. Answered when the placement driver knows, or could not be told: from then on it gives the
/// store nothing.
#[derive(Clone, Copy, Debug)]
pub struct SayGoodbye;
message!(SayGoodbye => (), "SayGoodbye");

/// A region this store leads has another descriptor or a new leader: the placement driver should
/// know soon.
#[derive(Clone, Copy, Debug)]
pub struct RegionChanged {
    /// The region.
    pub region_id: RegionId,
}
message!(RegionChanged => (), "RegionChanged");

/// A message of another replica, for a region that is not here. Sent by the router.
pub struct UnknownRegion {
    /// The message.
    pub envelope: RaftEnvelope,
}
message!(UnknownRegion => (), "UnknownRegion");

/// A peer is gone: its data, its log, and itself.
#[derive(Clone, Copy, Debug)]
pub struct PeerGone {
    /// The region.
    pub region_id: RegionId,
    /// The peer.
    pub peer_id: PeerId,
}
message!(PeerGone => (), "PeerGone");

/// Asks who takes pieces of snapshots.
#[derive(Clone, Copy, Debug)]
pub struct GetMover;
message!(GetMover => Address<TakeChunk>, "GetMover");

/// Asks who looks for deadlocks.
#[derive(Clone, Copy, Debug)]
pub struct GetDeadlocks;
message!(GetDeadlocks => ActorRef<Deadlocks>, "GetDeadlocks");
