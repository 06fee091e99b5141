//! Balance: no store leads or carries much more than another, and some are to lead nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Decision, add_voter, can_lead, heir, is_here, is_well, is_whole, nothing, only_one_store, plan,
};
use crate::common::StoreId;
use crate::placement::board::Board;
use crate::placement::cluster::RegionReport;
use crate::placement::operator::{OperatorKind, Operators, Step, limit};

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Stores that are here by what they carry, the most first.
fn by_load(
    board: &Board,
    load: impl Fn(StoreId) -> i64,
    admit: impl Fn(StoreId) -> bool,
) -> Vec<StoreId> {
    let serving = board.cluster.up_stores().filter(|store| is_here(board, store.meta.id));
    let mut ids: Vec<StoreId> =
        serving.map(|store| store.meta.id).filter(|id| admit(*id)).collect();
    ids.sort_by_key(|id| (-load(*id), *id));
    ids
}

pub(super) fn leaders(board: &Board, operators: &Operators) -> Decision {
    if only_one_store(board) {
        return nothing("one store");
    }
    if operators.count(OperatorKind::Leader)
        >= limit(OperatorKind::Leader, &board.goals, &board.cluster)
    {
        return nothing("as many leaders move as may at a time");
    }
    let scores = board.scores(operators);
    let count = |id: StoreId| scores.get(&id).map_or(0, |score| score.0);
    let stores = by_load(board, count, |id| !board.evicting.contains(&id));
    let (Some(most), Some(least)) = (stores.first(), stores.last()) else {
        return nothing("no store may lead");
    };
    let tolerance = signed(board.goals.leader_tolerance);
    if count(*most) - count(*least) <= tolerance {
        return nothing("leaders are balanced");
    }
    // One pass over the regions: the best move for each of the stores that lead too many.
    let mut best: BTreeMap<StoreId, (i64, &RegionReport, StoreId)> = BTreeMap::new();
    for report in board.cluster.regions().iter() {
        let source = report.leader.store_id;
        if operators.is_busy(report.region.id) || count(source) - count(*least) <= tolerance {
            continue;
        }
        for peer in report.region.peers.iter().filter(|peer| peer.store_id != source) {
            let gain = count(source) - count(peer.store_id);
            let better = best.get(&source).is_none_or(|(known, ..)| gain > *known);
            if gain > tolerance && better && can_lead(board, report, peer) {
                best.insert(source, (gain, report, peer.store_id));
            }
        }
    }
    match best.into_values().max_by_key(|(gain, report, _)| (*gain, report.region.id)) {
        Some((_, report, store_id)) => {
            let steps = vec![Step::TransferLeader { store_id }];
            plan(report, OperatorKind::Leader, "balance-leader", steps)
        }
        None => nothing("no region led by a busy store has a healthy voter on an idle one"),
    }
}

/// Takes the leaders from stores that an operator of the cluster has named, and from those whose disks are almost full.
pub(super) fn evict(board: &Board, operators: &Operators) -> Decision {
    let full = board.cluster.up_stores().map(|store| store.meta.id);
    let full: BTreeSet<StoreId> = full.filter(|id| !board.cluster.has_room(*id)).collect();
    if board.evicting.is_empty() && full.is_empty() {
        return nothing("no store is to lead nothing");
    }
    if operators.count(OperatorKind::Leader)
        >= limit(OperatorKind::Leader, &board.goals, &board.cluster)
    {
        return nothing("as many leaders move as may at a time");
    }
    let mut reason = "stores that are to lead nothing lead nothing";
    for report in board.cluster.regions().iter() {
        let store_id = report.leader.store_id;
        let is_evicted = board.evicting.contains(&store_id) || full.contains(&store_id);
        if !is_evicted || operators.is_busy(report.region.id) {
            continue;
        }
        match heir(board, operators, report) {
            Some(store_id) => {
                let steps = vec![Step::TransferLeader { store_id }];
                return plan(report, OperatorKind::Leader, "evict-leader", steps);
            }
            None => reason = "a region has nobody who could lead in the leader's place",
        }
    }
    nothing(reason)
}

pub(super) fn regions(board: &Board, operators: &Operators) -> Decision {
    if only_one_store(board) {
        return nothing("one store");
    }
    if operators.count(OperatorKind::Region) >= board.goals.region_limit {
        return nothing("as many replicas move as may at a time");
    }
    let scores = board.scores(operators);
    let score = |id: StoreId| scores.get(&id).map_or(0, |score| score.1);
    let influences = operators.influences(&board.cluster);
    let is_free =
        |id: StoreId| influences.get(&id).is_none_or(|now| now.moves < board.goals.store_limit);
    let is_target = |id: StoreId| {
        is_free(id) && board.cluster.store(id).is_some_and(|store| is_well(board, store))
    };
    let sources = by_load(board, score, is_free);
    let targets = by_load(board, score, is_target);
    let (Some(most), Some(least)) = (sources.first(), targets.last()) else {
        return nothing("every store gains or loses as many replicas as it may at a time");
    };
    let tolerance = tolerance(board);
    if score(*most) - score(*least) <= tolerance {
        return nothing("bytes are balanced");
    }
    for source in sources {
        let mut best: Option<(i64, bool, &RegionReport, StoreId)> = None;
        for report in board.cluster.regions().iter() {
            if report.region.peer_on(source).is_none()
                || !is_whole(board, report)
                || operators.is_busy(report.region.id)
            {
                continue;
            }
            let mut emptiest = targets.iter().rev().copied();
            let Some(target) = emptiest.find(|id| report.region.peer_on(*id).is_none()) else {
                continue;
            };
            let (difference, size) = (score(source) - score(target), signed(report.score()));
            // Moving more than half of the difference would only turn it around.
            if difference <= tolerance || size > difference / 2 {
                continue;
            }
            let follows = report.leader.store_id != source;
            if best.is_none_or(|(known, was, ..)| (size, follows) > (known, was)) {
                best = Some((size, follows, report, target));
            }
        }
        if let Some((_, follows, report, target)) = best {
            return move_replica(board, operators, report, (source, target), follows);
        }
    }
    nothing("no region of a full store may move to an emptier one")
}

fn move_replica(
    board: &Board,
    operators: &Operators,
    report: &RegionReport,
    (source, target): (StoreId, StoreId),
    follows: bool,
) -> Decision {
    let mut steps = add_voter(target).to_vec();
    if !follows {
        let heir = heir(board, operators, report).unwrap_or(target);
        steps.push(Step::TransferLeader { store_id: heir });
    }
    steps.push(Step::RemovePeer { store_id: source });
    plan(report, OperatorKind::Region, "balance-region", steps)
}

/// By how much stores may differ: as configured, or if regions are small two of an average one.
fn tolerance(board: &Board) -> i64 {
    let (mut replicas, mut score) = (0, 0);
    for store in board.cluster.stores() {
        let load = board.cluster.load(store.meta.id);
        replicas += load.replicas;
        score += load.score;
    }
    let average = score.checked_div(replicas).unwrap_or(0);
    signed(board.goals.bytes_tolerance.min(2 * average))
}
