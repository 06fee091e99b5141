//! Where a region can be reached.

use crate::storage::region::{Peer, Region};

/// A region and who leads it, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RegionRoute {
    /// The region.
    pub region: Region,
    /// Its leader, if one is known.
    pub leader: Option<Peer>,
}

impl RegionRoute {
    /// The replica to ask: the leader, or the first replica, which may know the leader.
    pub fn target(&self) -> Option<Peer> {
        self.leader.or_else(|| self.region.peers.first().copied())
    }
}
