//! What the placement driver may tell a region to do.

use serde::Serialize;

use crate::common::RegionId;
use crate::storage::region::membership::PeerChange;
use crate::storage::region::{Peer, Region};

/// One step for the leader of a region. A region is told again, in the answer to each report, until the report
/// shows it done, so an order may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum RegionOrder {
    /// Hand leadership over.
    TransferLeader {
        /// To this voter.
        to: Peer,
    },
    /// Add a replica, as a learner first. If its role is to vote, it is promoted once it has caught up.
    AddPeer {
        /// The replica, its id allocated already.
        peer: Peer,
    },
    /// Remove a replica.
    RemovePeer {
        /// Which one.
        peer: Peer,
    },
    /// Change several replicas jointly.
    ChangePeers {
        /// How.
        changes: Vec<PeerChange>,
    },
    /// Become part of a neighbour.
    Merge {
        /// The neighbour as it must still be.
        target: Box<Region>,
    },
    /// Split in two at the region's middle.
    Split,
}

/// What a store that asks from time to time has to do before its next reports are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duties {
    /// Whether the region the store asked about is known. If it is not, the placement driver has begun anew, and is to
    /// hear of every region.
    pub is_known: bool,
    /// Regions led on the store that have an order waiting: it is the answer to their next report.
    pub regions: Vec<RegionId>,
    /// How many regions the store leads, as far as the placement driver knows; `None`: it does not count them.
    pub leads: Option<u64>,
}
