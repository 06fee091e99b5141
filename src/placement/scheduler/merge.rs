//! Sizes: regions that are too large split, regions that are too small become part of a neighbour.

use super::{Decision, add_voter, heir, is_whole, nothing, plan};
use crate::common::StoreId;
use crate::placement::board::Board;
use crate::placement::cluster::RegionReport;
use crate::placement::operator::{OperatorKind, Operators, Step};

pub(super) fn too_large(board: &Board, operators: &Operators) -> Decision {
    if board.cluster.regions().is_empty() {
        return nothing("no region is known");
    }
    let largest = board
        .cluster
        .regions()
        .iter()
        .filter(|report| report.approximate_size > board.goals.region_max_bytes)
        .filter(|report| !report.unsplittable)
        .filter(|report| !operators.is_busy(report.region.id))
        .max_by_key(|report| (report.approximate_size, report.region.id));
    match largest {
        Some(report) => plan(report, OperatorKind::Split, "split-region", vec![Step::Split]),
        None => nothing("every region is within its size"),
    }
}

pub(super) fn too_small(board: &Board, operators: &Operators) -> Decision {
    if board.goals.merge_max_bytes == 0 {
        return nothing("regions are not to merge");
    }
    if operators.count(OperatorKind::Merge) >= board.goals.merge_limit {
        return nothing("as many regions merge as may at a time");
    }
    for report in board.cluster.regions().iter() {
        if report.approximate_size > board.goals.merge_max_bytes
            || !may_merge(board, operators, report)
        {
            continue;
        }
        if let Some(target) = neighbour(board, operators, report) {
            return merge_into(board, operators, report, target);
        }
    }
    nothing("no region is small, and long enough as it is, beside one that can take it in")
}

fn may_merge(board: &Board, operators: &Operators, report: &RegionReport) -> bool {
    let as_it_is_since = board.cluster.range_since(report.region.id);
    let quiet_ms = board.cluster.now_unix_ms().saturating_sub(as_it_is_since);
    quiet_ms >= board.goals.merge_after_ms
        && is_whole(board, report)
        && !operators.is_busy(report.region.id)
}

/// The smaller one of the neighbours that can take a region in.
fn neighbour<'a>(
    board: &'a Board,
    operators: &Operators,
    report: &RegionReport,
) -> Option<&'a RegionReport> {
    let regions = board.cluster.regions();
    let region = &report.region;
    let before = regions.before_key(&region.start_key).filter(|_| !region.start_key.is_empty());
    let after = regions.by_key(&region.end_key).filter(|_| !region.end_key.is_empty());
    let fits = |other: &&RegionReport| {
        may_merge(board, operators, other)
            && other.region.id != region.id
            && report.approximate_size + other.approximate_size <= board.goals.region_max_bytes / 2
    };
    let both = [before, after].into_iter().flatten().filter(fits);
    both.min_by_key(|other| (other.approximate_size, other.region.id))
}

/// A region merges when its replicas are on the stores of its neighbour's.
fn merge_into(
    board: &Board,
    operators: &Operators,
    report: &RegionReport,
    target: &RegionReport,
) -> Decision {
    let stores = |report: &RegionReport| -> Vec<StoreId> {
        report.region.peers.iter().map(|peer| peer.store_id).collect()
    };
    let (from, to) = (stores(report), stores(target));
    let mut steps = Vec::new();
    for store_id in to.iter().filter(|id| !from.contains(id)) {
        steps.extend(add_voter(*store_id));
    }
    if !to.contains(&report.leader.store_id) {
        let heir = heir(board, operators, report).filter(|heir| to.contains(heir));
        steps.push(Step::TransferLeader { store_id: heir.unwrap_or(target.leader.store_id) });
    }
    let leaving = from.iter().filter(|id| !to.contains(id));
    steps.extend(leaving.map(|store_id| Step::RemovePeer { store_id: *store_id }));
    steps.push(Step::Merge { target: target.region.id });
    plan(report, OperatorKind::Merge, "merge-region", steps)
}
