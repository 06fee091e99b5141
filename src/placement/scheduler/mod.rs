//! What schedulers and checkers decide: pure functions over the [`Board`].
//!
//! Each looks for the one plan that helps most, or says why there is none. A plan that moves a replica adds the new one
//! before it removes the old one, so a region is never below its number of replicas on the way; and what operators under
//! way will change is counted as if it were done, so that no two of them do the same.

mod balance;
mod merge;
mod replica;

pub(super) use replica::check_one as mend;
use serde::Serialize;

use super::board::Board;
use super::cluster::{RegionReport, StoreCondition, StoreInfo};
use super::operator::{OperatorKind, Operators, Plan, Step};
use crate::common::{PeerId, StoreId};
use crate::storage::region::{Peer, PeerRole};

/// What a scheduler wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Decision {
    /// Nothing, and why.
    Nothing {
        /// Why.
        reason: &'static str,
    },
    /// This.
    Do(Plan),
}

/// The schedulers, by what they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Scheduler {
    /// Gives each region its number of replicas on stores that are well.
    Replica,
    /// Evens out leaders.
    BalanceLeader,
    /// Evens out bytes.
    BalanceRegion,
    /// Takes the leaders from stores that are to have none.
    EvictLeader,
    /// Splits what stores left too large.
    Split,
    /// Makes one of two small neighbours.
    Merge,
}

impl Scheduler {
    /// All of them.
    pub const ALL: [Scheduler; 6] = [
        Scheduler::Replica,
        Scheduler::BalanceLeader,
        Scheduler::BalanceRegion,
        Scheduler::EvictLeader,
        Scheduler::Split,
        Scheduler::Merge,
    ];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Scheduler::Replica => "replica",
            Scheduler::BalanceLeader => "balance-leader",
            Scheduler::BalanceRegion => "balance-region",
            Scheduler::EvictLeader => "evict-leader",
            Scheduler::Split => "split",
            Scheduler::Merge => "merge",
        }
    }

    /// The scheduler of a name: `balance-leader`, or `balance-leader-scheduler` as PD has it.
    pub fn by_name(name: &str) -> Option<Scheduler> {
        let name = name.strip_suffix("-scheduler").unwrap_or(name);
        Scheduler::ALL.into_iter().find(|scheduler| scheduler.name() == name)
    }

    /// Its decision now, given what is under way.
    pub fn decide(self, board: &Board, operators: &Operators) -> Decision {
        match self {
            Scheduler::Replica => replica::check(board, operators),
            Scheduler::BalanceLeader => balance::leaders(board, operators),
            Scheduler::BalanceRegion => balance::regions(board, operators),
            Scheduler::EvictLeader => balance::evict(board, operators),
            Scheduler::Split => merge::too_large(board, operators),
            Scheduler::Merge => merge::too_small(board, operators),
        }
    }
}

fn nothing(reason: &'static str) -> Decision {
    Decision::Nothing { reason }
}

fn plan(
    report: &RegionReport,
    kind: OperatorKind,
    name: &'static str,
    steps: Vec<Step>,
) -> Decision {
    Decision::Do(Plan { region: report.region.id, kind, name, steps })
}

fn only_one_store(board: &Board) -> bool {
    board.cluster.up_stores().nth(1).is_none()
}

/// The steps that bring a voter to a store.
pub(super) fn add_voter(store_id: StoreId) -> [Step; 2] {
    let peer = Peer { id: PeerId(0), store_id, role: PeerRole::Learner };
    [Step::AddLearner { peer }, Step::Promote { store_id }]
}

/// Whether a store may be given something.
fn is_well(board: &Board, store: &StoreInfo) -> bool {
    let full = store.stats.capacity > 0 && store.stats.available < store.stats.capacity / 20;
    board.cluster.is_ready(store, &board.goals) && !full
}

/// Whether a store serves, as far as is known: what it has is worth moving. What an absent one has is
/// the replica checker's, once the store is taken for lost.
fn is_here(board: &Board, store_id: StoreId) -> bool {
    let store = board.cluster.store(store_id);
    store.is_some_and(|store| board.cluster.condition(store, &board.goals) == StoreCondition::Up)
}

/// Whether a replica can lead now.
fn can_lead(board: &Board, report: &RegionReport, peer: &Peer) -> bool {
    let bad = report.down_peers.iter().chain(&report.pending_peers).any(|bad| bad.id == peer.id);
    let store = board.cluster.store(peer.store_id);
    let well = store.is_some_and(|store| board.cluster.is_ready(store, &board.goals));
    peer.role == PeerRole::Voter && !bad && well && !board.evicting.contains(&peer.store_id)
}

/// The other replica that leads best: the one on the store with the fewest leaders.
fn heir(board: &Board, operators: &Operators, report: &RegionReport) -> Option<StoreId> {
    let scores = board.scores(operators);
    let others = report.region.peers.iter().filter(|peer| peer.id != report.leader.id);
    others
        .filter(|peer| can_lead(board, report, peer))
        .map(|peer| peer.store_id)
        .min_by_key(|id| (scores.get(id).map_or(0, |score| score.0), *id))
}

/// Whether a region has all its replicas and all are well: only then is it touched for the sake of balance.
fn is_whole(board: &Board, report: &RegionReport) -> bool {
    report.region.peers.len() == board.goals.replicas
        && report.region.peers.iter().all(|peer| peer.role == PeerRole::Voter)
        && report.region.peers.iter().all(|peer| is_here(board, peer.store_id))
        && report.down_peers.is_empty()
        && report.pending_peers.is_empty()
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
