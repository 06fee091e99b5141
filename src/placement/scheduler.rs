//! What schedulers and checkers decide: pure functions over the cluster map.
//!
//! Each looks for the one step that helps most, or says why there is none. Steps are idempotent orders to a
//! region's leader; moving a replica is two of them, an addition here and the removal of the extra one by the
//! replica checker later, so a region is never below its number of replicas on the way.

use serde::Serialize;

use super::cluster::{ClusterMap, RegionReport, StoreInfo};
use super::order::RegionOrder;
use crate::common::{PeerId, RegionId, StoreId};
use crate::storage::region::{Peer, PeerRole};

/// How the cluster is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Goals {
    /// Replicas of each region.
    pub replicas: usize,
    /// Leaders by which two stores may differ before one is moved.
    pub leader_tolerance: u64,
    /// Bytes by which two stores may differ before a replica is moved.
    pub bytes_tolerance: u64,
    /// A region larger than this should have been split by its store.
    pub region_max_bytes: u64,
}

impl Default for Goals {
    fn default() -> Goals {
        Goals {
            replicas: 1,
            leader_tolerance: 2,
            bytes_tolerance: 256 << 20,
            region_max_bytes: 288 << 20,
        }
    }
}

/// What a scheduler wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Decision {
    /// Nothing, and why.
    Nothing {
        /// Why.
        reason: &'static str,
    },
    /// One step.
    Do {
        /// The region to take it.
        region: RegionId,
        /// The step. An added peer has id 0 until one is allocated.
        order: RegionOrder,
    },
}

/// The schedulers, by what they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Scheduler {
    /// Gives each region its number of replicas.
    Replica,
    /// Evens out leaders.
    BalanceLeader,
    /// Evens out bytes.
    BalanceRegion,
    /// Splits what stores left too large.
    Split,
}

impl Scheduler {
    /// All of them.
    pub const ALL: [Scheduler; 4] =
        [Scheduler::Replica, Scheduler::BalanceLeader, Scheduler::BalanceRegion, Scheduler::Split];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Scheduler::Replica => "replica",
            Scheduler::BalanceLeader => "balance-leader",
            Scheduler::BalanceRegion => "balance-region",
            Scheduler::Split => "split",
        }
    }

    /// Its decision now.
    pub fn decide(self, cluster: &ClusterMap, goals: &Goals) -> Decision {
        match self {
            Scheduler::Replica => check_replicas(cluster, goals),
            Scheduler::BalanceLeader => balance_leaders(cluster, goals),
            Scheduler::BalanceRegion => balance_regions(cluster, goals),
            Scheduler::Split => check_sizes(cluster, goals),
        }
    }
}

fn nothing(reason: &'static str) -> Decision {
    Decision::Nothing { reason }
}

fn only_one_store(cluster: &ClusterMap) -> bool {
    cluster.up_stores().nth(1).is_none()
}

/// The serving store without a replica of the region that carries the fewest bytes.
fn emptiest_without(cluster: &ClusterMap, report: &RegionReport) -> Option<StoreId> {
    cluster
        .up_stores()
        .map(|store| store.meta.id)
        .filter(|id| report.region.peer_on(*id).is_none())
        .min_by_key(|id| (cluster.load(*id).bytes, *id))
}

fn add_peer(report: &RegionReport, store_id: StoreId) -> Decision {
    let peer = Peer { id: PeerId(0), store_id, role: PeerRole::Voter };
    Decision::Do { region: report.region.id, order: RegionOrder::AddPeer { peer } }
}

fn remove_peer(report: &RegionReport, peer: Peer) -> Decision {
    Decision::Do { region: report.region.id, order: RegionOrder::RemovePeer { peer } }
}

fn check_replicas(cluster: &ClusterMap, goals: &Goals) -> Decision {
    if only_one_store(cluster) {
        return nothing("one store");
    }
    for report in cluster.regions().iter() {
        let peers = &report.region.peers;
        let is_down = |peer: &&Peer| report.down_peers.iter().any(|down| down.id == peer.id);
        let healthy = peers.iter().filter(|peer| !is_down(peer)).count();
        if healthy < goals.replicas
            && let Some(store_id) = emptiest_without(cluster, report)
        {
            return add_peer(report, store_id);
        }
        // With enough healthy ones, what is down goes first, then the replica on the fullest store.
        if peers.len() > goals.replicas && healthy >= goals.replicas {
            let not_leader = || peers.iter().filter(|peer| peer.id != report.leader.id);
            let extra = not_leader().find(is_down).or_else(|| {
                not_leader().max_by_key(|peer| (cluster.load(peer.store_id).bytes, peer.store_id))
            });
            if let Some(extra) = extra {
                return remove_peer(report, *extra);
            }
        }
    }
    nothing("every region has its replicas")
}

/// The stores that carry the least and the most of something.
fn extremes(
    cluster: &ClusterMap,
    carried: impl Fn(&StoreInfo) -> u64,
) -> Option<(StoreId, StoreId, u64)> {
    let by_load = |store: &&StoreInfo| (carried(store), store.meta.id);
    let least = cluster.up_stores().min_by_key(by_load)?;
    let most = cluster.up_stores().max_by_key(by_load)?;
    Some((least.meta.id, most.meta.id, carried(most) - carried(least)))
}

fn balance_leaders(cluster: &ClusterMap, goals: &Goals) -> Decision {
    if only_one_store(cluster) {
        return nothing("one store");
    }
    let leaders = |store: &StoreInfo| cluster.load(store.meta.id).leaders;
    let Some((least, most, difference)) = extremes(cluster, leaders) else {
        return nothing("no store serves");
    };
    if difference <= goals.leader_tolerance {
        return nothing("leaders are balanced");
    }
    let movable = cluster.regions().iter().filter(|report| report.leader.store_id == most);
    for report in movable {
        let healthy = |peer: &Peer| {
            peer.role == PeerRole::Voter
                && !report
                    .down_peers
                    .iter()
                    .chain(&report.pending_peers)
                    .any(|bad| bad.id == peer.id)
        };
        if let Some(to) = report.region.peer_on(least).filter(healthy) {
            let order = RegionOrder::TransferLeader { to };
            return Decision::Do { region: report.region.id, order };
        }
    }
    nothing("no region led by the busiest store has a healthy voter on the idlest")
}

fn balance_regions(cluster: &ClusterMap, goals: &Goals) -> Decision {
    if only_one_store(cluster) {
        return nothing("one store");
    }
    let bytes = |store: &StoreInfo| cluster.load(store.meta.id).bytes;
    let Some((least, most, difference)) = extremes(cluster, bytes) else {
        return nothing("no store serves");
    };
    if difference <= goals.bytes_tolerance {
        return nothing("bytes are balanced");
    }
    let movable = |report: &&RegionReport| {
        report.region.peer_on(most).is_some()
            && report.region.peer_on(least).is_none()
            && report.region.peers.len() == goals.replicas
            && report.down_peers.is_empty()
            && report.pending_peers.is_empty()
            // Moving more than half of the difference would only turn it around.
            && report.approximate_size <= difference / 2
    };
    let largest = cluster
        .regions()
        .iter()
        .filter(movable)
        .max_by_key(|report| (report.approximate_size, report.region.id));
    match largest {
        Some(report) => add_peer(report, least),
        None => nothing("no region of the fullest store may move to the emptiest"),
    }
}

fn check_sizes(cluster: &ClusterMap, goals: &Goals) -> Decision {
    let largest = cluster.regions().iter().max_by_key(|report| report.approximate_size);
    match largest {
        Some(report) if report.approximate_size > goals.region_max_bytes => {
            Decision::Do { region: report.region.id, order: RegionOrder::Split }
        }
        Some(_) => nothing("every region is within its size"),
        None => nothing("no region is known"),
    }
}

#[cfg(test)]
mod tests;
