//! A cluster whose stores do as they are told, slowly: what the schedulers come to together.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::*;
use crate::common::{RegionId, Term};
use crate::placement::{Goals, RegionOrder, StoreMeta, StoreState, StoreStats};
use crate::storage::region::Region;

const MIB: u64 = 1 << 20;

struct World {
    board: Board,
    regions: BTreeMap<RegionId, RegionReport>,
    dead: BTreeSet<StoreId>,
    now_ms: u64,
    next_id: u64,
    /// Orders carried out.
    done: usize,
}

impl World {
    /// Regions of different sizes, all of them on the first stores.
    fn new(stores: u64, regions: u16, replicas: u64) -> World {
        let mut world = World {
            board: Board::default(),
            regions: BTreeMap::new(),
            dead: BTreeSet::new(),
            now_ms: 1,
            next_id: 1_000_000,
            done: 0,
        };
        world.board.goals =
            Goals { replicas: replicas as usize, merge_max_bytes: 0, ..Goals::default() };
        for id in 1..=stores {
            world.add_store(id);
        }
        for id in 0..regions {
            let key = |id: u16| match id {
                0 => Bytes::new(),
                id if id == regions => Bytes::new(),
                id => Bytes::from(id.to_be_bytes().to_vec()),
            };
            let peer = |store: u64| Peer {
                id: PeerId(u64::from(id) * 100 + store),
                store_id: StoreId(store),
                role: PeerRole::Voter,
            };
            let peers: Vec<Peer> = (1..=replicas).map(peer).collect();
            let region = Region {
                id: RegionId(u64::from(id) + 1),
                start_key: key(id),
                end_key: key(id + 1),
                peers,
                ..Region::default()
            };
            let report = RegionReport {
                leader: region.peers[0],
                approximate_size: u64::from(id % 7) * 16 * MIB,
                region,
                term: Term(6),
                ..RegionReport::default()
            };
            world.regions.insert(report.region.id, report);
        }
        world
    }

    fn add_store(&mut self, id: u64) {
        self.board.cluster.put_store(StoreMeta { id: StoreId(id), ..StoreMeta::default() });
    }

    fn set_state(&mut self, id: u64, state: StoreState) {
        self.board.cluster.put_store(StoreMeta { id: StoreId(id), state, ..StoreMeta::default() });
    }

    /// Leaders of dead stores are replaced, if a quorum lives.
    fn elect(&mut self) {
        let dead = &self.dead;
        for report in self.regions.values_mut() {
            if dead.contains(&report.leader.store_id) {
                let heir =
                    report.region.peers.iter().find(|peer| {
                        peer.role == PeerRole::Voter && !dead.contains(&peer.store_id)
                    });
                report.leader = *heir.expect("a quorum lives");
                report.term = Term(report.term.0 + 1);
            }
        }
    }

    /// Ten seconds: stores and leaders report and do what they are told; schedulers look.
    fn round(&mut self) -> usize {
        self.now_ms += 10_000;
        self.board.cluster.set_now(self.now_ms);
        self.elect();
        let stores: Vec<StoreId> = self.board.cluster.stores().map(|store| store.meta.id).collect();
        for id in stores.into_iter().filter(|id| !self.dead.contains(id)) {
            self.board.cluster.observe_store(id, StoreStats::default(), self.now_ms);
        }
        for report in self.regions.values_mut() {
            let Board { cluster, operators, .. } = &mut self.board;
            cluster.observe_region(report.clone());
            if let Some(order) = operators.on_report(report, cluster) {
                obey(report, &order);
                self.done += 1;
            }
        }
        let Board { cluster, operators, goals, .. } = &mut self.board;
        operators.expire(cluster, goals);
        self.schedule()
    }

    fn schedule(&mut self) -> usize {
        let mut placed = 0;
        for scheduler in Scheduler::ALL {
            for mut plan in self.board.plan(scheduler, 8).0 {
                for step in &mut plan.steps {
                    if let Step::AddLearner { peer } = step {
                        self.next_id += 1;
                        peer.id = PeerId(self.next_id);
                    }
                }
                let Board { cluster, operators, goals, .. } = &mut self.board;
                placed += usize::from(operators.add(plan, cluster, goals).is_ok());
            }
        }
        placed
    }

    /// Goes on until nothing is under way and nobody wants anything.
    fn settle(&mut self) {
        for _ in 0..5_000 {
            let placed = self.round();
            if placed == 0 && self.board.operators.running().next().is_none() {
                return;
            }
        }
        panic!("it does not come to rest: {:?}", self.board.operators.running().next());
    }

    fn replicas(&self, store: u64) -> u64 {
        self.board.cluster.load(StoreId(store)).replicas
    }

    /// Every region has its replicas, on stores that are well.
    fn check(&self) {
        for report in self.regions.values() {
            assert_eq!(report.region.peers.len(), self.board.goals.replicas, "{report:?}");
            let stores: BTreeSet<StoreId> =
                report.region.peers.iter().map(|peer| peer.store_id).collect();
            assert_eq!(stores.len(), self.board.goals.replicas, "{report:?}");
            assert!(report.region.peers.iter().all(|peer| peer.role == PeerRole::Voter));
            assert!(stores.is_disjoint(&self.dead), "{report:?}");
        }
    }

    fn spread(&self, stores: &[u64], of: impl Fn(&crate::placement::StoreLoad) -> u64) -> u64 {
        let loads = stores.iter().map(|id| of(&self.board.cluster.load(StoreId(*id))));
        let all: Vec<u64> = loads.collect();
        all.iter().max().unwrap() - all.iter().min().unwrap()
    }
}

fn obey(report: &mut RegionReport, order: &RegionOrder) {
    let region = &mut report.region;
    match order {
        RegionOrder::AddPeer { peer } => {
            match region.peers.iter_mut().find(|known| known.id == peer.id) {
                Some(known) => known.role = peer.role,
                None => region.peers.push(Peer { role: PeerRole::Learner, ..*peer }),
            }
            region.epoch.conf_ver += 1;
        }
        RegionOrder::RemovePeer { peer } => {
            assert_ne!(peer.id, report.leader.id, "leaders are not removed");
            region.peers.retain(|known| known.id != peer.id);
            region.epoch.conf_ver += 1;
        }
        RegionOrder::TransferLeader { to } => {
            assert_eq!(region.peer_on(to.store_id).unwrap().role, PeerRole::Voter);
            report.leader = *to;
            report.term = Term(report.term.0 + 1);
        }
        other => panic!("nobody asked for {other:?}"),
    }
}

#[test]
fn a_fourth_store_is_filled_until_all_are_even_and_then_nothing_moves() {
    let mut world = World::new(3, 120, 3);
    world.settle();
    assert_eq!(world.replicas(1), 120);
    world.add_store(4);
    world.settle();
    world.check();
    let all = [1, 2, 3, 4];
    assert!(world.spread(&all, |load| load.leaders) <= world.board.goals.leader_tolerance);
    assert!(world.spread(&all, |load| load.score) <= 200 * MIB);
    assert!((40..=120).contains(&world.replicas(4)), "{}", world.replicas(4));
    let done = world.done;
    for _ in 0..300 {
        world.round();
    }
    assert_eq!(world.done, done, "what is even is left alone");
}

#[test]
fn no_region_moves_twice_on_the_way_to_balance() {
    let mut world = World::new(3, 120, 3);
    world.settle();
    world.add_store(4);
    let before = world.done;
    world.settle();
    let arrived = usize::try_from(world.replicas(4)).unwrap();
    // A move is an addition, a promotion, a removal and at most one change of leader; evening out leaders takes some more.
    assert!(world.done - before <= arrived * 4 + 120, "{} for {arrived}", world.done - before);
}

#[test]
fn a_lost_store_is_rebuilt_on_the_others() {
    let mut world = World::new(4, 60, 3);
    world.settle();
    world.dead.insert(StoreId(2));
    let done = world.done;
    for _ in 0..(29 * 6) {
        world.round();
    }
    assert!(world.board.cluster.load(StoreId(2)).leaders == 0);
    let moved = world.done - done;
    assert!(world.replicas(2) > 0, "half an hour is waited before replicas are made anew");
    assert!(moved < 200, "only leaders moved meanwhile: {moved}");
    for _ in 0..12 {
        world.round();
    }
    world.settle();
    world.check();
    assert_eq!(world.replicas(2), 0);
}

#[test]
fn a_store_that_is_taken_out_is_emptied_and_buried() {
    let mut world = World::new(4, 60, 3);
    world.settle();
    assert!(world.replicas(4) > 0);
    world.set_state(4, StoreState::Offline);
    assert_eq!(world.board.drained(), []);
    world.settle();
    world.check();
    assert_eq!(world.replicas(4), 0);
    assert_eq!(world.board.cluster.load(StoreId(4)).leaders, 0);
    assert_eq!(world.board.drained(), [StoreId(4)]);
}

#[test]
fn nothing_is_buried_while_regions_are_not_heard_of() {
    let mut world = World::new(4, 10, 3);
    world.settle();
    world.set_state(4, StoreState::Offline);
    world.board.cluster = {
        let mut fresh = crate::placement::ClusterMap::since(world.now_ms);
        for store in world.board.cluster.stores() {
            fresh.put_store(store.meta.clone());
        }
        fresh
    };
    assert_eq!(world.board.drained(), []);
}

#[test]
fn evicted_leaders_stay_away() {
    let mut world = World::new(3, 40, 3);
    world.settle();
    world.board.evicting.insert(StoreId(1));
    world.settle();
    assert_eq!(world.board.cluster.load(StoreId(1)).leaders, 0);
    assert!(world.spread(&[2, 3], |load| load.leaders) <= 2);
    world.board.evicting.clear();
    world.settle();
    assert!(world.spread(&[1, 2, 3], |load| load.leaders) <= 2);
}
