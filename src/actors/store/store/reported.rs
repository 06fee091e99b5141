//! Which regions the placement driver knows as they are.
//!
//! A region that sleeps, or only serves, is as it was last reported: it need not be reported again. What is left of the reports are the
//! store's own, which say how many regions it leads; if that is not what the placement driver counts, it hears of all of them. So a store with a
//! hundred thousand idle regions says little.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::actors::store::router::RegionStatus;
use crate::common::RegionId;

/// Every region is reported at the latest after so many heartbeats, in case something is not as it is thought to be: a
/// part of them with each.
const ROUNDS: u64 = 60;
/// The placement driver has to miss regions at so many heartbeats before it is told of all: reports may be on their way.
const MISSED_MOST: u32 = 2;
/// The same for looks at it between heartbeats: a request that needs a region which it does not know gives up before the second heartbeat.
const LOOKS_MISSED_MOST: u32 = 4;

/// What was last reported of the regions led here.
#[derive(Debug, Default)]
pub(super) struct Reported {
    /// In brief. Only looked up, never iterated for what is done.
    regions: HashMap<RegionId, u64>,
    round: u64,
    /// How many regions of this store the placement driver counts.
    there: Option<u64>,
    missed: u32,
    /// How many there were at the last heartbeat.
    led: u64,
    looks_missed: u32,
}

impl Reported {
    /// Of the regions led now, those to be reported with this heartbeat.
    pub(super) fn due<'a>(&mut self, led: impl Iterator<Item = &'a RegionStatus>) -> Vec<RegionId> {
        self.round += 1;
        let led: Vec<&RegionStatus> = led.collect();
        self.led = led.len() as u64;
        let is_missed = self.there.take().is_some_and(|there| there < self.led);
        self.missed = if is_missed { self.missed + 1 } else { 0 };
        if self.missed >= MISSED_MOST {
            self.forget();
        }
        let ids: HashSet<RegionId> = led.iter().map(|status| status.region.id).collect();
        self.regions.retain(|region_id, _| ids.contains(region_id));
        let is_due = |status: &&RegionStatus| {
            let id = status.region.id;
            (id.0 + self.round).is_multiple_of(ROUNDS)
                || self.regions.get(&id) != Some(&in_brief(status))
        };
        led.into_iter().filter(is_due).map(|status| status.region.id).collect()
    }

    /// A region is being reported.
    pub(super) fn note(&mut self, status: &RegionStatus) {
        self.regions.insert(status.region.id, in_brief(status));
    }

    /// The reports of these regions did not arrive.
    pub(super) fn take_back(&mut self, regions: &[RegionId]) {
        for region_id in regions {
            self.regions.remove(region_id);
        }
    }

    /// So many regions are known there to be led here. True: for several looks they have been fewer than there are, and it should hear of all
    /// at once. `led` counts them; it is asked only then.
    pub(super) fn known_there(&mut self, leads: Option<u64>, led: impl FnOnce() -> u64) -> bool {
        self.there = leads;
        let is_missed = leads.is_some_and(|there| there < self.led);
        self.looks_missed = if is_missed { self.looks_missed + 1 } else { 0 };
        if self.looks_missed < LOOKS_MISSED_MOST {
            return false;
        }
        self.looks_missed = 0;
        leads.is_some_and(|there| there < led())
    }

    /// The placement driver knows nothing any more.
    pub(super) fn forget(&mut self) {
        self.regions.clear();
        self.missed = 0;
    }
}

/// What a report says, with numbers of bytes and keys about as they are.
fn in_brief(status: &RegionStatus) -> u64 {
    let mut hasher = DefaultHasher::new();
    let region = &status.region;
    (region.epoch.version, region.epoch.conf_ver, status.peer.id, status.term).hash(&mut hasher);
    (about(status.approximate_size), about(status.approximate_keys)).hash(&mut hasher);
    for peers in [&status.pending_peers, &status.down_peers] {
        peers.len().hash(&mut hasher);
        peers.iter().for_each(|peer| peer.id.hash(&mut hasher));
    }
    status.unsplittable.hash(&mut hasher);
    hasher.finish()
}

/// A number with its three highest bits, the others zero: it changes when the number does by an eighth or more.
fn about(number: u64) -> u64 {
    let dropped = (u64::BITS - number.leading_zeros()).saturating_sub(3);
    number >> dropped << dropped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::{LogIndex, PeerId, StoreId, Term};
    use crate::storage::raft::Role;
    use crate::storage::region::{Peer, Region};

    fn led(id: u64, size: u64) -> RegionStatus {
        let peer = Peer { id: PeerId(id), store_id: StoreId(1), ..Peer::default() };
        RegionStatus {
            region: Region { id: RegionId(id), peers: vec![peer], ..Region::default() },
            peer,
            role: Role::Leader,
            leader: Some(peer.id),
            term: Term(6),
            applied: LogIndex(9),
            approximate_size: size,
            approximate_keys: 0,
            pending_peers: Vec::new(),
            down_peers: Vec::new(),
            unsplittable: false,
            merging_into: None,
            outlived: false,
        }
    }

    #[test]
    fn what_is_as_it_was_is_seldom_reported() {
        let mut reported = Reported::default();
        let mut regions: Vec<RegionStatus> = (1..=120).map(|id| led(id, 1000)).collect();
        assert_eq!(reported.due(regions.iter()).len(), 120);
        regions.iter().for_each(|status| reported.note(status));
        let mut seen = HashSet::new();
        for _ in 0..ROUNDS {
            let due = reported.due(regions.iter());
            assert!(due.len() <= 2, "{due:?}");
            seen.extend(due);
        }
        assert_eq!(seen.len(), 120, "each of them once");
        regions[6].approximate_size += 10;
        regions[7].approximate_size *= 2;
        regions[8].term = Term(7);
        let due = reported.due(regions.iter());
        assert!(
            due.contains(&RegionId(8)) && due.contains(&RegionId(9)) && due.len() <= 4,
            "{due:?}"
        );
        reported.take_back(&[RegionId(30)]);
        assert!(reported.due(regions.iter()).contains(&RegionId(30)), "it did not arrive");
    }

    #[test]
    fn a_placement_driver_that_misses_regions_hears_of_all() {
        let mut reported = Reported::default();
        let regions: Vec<RegionStatus> = (1..=20).map(|id| led(id, 1000)).collect();
        regions.iter().for_each(|status| reported.note(status));
        let mut due_when_known = |leads| {
            assert!(!reported.known_there(leads, || 20));
            reported.due(regions.iter()).len()
        };
        assert!(due_when_known(Some(19)) <= 1, "one may be on its way");
        assert!(due_when_known(Some(20)) <= 1);
        assert!(due_when_known(Some(19)) <= 1);
        assert_eq!(due_when_known(Some(19)), 20);
        reported.forget();
        assert_eq!(reported.due(regions.iter()).len(), 20);
    }

    #[test]
    fn one_that_misses_some_for_several_looks_hears_of_all_before_the_next_heartbeat() {
        let mut reported = Reported::default();
        let regions: Vec<RegionStatus> = (1..=20).map(|id| led(id, 1000)).collect();
        reported.due(regions.iter());
        let mut look = |there, led| reported.known_there(Some(there), || led);
        assert_eq!([19, 19, 19, 20, 19, 19, 19].map(|there| look(there, 20)), [false; 7]);
        assert!(look(19, 20), "the fourth in a row");
        assert!(!look(19, 20), "counted anew");
        assert_eq!([19, 19, 19].map(|there| look(there, 19)), [false; 3], "one has moved away");
    }
}
