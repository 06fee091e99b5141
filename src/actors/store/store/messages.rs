//! What a Store is told.

use crate::common::RegionId;
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
}

/// Start the peers of regions that a split has made. Answered when they can be sent to.
pub struct CreatePeers {
    /// The regions, in key order.
    pub regions: Vec<NewRegion>,
}
message!(CreatePeers => (), "CreatePeers");

/// Answered once the store has started: every region it holds has its peer.
#[derive(Clone, Copy, Debug)]
pub struct AwaitStart;
message!(AwaitStart => (), "AwaitStart");

/// A region this store leads has another descriptor or a new leader: the placement driver should
/// know soon.
#[derive(Clone, Copy, Debug)]
pub struct RegionChanged {
    /// The region.
    pub region_id: RegionId,
}
message!(RegionChanged => (), "RegionChanged");
