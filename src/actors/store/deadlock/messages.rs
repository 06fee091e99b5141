//! What the Deadlocks actor is told.

use std::time::Duration;

use crate::common::RegionId;
use crate::message;
use crate::storage::txn::{SharedWaits, WaitEdge, WaitsShared};

/// A transaction is about to wait. The answer is whether that closes a cycle, and the one that waits is the victim: `true` at once or at
/// any time later, `false` when the wait is over otherwise. Sent by the peer of the region with the lock.
pub struct DetectDeadlock {
    /// Who waits for whom.
    pub edge: WaitEdge,
    /// How long at most.
    pub for_at_most: Duration,
}
message!(DetectDeadlock => bool, "DetectDeadlock");

/// A transaction no longer waits. Sent by the same peer.
pub struct ForgetWait {
    /// Who waited for whom.
    pub edge: WaitEdge,
}
message!(ForgetWait => (), "ForgetWait");

/// A replica on this store leads the first region, or ceased to. Sent by its peer.
pub struct LeadsFirstRegion {
    /// The region. After a split or a merge it is another one.
    pub region_id: RegionId,
    /// Whether it is led here.
    pub leads: bool,
}
message!(LeadsFirstRegion => (), "LeadsFirstRegion");

/// Waits for locks of another store that began or ended. Sent by the Deadlocks actor of that store to the detector's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareWaits(pub SharedWaits);
message!(ShareWaits => WaitsShared, "ShareWaits");
