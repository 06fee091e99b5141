//! Stores that tell a changing detector of their waits, over ways that lose what they carry.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::detector::ACCOUNT_LEASE;
use super::{DeadlockDetector, StoreWaits, WaitEdge, WaitsShared};
use crate::common::{StoreId, Timestamp};

const STORES: usize = 3;
const NEVER: u64 = u64::MAX;

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    /// A transaction begins to wait for another's lock on this store.
    Begin(usize, u64, u64),
    /// One of the waits ends, if there are any.
    End(usize, usize),
    /// The store speaks to whom it believes to be the detector.
    Tell(usize, Way),
    /// The store hears who is the detector.
    Hear(usize),
    /// Another store becomes the detector.
    Move(usize),
    /// The detector loses its memory.
    Forget,
    /// Time goes by: so many sixths of an account's lease.
    Pass(u64),
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Whole,
    QuestionLost,
    AnswerLost,
}

fn steps() -> impl Strategy<Value = Step> {
    let store = 0..STORES;
    let way = prop_oneof![4 => Just(Way::Whole), 1 => Just(Way::QuestionLost), 1 => Just(Way::AnswerLost)];
    prop_oneof![
        6 => (store.clone(), 1..8u64, 1..8u64).prop_map(|(at, waiter, holder)| Step::Begin(at, waiter, holder)),
        3 => (store.clone(), 0..8usize).prop_map(|(at, which)| Step::End(at, which)),
        6 => (store.clone(), way).prop_map(|(at, way)| Step::Tell(at, way)),
        3 => store.clone().prop_map(Step::Hear),
        1 => store.prop_map(Step::Move),
        1 => Just(Step::Forget),
        2 => (1..8u64).prop_map(Step::Pass),
    ]
}

fn id(at: usize) -> StoreId {
    StoreId(at as u64 + 1)
}

/// The stores, each as its actor has it.
struct World {
    graphs: Vec<DeadlockDetector>,
    waits: Vec<StoreWaits>,
    /// Who really waits.
    live: Vec<BTreeSet<WaitEdge>>,
    detector: usize,
    now: u64,
    /// The end of a wait may have been lost.
    is_lossy: bool,
}

impl World {
    fn new() -> World {
        World {
            graphs: (0..STORES).map(|_| DeadlockDetector::new()).collect(),
            waits: (0..STORES).map(|_| StoreWaits::new()).collect(),
            live: vec![BTreeSet::new(); STORES],
            detector: 0,
            now: 0,
            is_lossy: false,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Begin(at, waiter, holder) => self.begin(at, waiter, holder),
            Step::End(at, which) => {
                if let Some(edge) = self.live[at].iter().nth(which).cloned() {
                    self.end(at, &edge);
                }
            }
            Step::Tell(at, way) => self.tell(at, way),
            Step::Hear(at) if at != self.detector => {
                self.waits[at].set_detector(Some(id(self.detector)));
            }
            Step::Hear(_) => {}
            Step::Move(to) if to != self.detector => {
                self.is_lossy = true;
                self.graphs[self.detector].keep_only(id(self.detector));
                self.detector = to;
                self.waits[to].set_detector(None);
            }
            Step::Move(_) => {}
            Step::Forget => self.graphs[self.detector].keep_only(id(self.detector)),
            Step::Pass(sixths) => self.pass(sixths),
        }
    }

    fn begin(&mut self, at: usize, waiter: u64, holder: u64) {
        let key = Bytes::from(format!("{at}/{holder}"));
        let edge = WaitEdge { waiter: Timestamp(waiter), holder: Timestamp(holder), key };
        let refused = self.graphs[at].detect_from(id(at), edge.clone(), self.now, NEVER);
        if refused.is_some() {
            self.is_victim(&edge);
            self.live[at].remove(&edge);
            return;
        }
        self.waits[at].begin(edge.clone(), NEVER);
        self.live[at].insert(edge);
    }

    fn end(&mut self, at: usize, edge: &WaitEdge) {
        self.live[at].remove(edge);
        self.graphs[at].remove(id(at), edge);
        self.waits[at].end(edge.clone());
        // As its actor does.
        self.tell(at, Way::Whole);
    }

    fn pass(&mut self, sixths: u64) {
        self.now += sixths * (ACCOUNT_LEASE / 6);
        let now = self.now;
        self.graphs.iter_mut().for_each(|graph| graph.expire(now));
    }

    fn tell(&mut self, at: usize, way: Way) {
        if at == self.detector {
            return;
        }
        let Some((to, shared)) = self.waits[at].tell(id(at), self.now, true) else { return };
        let (account, to) = (shared.account, to.0 as usize - 1);
        self.is_lossy |= way != Way::Whole;
        let answer = match way {
            Way::QuestionLost => None,
            _ if to != self.detector => Some(WaitsShared::NotDetector),
            _ => Some(self.graphs[to].take(shared, self.now)),
        };
        let answer = answer.filter(|_| way != Way::AnswerLost);
        for edge in self.waits[at].told(account, answer) {
            self.is_victim(&edge);
            self.live[at].remove(&edge);
            self.graphs[at].remove(id(at), &edge);
        }
    }

    /// As long as no end of a wait was lost, whoever is sent back is part of a cycle.
    fn is_victim(&self, edge: &WaitEdge) {
        if !self.is_lossy {
            let mut waits: Vec<&WaitEdge> = self.live.iter().flatten().collect();
            waits.push(edge);
            assert!(reaches(&waits, edge.holder, edge.waiter), "{edge:?} closes no cycle");
        }
    }

    /// Nothing is lost any more: everybody hears of the detector, and tells it.
    fn settle(&mut self) {
        for _ in 0..3 {
            for at in 0..STORES {
                self.take(Step::Hear(at));
                self.tell(at, Way::Whole);
            }
        }
    }
}

fn reaches(waits: &[&WaitEdge], from: Timestamp, to: Timestamp) -> bool {
    let mut next: BTreeMap<Timestamp, Vec<Timestamp>> = BTreeMap::new();
    for edge in waits {
        next.entry(edge.waiter).or_default().push(edge.holder);
    }
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(next.get(&at).into_iter().flatten());
        }
    }
    false
}

proptest! {
    #[test]
    fn in_the_end_no_cycle_is_left(steps in proptest::collection::vec(steps(), 0..80)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.settle();
        let waits: Vec<&WaitEdge> = world.live.iter().flatten().collect();
        for edge in &waits {
            prop_assert!(!reaches(&waits, edge.holder, edge.waiter), "{:?} is in a cycle of {:?}", edge, waits);
        }
        // Nor does anybody believe in a wait that is over, once a lease has passed.
        for _ in 0..2 {
            world.pass(3);
            world.settle();
        }
        let live: BTreeSet<WaitEdge> = world.live.iter().flatten().cloned().collect();
        prop_assert_eq!(world.graphs[world.detector].counting(world.now), live);
    }
}
