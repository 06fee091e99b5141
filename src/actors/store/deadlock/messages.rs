//! What the Deadlocks actor is told.

use std::time::Duration;

use crate::message;
use crate::storage::txn::{DeadlockCycle, WaitEdge};

/// A transaction is about to wait. The answer is the cycle this would close, if any; the asker is
/// then the victim. Sent by the peer of the region with the lock.
pub struct DetectDeadlock {
    /// Who waits for whom.
    pub edge: WaitEdge,
    /// How long at most.
    pub for_at_most: Duration,
}
message!(DetectDeadlock => Option<DeadlockCycle>, "DetectDeadlock");

/// A transaction no longer waits.
pub struct ForgetWait {
    /// Who waited for whom.
    pub edge: WaitEdge,
}
message!(ForgetWait => (), "ForgetWait");
