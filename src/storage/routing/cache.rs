//! The regions a client has met.
//!
//! The cache may be wrong: regions split, merge and change leaders. A wrong entry costs a region error and a look-up, never a
//! wrong answer, as every request carries the epoch it was routed by and the region refuses another one.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::route::RegionRoute;
use crate::common::RegionId;
use crate::storage::api::RegionEpoch;
use crate::storage::region::Peer;

/// Routes that do not overlap, by encoded key.
#[derive(Clone, Debug, Default)]
pub struct RegionCache {
    by_start: BTreeMap<Bytes, Arc<RegionRoute>>,
    /// Only looked up, never iterated: its order reaches no decision.
    starts: HashMap<RegionId, Bytes>,
}

impl RegionCache {
    /// The route of the region an encoded key is in.
    pub fn locate(&self, key: &[u8]) -> Option<Arc<RegionRoute>> {
        let not_above = (Bound::Unbounded, Bound::Included(key));
        let (_, route) = self.by_start.range::<[u8], _>(not_above).next_back()?;
        route.region.contains(key).then(|| Arc::clone(route))
    }

    /// The route of the region that holds the keys just below an encoded key (empty: the last region).
    pub fn locate_before(&self, key: &[u8]) -> Option<Arc<RegionRoute>> {
        let below = if key.is_empty() { Bound::Unbounded } else { Bound::Excluded(key) };
        let (_, route) = self.by_start.range::<[u8], _>((Bound::Unbounded, below)).next_back()?;
        let end = &route.region.end_key;
        let reaches = end.is_empty() || (!key.is_empty() && &end[..] >= key);
        reaches.then(|| Arc::clone(route))
    }

    /// A region's route.
    pub fn get(&self, id: RegionId) -> Option<&Arc<RegionRoute>> {
        self.by_start.get(self.starts.get(&id)?)
    }

    /// Adds a route, in the place of those it overlaps. A route older than what is known of the same region, or of a
    /// region it overlaps, is left out: it was asked for before a newer one was learnt. Answers whether it went in.
    pub fn insert(&mut self, route: RegionRoute) -> bool {
        let known = self.get(route.region.id).map(|known| known.region.epoch);
        if known.is_some_and(|known| is_older(route.region.epoch, known)) {
            return false;
        }
        let overlapping = self.overlapping(&route);
        let version = route.region.epoch.version;
        if overlapping.iter().any(|start| {
            let other = &self.by_start[start].region;
            other.id != route.region.id && other.epoch.version > version
        }) {
            return false;
        }
        for start in overlapping.into_iter().chain(self.starts.get(&route.region.id).cloned()) {
            if let Some(old) = self.by_start.remove(&start) {
                self.starts.remove(&old.region.id);
            }
        }
        self.starts.insert(route.region.id, route.region.start_key.clone());
        self.by_start.insert(route.region.start_key.clone(), Arc::new(route));
        true
    }

    fn overlapping(&self, route: &RegionRoute) -> Vec<Bytes> {
        let not_above = (Bound::Unbounded, Bound::Included(&route.region.start_key[..]));
        let from = self
            .by_start
            .range::<[u8], _>(not_above)
            .next_back()
            .map_or_else(Bytes::new, |(start, _)| start.clone());
        let end = &route.region.end_key;
        self.by_start
            .range(from..)
            .take_while(|(start, _)| end.is_empty() || *start < end)
            .filter(|(_, other)| other.region.overlaps(&route.region))
            .map(|(start, _)| start.clone())
            .collect()
    }

    /// Forgets a region if it is still the one that was found wrong; a newer entry stays.
    pub fn invalidate(&mut self, id: RegionId, epoch: RegionEpoch) {
        let Some(start) = self.starts.get(&id) else { return };
        if self.by_start.get(start).is_some_and(|route| route.region.epoch == epoch) {
            self.by_start.remove(start);
            self.starts.remove(&id);
        }
    }

    /// Learns who leads a region; a peer the route does not know makes it forget the region.
    pub fn set_leader(&mut self, id: RegionId, leader: Peer) {
        let Some(start) = self.starts.get(&id) else { return };
        let Some(route) = self.by_start.get_mut(start) else { return };
        if route.region.peers.iter().any(|peer| peer.id == leader.id) {
            Arc::make_mut(route).leader = Some(leader);
        } else {
            let epoch = route.region.epoch;
            self.invalidate(id, epoch);
        }
    }

    /// How many regions are known.
    pub fn len(&self) -> usize {
        self.by_start.len()
    }

    /// Whether no region is known.
    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }
}

fn is_older(new: RegionEpoch, known: RegionEpoch) -> bool {
    new.version < known.version || new.conf_ver < known.conf_ver
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::common::PeerId;
    use crate::storage::region::Region;

    fn route(id: u64, start: u8, end: u8, version: u64) -> RegionRoute {
        let key = |byte: u8| if byte == 0 { Bytes::new() } else { Bytes::from(vec![byte]) };
        RegionRoute {
            region: Region {
                id: RegionId(id),
                start_key: key(start),
                end_key: key(end),
                epoch: RegionEpoch { conf_ver: 1, version },
                peers: vec![Peer { id: PeerId(id * 10), ..Peer::default() }],
            },
            leader: None,
        }
    }

    #[test]
    fn a_route_asked_for_before_a_split_does_not_undo_it() {
        let mut cache = RegionCache::default();
        assert!(cache.insert(route(1, 0, 9, 2)));
        assert!(cache.insert(route(2, 9, 0, 2)));
        assert!(!cache.insert(route(1, 0, 0, 1)));
        assert!(!cache.insert(route(3, 8, 0, 1)));
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn invalidation_spares_what_was_learnt_since() {
        let mut cache = RegionCache::default();
        let old = route(1, 0, 0, 1);
        cache.insert(old.clone());
        cache.insert(route(1, 0, 0, 2));
        cache.invalidate(RegionId(1), old.region.epoch);
        assert_eq!(cache.len(), 1);
        cache.invalidate(RegionId(1), RegionEpoch { conf_ver: 1, version: 2 });
        assert!(cache.is_empty());
    }

    #[test]
    fn learns_leaders() {
        let mut cache = RegionCache::default();
        cache.insert(route(1, 0, 0, 1));
        let peer = Peer { id: PeerId(10), ..Peer::default() };
        cache.set_leader(RegionId(1), peer);
        assert_eq!(cache.locate(&[3]).unwrap().leader, Some(peer));
        cache.set_leader(RegionId(1), Peer { id: PeerId(99), ..Peer::default() });
        assert!(cache.is_empty(), "a leader that was not among the peers shows the route is old");
    }

    proptest! {
        /// Against a list of routes that is searched from end to end.
        #[test]
        fn agrees_with_a_list(routes in proptest::collection::vec(
            (1u64..6, 0u8..10, 0u8..10, 1u64..5, any::<bool>()), 1..40)
        ) {
            let mut cache = RegionCache::default();
            let mut list: Vec<RegionRoute> = Vec::new();
            for (id, start, end, version, forget) in routes {
                if end != 0 && end <= start {
                    continue;
                }
                let new = route(id, start, end, version);
                if forget {
                    cache.invalidate(new.region.id, new.region.epoch);
                    list.retain(|old| {
                        old.region.id != new.region.id || old.region.epoch != new.region.epoch
                    });
                    continue;
                }
                let stale = list.iter().any(|old| {
                    let same = old.region.id == new.region.id;
                    (same || old.region.overlaps(&new.region))
                        && old.region.epoch.version > new.region.epoch.version
                });
                prop_assert_eq!(cache.insert(new.clone()), !stale);
                if !stale {
                    list.retain(|old| {
                        old.region.id != new.region.id && !old.region.overlaps(&new.region)
                    });
                    list.push(new);
                }
                prop_assert_eq!(cache.len(), list.len());
                for key in 0..12u8 {
                    let found = list.iter().find(|old| old.region.contains(&[key]));
                    prop_assert_eq!(cache.locate(&[key]).as_deref().cloned(), found.cloned());
                    let before = list.iter().find(|old| {
                        old.region.start_key[..] < [key][..]
                            && (old.region.end_key.is_empty() || old.region.end_key[..] >= [key][..])
                    });
                    prop_assert_eq!(cache.locate_before(&[key]).as_deref().cloned(), before.cloned());
                }
                let last = list.iter().find(|old| old.region.end_key.is_empty());
                prop_assert_eq!(cache.locate_before(&[]).as_deref().cloned(), last.cloned());
            }
        }
    }
}
