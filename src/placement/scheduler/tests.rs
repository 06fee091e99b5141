use bytes::Bytes;

use super::*;
use crate::common::{RegionId, Term};
use crate::placement::{Goals, OperatorState, RegionOrder, StoreMeta, StoreState, StoreStats};
use crate::storage::engine::DiskRoom;
use crate::storage::region::Region;

const MIB: u64 = 1 << 20;

fn board(stores: u64, replicas: usize) -> Board {
    let goals = Goals { replicas, leader_tolerance: 1, ..Goals::default() };
    let mut board = Board { goals, ..Board::default() };
    for id in 1..=stores {
        board.cluster.put_store(StoreMeta { id: StoreId(id), ..StoreMeta::default() });
        board.cluster.observe_store(StoreId(id), StoreStats::default(), 1);
    }
    board
}

/// A region of one key prefix with a voter on each of `stores`, led by the first.
fn report(id: u8, stores: &[u64], mebibytes: u64) -> RegionReport {
    let peer = |store: &u64| Peer {
        id: PeerId(u64::from(id) * 100 + store),
        store_id: StoreId(*store),
        role: PeerRole::Voter,
    };
    let peers: Vec<Peer> = stores.iter().map(peer).collect();
    RegionReport {
        leader: peers[0],
        region: Region {
            id: RegionId(u64::from(id)),
            start_key: Bytes::from(vec![id]),
            end_key: Bytes::from(vec![id + 1]),
            peers,
            ..Region::default()
        },
        term: Term(1),
        approximate_size: mebibytes * MIB,
        ..RegionReport::default()
    }
}

fn set_state(board: &mut Board, id: u64, state: StoreState) {
    board.cluster.put_store(StoreMeta { id: StoreId(id), state, ..StoreMeta::default() });
}

/// Everybody but some is heard of at this time.
fn hear(board: &mut Board, now_ms: u64, but: &[u64]) {
    let ids: Vec<StoreId> = board.cluster.stores().map(|store| store.meta.id).collect();
    board.cluster.set_now(now_ms);
    for id in ids.into_iter().filter(|id| !but.contains(&id.0)) {
        board.cluster.observe_store(id, StoreStats::default(), now_ms);
    }
}

/// What a scheduler says, in a line: the region and its steps, or the reason.
fn says(board: &Board, scheduler: Scheduler) -> String {
    match scheduler.decide(board, &board.operators) {
        Decision::Nothing { reason } => reason.to_owned(),
        Decision::Do(plan) => {
            let steps: Vec<String> = plan.steps.iter().map(short).collect();
            format!("{} {}: {}", plan.name, plan.region, steps.join(" "))
        }
    }
}

fn short(step: &Step) -> String {
    match step {
        Step::AddLearner { peer } => format!("+{}", peer.store_id),
        Step::Promote { store_id } => format!("^{store_id}"),
        Step::TransferLeader { store_id } => format!("*{store_id}"),
        Step::RemovePeer { store_id } => format!("-{store_id}"),
        Step::Merge { target } => format!(">{target}"),
        Step::Split => "/".to_owned(),
    }
}

#[test]
fn with_one_store_there_is_nothing_to_do() {
    let mut board = board(1, 1);
    board.cluster.observe_region(report(1, &[1], 5));
    for scheduler in [Scheduler::Replica, Scheduler::BalanceLeader, Scheduler::BalanceRegion] {
        assert_eq!(says(&board, scheduler), "one store");
    }
    assert_eq!(says(&board, Scheduler::Split), "every region is within its size");
}

/// The stores a region has replicas on, the states of all stores, who is silent for long, and what is to be done.
type ReplicaCase = (&'static [u64], &'static [StoreState], &'static [u64], &'static str);

#[test]
fn the_replica_checker_by_table() {
    use StoreState::{Offline, Tombstone, Up};
    let table: &[ReplicaCase] = &[
        (&[1, 2, 3], &[Up; 4], &[], "every region has its replicas"),
        (&[1, 2], &[Up; 4], &[], "make-up-replica 1: +3 ^3"),
        (&[1, 2, 3, 4], &[Up; 4], &[], "remove-extra-replica 1: -4"),
        (&[1, 2, 3], &[Up; 4], &[3], "replace-down-replica 1: +4 ^4 -3"),
        (&[1, 2, 3], &[Up; 3], &[3], "no store may be given a replica"),
        (&[1, 2, 3, 4], &[Up; 4], &[2], "remove-extra-replica 1: -2"),
        (&[1, 2, 3], &[Up, Up, Offline, Up], &[], "replace-offline-replica 1: +4 ^4 -3"),
        (&[1, 2, 3], &[Offline, Up, Up, Up], &[], "replace-offline-replica 1: +4 ^4 *2 -1"),
        (&[1, 2, 3], &[Up, Up, Tombstone, Up], &[], "replace-down-replica 1: +4 ^4 -3"),
        (
            &[1, 2, 3],
            &[Up, Up, Offline, Offline],
            &[],
            "no store may take over what one is to lose",
        ),
        (&[1, 2, 3], &[Up, Up, Up, Offline], &[], "every region has its replicas"),
    ];
    for (stores, states, silent, expected) in table {
        let mut board = board(states.len() as u64, 3);
        for (id, state) in (1..).zip(*states) {
            set_state(&mut board, id, *state);
        }
        let down_after_ms = board.goals.down_after_ms + 1;
        hear(&mut board, down_after_ms, silent);
        board.cluster.observe_region(report(1, stores, 10));
        assert_eq!(says(&board, Scheduler::Replica), *expected, "{stores:?} {states:?} {silent:?}");
    }
}

#[test]
fn a_learner_nobody_waits_for_votes_or_goes() {
    let mut board = board(4, 3);
    let mut region = report(1, &[1, 2, 3], 10);
    region.region.peers[2].role = PeerRole::Learner;
    board.cluster.observe_region(region);
    assert_eq!(says(&board, Scheduler::Replica), "make-up-replica 1: ^3");
    let mut region = report(1, &[1, 2, 3, 4], 10);
    region.region.peers[3].role = PeerRole::Learner;
    region.region.epoch.conf_ver = 1;
    board.cluster.observe_region(region);
    assert_eq!(says(&board, Scheduler::Replica), "remove-orphan-learner 1: -4");
}

#[test]
fn a_store_is_disconnected_before_it_is_down() {
    let mut board = board(4, 3);
    board.cluster.observe_region(report(1, &[1, 2, 3], 10));
    let condition = |board: &Board, id| {
        board.cluster.condition(board.cluster.store(StoreId(id)).unwrap(), &board.goals)
    };
    hear(&mut board, 20_000, &[3]);
    assert_eq!(condition(&board, 3), StoreCondition::Up);
    hear(&mut board, 20_001, &[3]);
    assert_eq!(condition(&board, 3), StoreCondition::Disconnected);
    assert_eq!(says(&board, Scheduler::Replica), "every region has its replicas");
    hear(&mut board, 30 * 60_000 + 1, &[3]);
    assert_eq!(condition(&board, 3), StoreCondition::Down);
    assert_eq!(condition(&board, 1), StoreCondition::Up);
}

#[test]
fn leaders_move_from_the_busiest_to_the_idlest_store() {
    let mut board = board(2, 2);
    for id in 1..=3 {
        board.cluster.observe_region(report(id, &[1, 2], 1));
    }
    assert_eq!(says(&board, Scheduler::BalanceLeader), "balance-leader 1: *2");
    board.evicting.insert(StoreId(2));
    let reason = "leaders are balanced";
    assert_eq!(says(&board, Scheduler::BalanceLeader), reason, "store 2 is to lead nothing");
    board.evicting.clear();
    board.cluster.observe_region(report(1, &[2, 1], 1));
    assert_eq!(says(&board, Scheduler::BalanceLeader), reason);
}

/// A store reports itself.
fn report_store(board: &mut Board, id: u64, stats: StoreStats) {
    let now_ms = board.cluster.now_unix_ms();
    board.cluster.observe_store(StoreId(id), stats, now_ms);
}

#[test]
fn a_store_that_says_goodbye_is_given_nothing() {
    let stopping = StoreStats { stopping: true, ..StoreStats::default() };
    let busy = StoreStats { busy: true, ..StoreStats::default() };
    for away in [stopping, busy] {
        let mut board = board(4, 3);
        for id in 1..=4 {
            let leader = if id < 3 { [1, 2, 3] } else { [2, 1, 3] };
            board.cluster.observe_region(report(id, &leader, 10));
        }
        assert_eq!(says(&board, Scheduler::BalanceLeader), "balance-leader 3: *3");
        report_store(&mut board, 3, away);
        let nobody = "no region led by a busy store has a healthy voter on an idle one";
        assert_eq!(says(&board, Scheduler::BalanceLeader), nobody);
        // Nor when somebody else is to lead nothing.
        board.evicting.insert(StoreId(1));
        assert_eq!(says(&board, Scheduler::EvictLeader), "evict-leader 1: *2");
        report_store(&mut board, 2, away);
        let nobody = "a region has nobody who could lead in the leader's place";
        assert_eq!(says(&board, Scheduler::EvictLeader), nobody);
        // Its replicas stay: it comes back. But it is given no more of them.
        assert_eq!(says(&board, Scheduler::Replica), "every region has its replicas");
        board.cluster.observe_region(report(5, &[1, 2], 10));
        assert_eq!(says(&board, Scheduler::Replica), "make-up-replica 5: +4 ^4");
        report_store(&mut board, 4, away);
        assert_eq!(says(&board, Scheduler::Replica), "no store may be given a replica");
        assert!(!says(&board, Scheduler::BalanceRegion).contains('+'));
        // Back, it takes part again.
        report_store(&mut board, 3, StoreStats::default());
        assert_eq!(says(&board, Scheduler::EvictLeader), "evict-leader 1: *3");
        assert_eq!(says(&board, Scheduler::Replica), "make-up-replica 5: +3 ^3");
    }
}

#[test]
fn a_store_that_is_away_for_a_moment_keeps_what_it_has() {
    let mut board = board(4, 3);
    board.goals.bytes_tolerance = MIB;
    for id in 1..=4 {
        board.cluster.observe_region(report(id, &[1, 2, 3], 10));
    }
    assert_eq!(says(&board, Scheduler::BalanceRegion), "balance-region 1: +4 ^4 *2 -1");
    report_store(&mut board, 2, StoreStats { stopping: true, ..StoreStats::default() });
    let nothing = "no region of a full store may move to an emptier one";
    assert_eq!(says(&board, Scheduler::BalanceRegion), nothing, "no region is whole");
    report_store(&mut board, 2, StoreStats::default());
    hear(&mut board, 20_001, &[4]);
    assert_eq!(says(&board, Scheduler::BalanceRegion), "bytes are balanced", "4 is disconnected");
}

#[test]
fn a_leader_that_has_just_begun_gives_nothing_to_whom_it_has_not_heard() {
    let mut board = board(1, 2);
    board.cluster.put_store(StoreMeta { id: StoreId(2), ..StoreMeta::default() });
    for id in 1..=3 {
        board.cluster.observe_region(report(id, &[1, 2], 1));
    }
    let nobody = "no region led by a busy store has a healthy voter on an idle one";
    assert_eq!(says(&board, Scheduler::BalanceLeader), nobody);
    hear(&mut board, 2, &[]);
    assert_eq!(says(&board, Scheduler::BalanceLeader), "balance-leader 1: *2");
}

#[test]
fn orders_to_a_store_that_stops_are_called_off() {
    let mut board = board(4, 3);
    let region = report(1, &[1, 2, 3], 10);
    board.cluster.observe_region(region.clone());
    let transfer = vec![Step::TransferLeader { store_id: StoreId(2) }];
    let grow = add_voter(StoreId(4)).to_vec();
    for (id, steps) in [(2, transfer), (4, grow)] {
        report_store(&mut board, id, StoreStats::default());
        let plan = Plan { region: RegionId(1), kind: OperatorKind::Admin, name: "admin", steps };
        let Board { cluster, operators, goals, .. } = &mut board;
        operators.add(plan, cluster, goals).unwrap();
        assert!(operators.on_report(&region, cluster).is_some());
        report_store(&mut board, id, StoreStats { stopping: true, ..StoreStats::default() });
        let Board { cluster, operators, .. } = &mut board;
        assert_eq!(operators.on_report(&region, cluster), None);
        assert!(!operators.is_busy(RegionId(1)));
    }
}

#[test]
fn a_quick_step_that_seems_unheard_is_told_again_and_a_slow_one_is_not() {
    let mut board = board(3, 3);
    hear(&mut board, 1_000, &[]);
    let mut region = report(1, &[1, 2], 10);
    board.cluster.observe_region(region.clone());
    let Decision::Do(mut plan) = Scheduler::Replica.decide(&board, &board.operators) else {
        panic!("a replica is missing");
    };
    let learner = Peer { id: PeerId(9), store_id: StoreId(3), role: PeerRole::Learner };
    plan.steps[0] = Step::AddLearner { peer: learner };
    let Board { cluster, operators, goals, .. } = &mut board;
    operators.add(plan, cluster, goals).unwrap();
    let one = StoreId(1);
    assert_eq!(operators.untold(one, cluster), [RegionId(1)]);
    assert!(operators.on_report(&region, cluster).is_some());
    assert_eq!(operators.untold(one, cluster), []);
    cluster.set_now(4_000);
    assert_eq!(operators.untold(one, cluster), [RegionId(1)], "it was lost");
    // The next step is told with the report that shows the first done, and takes its time.
    region.region.peers.push(learner);
    region.region.epoch.conf_ver += 1;
    cluster.observe_region(region.clone());
    assert!(operators.on_report(&region, cluster).is_some());
    cluster.set_now(60_000);
    assert_eq!(operators.untold(one, cluster), []);
}

#[test]
fn an_order_that_waits_for_a_store_that_is_down_is_called_off() {
    let mut board = board(4, 3);
    board.goals.down_after_ms = 10_000;
    board.cluster.observe_region(report(1, &[1, 2, 3], 10));
    let steps = add_voter(StoreId(4)).to_vec();
    let plan = Plan { region: RegionId(1), kind: OperatorKind::Admin, name: "admin", steps };
    let Board { cluster, operators, goals, .. } = &mut board;
    operators.add(plan, cluster, goals).unwrap();
    for (now_ms, is_busy) in [(10_000, true), (10_001, false)] {
        hear(&mut board, now_ms, &[4]);
        let Board { cluster, operators, goals, .. } = &mut board;
        operators.expire(cluster, goals);
        assert_eq!(operators.is_busy(RegionId(1)), is_busy, "at {now_ms}");
    }
}

#[test]
fn leaders_are_evicted() {
    let mut board = board(3, 3);
    board.cluster.observe_region(report(1, &[1, 2, 3], 1));
    assert_eq!(says(&board, Scheduler::EvictLeader), "no store is to lead nothing");
    board.evicting.insert(StoreId(1));
    assert_eq!(says(&board, Scheduler::EvictLeader), "evict-leader 1: *2");
    board.evicting.extend([StoreId(2), StoreId(3)]);
    let reason = "a region has nobody who could lead in the leader's place";
    assert_eq!(says(&board, Scheduler::EvictLeader), reason);
}

#[test]
fn a_store_whose_disk_is_almost_full_leads_nothing_and_is_given_nothing() {
    let mut board = board(4, 3);
    board.cluster.observe_region(report(1, &[1, 2, 3], 10));
    assert_eq!(says(&board, Scheduler::EvictLeader), "no store is to lead nothing");
    let almost = StoreStats { room: DiskRoom::AlmostFull, ..StoreStats::default() };
    report_store(&mut board, 1, almost);
    report_store(&mut board, 2, almost);
    assert_eq!(says(&board, Scheduler::EvictLeader), "evict-leader 1: *3");
    report_store(&mut board, 3, StoreStats { room: DiskRoom::Full, ..StoreStats::default() });
    assert_eq!(
        says(&board, Scheduler::EvictLeader),
        "a region has nobody who could lead in the leader's place"
    );
    report_store(&mut board, 4, almost);
    board.cluster.observe_region(RegionReport { term: Term(2), ..report(1, &[1, 2], 10) });
    assert_eq!(says(&board, Scheduler::Replica), "no store may be given a replica");
}

#[test]
fn bytes_move_by_the_largest_region_that_helps() {
    let mut board = board(2, 1);
    board.goals.bytes_tolerance = 10 * MIB;
    for (id, size) in [(1, 90), (2, 40), (3, 20)] {
        board.cluster.observe_region(report(id, &[1], size));
    }
    // 90 is over half of 150.
    assert_eq!(says(&board, Scheduler::BalanceRegion), "balance-region 2: +2 ^2 *2 -1");
    set_state(&mut board, 2, StoreState::Offline);
    assert_eq!(says(&board, Scheduler::BalanceRegion), "one store");
}

#[test]
fn a_full_disk_is_given_nothing() {
    let mut board = board(2, 1);
    board.goals.bytes_tolerance = MIB;
    board.cluster.observe_region(report(1, &[1], 10));
    board.cluster.observe_region(report(2, &[1], 10));
    let full = StoreStats { capacity: 1000, available: 49, ..StoreStats::default() };
    board.cluster.observe_store(StoreId(2), full, 1);
    assert_ne!(says(&board, Scheduler::BalanceRegion), "balance-region 1: +2 ^2 *2 -1");
    board.cluster.observe_store(StoreId(2), StoreStats { available: 50, ..full }, 1);
    assert_eq!(says(&board, Scheduler::BalanceRegion), "balance-region 1: +2 ^2 *2 -1");
}

#[test]
fn a_region_its_store_did_not_split_is_told_to() {
    let mut board = board(1, 1);
    board.cluster.observe_region(report(1, &[1], 289));
    assert_eq!(says(&board, Scheduler::Split), "split-region 1: /");
}

#[test]
fn a_split_that_cannot_be_ends_and_says_why() {
    let mut board = board(1, 1);
    let mut region = report(1, &[1], 289);
    board.cluster.observe_region(region.clone());
    let Decision::Do(plan) = Scheduler::Split.decide(&board, &board.operators) else {
        panic!("it is too large");
    };
    let Board { cluster, operators, goals, .. } = &mut board;
    operators.add(plan, cluster, goals).unwrap();
    assert_eq!(operators.on_report(&region, cluster), Some(RegionOrder::Split));
    region.unsplittable = true;
    cluster.observe_region(region.clone());
    assert_eq!(operators.on_report(&region, cluster), None);
    let ended = operators.finished().next().unwrap();
    assert_eq!(ended.state, OperatorState::Cancelled("the region has no place to be split at"));
    assert_eq!(says(&board, Scheduler::Split), "every region is within its size");
}

#[test]
fn far_from_balance_more_leaders_move_at_a_time() {
    let mut board = board(3, 3);
    hear(&mut board, 1_000, &[]);
    for id in 1..=200 {
        board.cluster.observe_region(report(id, &[1, 2, 3], 1));
    }
    let (plans, _) = board.plan(Scheduler::BalanceLeader, 1000);
    assert_eq!(plans.len(), 200 / 8);
    board.goals.leader_limit = 0;
    assert_eq!(board.plan(Scheduler::BalanceLeader, 1000).0.len(), 0, "none is to move");
}

#[test]
fn small_neighbours_merge_when_they_have_been_small_for_long() {
    let mut board = board(4, 3);
    board.cluster.observe_region(report(1, &[1, 2, 3], 5));
    board.cluster.observe_region(report(2, &[2, 3, 4], 30));
    let reason = "no region is small, and long enough as it is, beside one that can take it in";
    assert_eq!(says(&board, Scheduler::Merge), reason);
    let merge_after_ms = board.goals.merge_after_ms + 1;
    hear(&mut board, merge_after_ms, &[]);
    assert_eq!(says(&board, Scheduler::Merge), "merge-region 1: +4 ^4 *3 -1 >2");
    board.goals.merge_max_bytes = 0;
    assert_eq!(says(&board, Scheduler::Merge), "regions are not to merge");
}

#[test]
fn limits_bound_what_is_under_way() {
    let mut board = board(2, 2);
    for id in 1..=30 {
        board.cluster.observe_region(report(id, &[1], 1));
    }
    board.goals.store_limit = 3;
    let (plans, reason) = board.plan(Scheduler::Replica, 100);
    assert_eq!((plans.len(), reason), (3, "no store may be given a replica"));
    board.goals.replica_limit = 2;
    let (plans, reason) = board.plan(Scheduler::Replica, 100);
    assert_eq!(plans.len(), 2);
    assert_eq!(reason, "as many regions are put right as may be at a time");
    board.paused.insert("replica".to_owned());
    assert_eq!(board.plan(Scheduler::Replica, 100), (Vec::new(), "stopped"));
}
