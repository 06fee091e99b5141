//! The replica checker: every region has its number of replicas, on stores that are well.

use super::{Decision, add_voter, can_lead, heir, is_well, nothing, only_one_store, plan};
use crate::common::StoreId;
use crate::placement::board::Board;
use crate::placement::cluster::{RegionReport, StoreCondition};
use crate::placement::operator::{OperatorKind, Operators, Step};
use crate::storage::region::{Peer, PeerRole};

pub(super) fn check(board: &Board, operators: &Operators) -> Decision {
    if let Some(reason) = rests(board, operators) {
        return nothing(reason);
    }
    let stores = Stores::of(board, operators);
    let mut reason = "every region has its replicas";
    for report in board.cluster.regions().iter() {
        if is_occupied(operators, report) {
            continue;
        }
        match check_region(board, operators, &stores, report) {
            Ok(None) => {}
            Ok(Some(decision)) => return decision,
            Err(why) => reason = why,
        }
    }
    nothing(reason)
}

/// The same for one region. Most lack nothing, and cost no look at what is under way.
pub(in crate::placement) fn check_one(
    board: &Board,
    operators: &Operators,
    report: &RegionReport,
) -> Decision {
    let peers = &report.region.peers;
    let is_right = peers.len() == board.goals.replicas
        && peers.iter().all(|peer| {
            let up = matches!(
                condition(board, peer.store_id),
                StoreCondition::Up | StoreCondition::Disconnected
            );
            up && peer.role == PeerRole::Voter
        });
    if is_right {
        return nothing("the region has its replicas");
    }
    if let Some(reason) = rests(board, operators) {
        return nothing(reason);
    }
    if is_occupied(operators, report) {
        return nothing("the region is being changed");
    }
    match check_region(board, operators, &Stores::of(board, operators), report) {
        Ok(Some(decision)) => decision,
        Ok(None) => nothing("the region has its replicas"),
        Err(why) => nothing(why),
    }
}

/// Why no region is looked at.
fn rests(board: &Board, operators: &Operators) -> Option<&'static str> {
    if only_one_store(board) && board.cluster.stores().count() == 1 {
        return Some("one store");
    }
    let room = board.goals.limit(OperatorKind::Replica) > operators.count(OperatorKind::Replica);
    (!room).then_some("as many regions are put right as may be at a time")
}

fn is_occupied(operators: &Operators, report: &RegionReport) -> bool {
    operators.is_busy(report.region.id)
        || report.region.peers.iter().any(|peer| peer.role.is_joint())
}

/// Stores that may be given a replica, the emptiest first, and those that gain or lose as many as they may.
struct Stores {
    targets: Vec<StoreId>,
    occupied: Vec<StoreId>,
}

impl Stores {
    fn of(board: &Board, operators: &Operators) -> Stores {
        let influences = operators.influences(&board.cluster);
        let is_occupied = |id: StoreId| {
            influences.get(&id).is_some_and(|now| now.moves >= board.goals.store_limit)
        };
        let scores = board.scores(operators);
        let well = board.cluster.stores().filter(|store| is_well(board, store));
        let mut targets: Vec<StoreId> = well.map(|store| store.meta.id).collect();
        targets.sort_by_key(|id| (scores.get(id).map_or(0, |score| score.1), *id));
        let stores = board.cluster.stores().map(|store| store.meta.id);
        let occupied = stores.filter(|id| is_occupied(*id)).collect();
        Stores { targets, occupied }
    }

    fn target(&self, report: &RegionReport) -> Option<StoreId> {
        let free = self.targets.iter().filter(|id| !self.occupied.contains(id));
        free.copied().find(|id| report.region.peer_on(*id).is_none())
    }

    fn may_lose(&self, store_id: StoreId) -> bool {
        !self.occupied.contains(&store_id)
    }
}

fn condition(board: &Board, store_id: StoreId) -> StoreCondition {
    let store = board.cluster.store(store_id);
    store.map_or(StoreCondition::Tombstone, |store| board.cluster.condition(store, &board.goals))
}

fn check_region(
    board: &Board,
    operators: &Operators,
    stores: &Stores,
    report: &RegionReport,
) -> Result<Option<Decision>, &'static str> {
    let wanted = board.goals.replicas;
    let peers = &report.region.peers;
    let lost = |peer: &&Peer| {
        use StoreCondition::{Down, Tombstone};
        matches!(condition(board, peer.store_id), Down | Tombstone)
    };
    let leaving = |peer: &&Peer| condition(board, peer.store_id) == StoreCondition::Offline;
    let voters = || peers.iter().filter(|peer| peer.role == PeerRole::Voter);

    if voters().filter(|peer| !lost(peer)).count() < wanted {
        return add(stores, report, voters().find(lost)).map(Some);
    }
    if voters().count() > wanted {
        return remove(board, operators, stores, report, &lost, &leaving).map(Some);
    }
    if let Some(peer) = peers.iter().find(|peer| peer.role == PeerRole::Learner) {
        return removal(board, operators, stores, report, *peer, "remove-orphan-learner").map(Some);
    }
    match voters().find(leaving) {
        Some(peer) => replace(board, operators, stores, report, *peer).map(Some),
        None => Ok(None),
    }
}

/// A replica is missing: a learner that is left over may vote, or a new one comes; one that is lost goes after that.
fn add(
    stores: &Stores,
    report: &RegionReport,
    lost: Option<&Peer>,
) -> Result<Decision, &'static str> {
    let is_well = |id: &StoreId| stores.targets.contains(id);
    let left_over = report
        .region
        .peers
        .iter()
        .find(|peer| peer.role == PeerRole::Learner && is_well(&peer.store_id));
    let mut steps = match left_over {
        Some(learner) => vec![Step::Promote { store_id: learner.store_id }],
        None => {
            let target = stores.target(report).ok_or("no store may be given a replica")?;
            add_voter(target).to_vec()
        }
    };
    let name = match lost {
        None => "make-up-replica",
        Some(lost) => {
            steps.push(Step::RemovePeer { store_id: lost.store_id });
            "replace-down-replica"
        }
    };
    Ok(plan(report, OperatorKind::Replica, name, steps))
}

/// A store is being emptied: its replica moves.
fn replace(
    board: &Board,
    operators: &Operators,
    stores: &Stores,
    report: &RegionReport,
    leaving: Peer,
) -> Result<Decision, &'static str> {
    if !stores.may_lose(leaving.store_id) {
        return Err("a store loses as many replicas as it may at a time");
    }
    let target = stores.target(report).ok_or("no store may take over what one is to lose")?;
    let mut steps = add_voter(target).to_vec();
    if report.leader.id == leaving.id {
        let heir = heir(board, operators, report).unwrap_or(target);
        steps.push(Step::TransferLeader { store_id: heir });
    }
    steps.push(Step::RemovePeer { store_id: leaving.store_id });
    Ok(plan(report, OperatorKind::Replica, "replace-offline-replica", steps))
}

/// Too many: what is lost goes first, then what is to go, then what is heard of least, then what is on the fullest store.
fn remove(
    board: &Board,
    operators: &Operators,
    stores: &Stores,
    report: &RegionReport,
    lost: &dyn Fn(&&Peer) -> bool,
    leaving: &dyn Fn(&&Peer) -> bool,
) -> Result<Decision, &'static str> {
    let scores = board.scores(operators);
    let down = |peer: &Peer| report.down_peers.iter().any(|down| down.id == peer.id);
    let rank = |peer: &&Peer| {
        let score = scores.get(&peer.store_id).map_or(0, |score| score.1);
        let leads = peer.id == report.leader.id;
        (lost(peer), leaving(peer), down(peer), !leads, score, peer.store_id)
    };
    let voters = report.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter);
    let extra = voters.max_by_key(rank).ok_or("a region without voters")?;
    removal(board, operators, stores, report, *extra, "remove-extra-replica")
}

fn removal(
    board: &Board,
    operators: &Operators,
    stores: &Stores,
    report: &RegionReport,
    peer: Peer,
    name: &'static str,
) -> Result<Decision, &'static str> {
    if !stores.may_lose(peer.store_id) {
        return Err("a store loses as many replicas as it may at a time");
    }
    let mut steps = Vec::new();
    if peer.id == report.leader.id {
        let heir = heir(board, operators, report).ok_or("nobody can lead in the leader's place")?;
        debug_assert!(
            report.region.peer_on(heir).is_some_and(|heir| can_lead(board, report, &heir))
        );
        steps.push(Step::TransferLeader { store_id: heir });
    }
    steps.push(Step::RemovePeer { store_id: peer.store_id });
    Ok(plan(report, OperatorKind::Replica, name, steps))
}
