//! Regions that sleep, and the stores their other replicas are on.
//!
//! A group that sleeps sends no heartbeats, so its replicas would not notice the loss of one of them. Its stores notice in their place: each tells the
//! others that it is there, once for all the regions they share. When one is not heard of for an election timeout, the regions
//! shared with it are woken.
//!
//! Pure but for the lock: the time is the store's ticks.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use crate::common::{RegionId, StoreId};

/// The sleeping regions of a store.
#[derive(Debug, Default)]
pub struct Sleepers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    now: u64,
    regions: BTreeMap<RegionId, Sleep>,
    stores: BTreeMap<StoreId, Neighbour>,
}

#[derive(Debug)]
struct Sleep {
    since: u64,
    stores: Vec<StoreId>,
}

/// A store with replicas of sleeping regions.
#[derive(Debug)]
struct Neighbour {
    heard: u64,
    regions: BTreeSet<RegionId>,
}

/// What a tick brings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// Stores to be told that this one is there.
    pub greet: Vec<StoreId>,
    /// Stores that were not heard of for too long, and the regions shared with each, to be woken.
    pub lost: Vec<(StoreId, Vec<RegionId>)>,
}

impl Sleepers {
    /// A region sleeps, as its replicas on these other stores do.
    pub fn sleep(&self, region_id: RegionId, stores: Vec<StoreId>) {
        let mut state = self.0.lock();
        state.leave(region_id);
        let now = state.now;
        for store_id in &stores {
            let unheard = || Neighbour { heard: now, regions: BTreeSet::new() };
            let neighbour = state.stores.entry(*store_id).or_insert_with(unheard);
            neighbour.regions.insert(region_id);
        }
        state.regions.insert(region_id, Sleep { since: now, stores });
    }

    /// A region is awake; answers how many ticks it has slept.
    pub fn wake(&self, region_id: RegionId) -> u64 {
        self.0.lock().leave(region_id)
    }

    /// Another store has said that it is there.
    pub fn heard(&self, store_id: StoreId) {
        let mut state = self.0.lock();
        let now = state.now;
        if let Some(neighbour) = state.stores.get_mut(&store_id) {
            neighbour.heard = now;
        }
    }

    /// A tick. Others are greeted every `greet_ticks`, and are lost after `patience` ticks.
    pub fn tick(&self, greet_ticks: u64, patience: u64) -> Rounds {
        let mut state = self.0.lock();
        state.now += 1;
        let now = state.now;
        let mut rounds = Rounds::default();
        if now.is_multiple_of(greet_ticks.max(1)) {
            rounds.greet = state.stores.keys().copied().collect();
        }
        for (store_id, neighbour) in &mut state.stores {
            if now - neighbour.heard >= patience {
                // Those that do not wake at once are woken again when it is as late again.
                neighbour.heard = now;
                rounds.lost.push((*store_id, neighbour.regions.iter().copied().collect()));
            }
        }
        rounds
    }

    /// Ticks since the store began.
    pub fn now(&self) -> u64 {
        self.0.lock().now
    }

    /// How many regions sleep.
    pub fn len(&self) -> usize {
        self.0.lock().regions.len()
    }

    /// Whether none sleeps.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl State {
    fn leave(&mut self, region_id: RegionId) -> u64 {
        let Some(sleep) = self.regions.remove(&region_id) else { return 0 };
        for store_id in sleep.stores {
            let Some(neighbour) = self.stores.get_mut(&store_id) else { continue };
            neighbour.regions.remove(&region_id);
            if neighbour.regions.is_empty() {
                self.stores.remove(&store_id);
            }
        }
        self.now - sleep.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: RegionId = RegionId(1);
    const TWO: RegionId = RegionId(2);
    const A: StoreId = StoreId(11);
    const B: StoreId = StoreId(12);

    fn ticks(sleepers: &Sleepers, count: u64) -> Vec<(StoreId, Vec<RegionId>)> {
        (0..count).flat_map(|_| sleepers.tick(2, 10).lost).collect()
    }

    #[test]
    fn a_store_that_is_silent_wakes_what_is_shared_with_it() {
        let sleepers = Sleepers::default();
        sleepers.sleep(ONE, vec![A, B]);
        sleepers.sleep(TWO, vec![B]);
        assert_eq!(ticks(&sleepers, 9), []);
        sleepers.heard(B);
        assert_eq!(ticks(&sleepers, 1), [(A, vec![ONE])]);
        assert_eq!(sleepers.wake(ONE), 10, "it has slept so long");
        assert_eq!(ticks(&sleepers, 8), [], "B was heard of");
        assert_eq!(ticks(&sleepers, 1), [(B, vec![TWO])]);
        assert_eq!(ticks(&sleepers, 10), [(B, vec![TWO])], "again, as it did not wake");
    }

    #[test]
    fn only_stores_that_share_sleeping_regions_are_greeted() {
        let sleepers = Sleepers::default();
        assert_eq!(sleepers.tick(1, 10), Rounds::default());
        sleepers.sleep(ONE, vec![A, B]);
        sleepers.sleep(TWO, vec![B]);
        assert_eq!(sleepers.tick(1, 10).greet, [A, B]);
        sleepers.wake(ONE);
        assert_eq!(sleepers.tick(1, 10).greet, [B]);
        sleepers.wake(TWO);
        assert_eq!(sleepers.tick(1, 10).greet, []);
        assert!(sleepers.is_empty());
    }

    #[test]
    fn who_was_not_shared_with_before_is_not_lost_at_once() {
        let sleepers = Sleepers::default();
        assert_eq!(ticks(&sleepers, 100), []);
        sleepers.heard(A);
        sleepers.sleep(ONE, vec![A]);
        assert_eq!(ticks(&sleepers, 9), []);
    }
}
