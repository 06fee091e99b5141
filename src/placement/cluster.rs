//! What the placement driver knows of the cluster: its stores and its regions.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::goals::Goals;
use super::region_tree::{Observed, RegionTree};
use crate::common::{RegionId, StoreId, Term};
use crate::storage::engine::DiskRoom;
use crate::storage::region::{Peer, Region};

/// A process of the cluster, as it has announced itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeMeta {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Where its bridge is reached.
    pub address: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its version.
    pub version: String,
    /// The services to be found there, as paths.
    pub services: Vec<String>,
    /// Tells one life of a node from the next.
    pub started_unix_ms: u64,
    /// How long it wants to be believed after it was heard of.
    pub lease_ms: u64,
}

/// Whether a store takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreState {
    /// It serves and may be given more.
    #[default]
    Up,
    /// It is to be emptied.
    Offline,
    /// It is empty and gone; its id is not used again.
    Tombstone,
}

/// How a store is, by what it takes part in and when it was last heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum StoreCondition {
    /// It serves and may be given more.
    Up,
    /// It was not heard of for a while, or has said goodbye: it is given nothing.
    Disconnected,
    /// It was not heard of for so long that its replicas are made anew elsewhere.
    Down,
    /// It is being emptied.
    Offline,
    /// It is gone.
    Tombstone,
}

/// What a store says of itself when it joins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreMeta {
    /// Its identity.
    pub id: StoreId,
    /// Where the bridge reaches its node.
    pub address: String,
    /// The version of its binary.
    pub version: String,
    /// Where it stands: zone, rack, host, whatever the operator names.
    pub labels: BTreeMap<String, String>,
    /// Whether it takes part.
    pub state: StoreState,
}

/// What a store reports of itself from time to time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreStats {
    /// Bytes its disk has.
    pub capacity: u64,
    /// Bytes its disk has left.
    pub available: u64,
    /// Bytes its data takes.
    pub used: u64,
    /// Replicas it holds.
    pub region_count: u64,
    /// Replicas it leads.
    pub leader_count: u64,
    /// Unix milliseconds at which its process started.
    pub started_unix_ms: u64,
    /// It has more to do than it can: what it is given now would wait.
    pub busy: bool,
    /// It is about to stop, and hands over what it leads.
    pub stopping: bool,
    /// How much room its disk has left. One without enough is given nothing, and to lead nothing.
    pub room: DiskRoom,
}

/// A store and what was last heard of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreInfo {
    /// What it is.
    pub meta: StoreMeta,
    /// What it last reported.
    pub stats: StoreStats,
    /// Unix milliseconds of its last report, on PD's clock; zero: none since PD's leader started.
    pub heard_unix_ms: u64,
}

/// What the leader of a region reports of it: after every change of its descriptor or leadership, and from time to time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RegionReport {
    /// The region as its leader has applied it.
    pub region: Region,
    /// The reporting leader.
    pub leader: Peer,
    /// The term it leads in.
    pub term: Term,
    /// About how many bytes it holds.
    pub approximate_size: u64,
    /// About how many keys it holds.
    pub approximate_keys: u64,
    /// Replicas that lag too far to count.
    pub pending_peers: Vec<Peer>,
    /// Replicas not heard of for a long time.
    pub down_peers: Vec<Peer>,
    /// It was to be split in its middle, and there is no place to.
    pub unsplittable: bool,
}

/// What the smallest region counts for, so that empty ones are spread too.
const SCORE_MIN: u64 = 1 << 20;

impl RegionReport {
    /// What one of its replicas counts for when stores are compared.
    pub fn score(&self) -> u64 {
        self.approximate_size.max(SCORE_MIN)
    }
}

/// Counts of one store that schedulers compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreLoad {
    /// Regions it leads.
    pub leaders: u64,
    /// Replicas it holds.
    pub replicas: u64,
    /// Bytes of the replicas it holds.
    pub bytes: u64,
    /// The same, with what is very small counted as a little more.
    pub score: u64,
    /// Bytes of the regions it leads.
    pub leader_bytes: u64,
}

/// The cluster as its heartbeats describe it. Everything here but the stores' identities can be forgotten and
/// is heard again from the stores.
#[derive(Clone, Debug, Default)]
pub struct ClusterMap {
    stores: BTreeMap<StoreId, StoreInfo>,
    regions: RegionTree,
    loads: BTreeMap<StoreId, StoreLoad>,
    /// Since when each region has had its range, and the version of it. Only looked up, never iterated.
    ranges: HashMap<RegionId, (u64, u64)>,
    /// When this map began to listen.
    since_unix_ms: u64,
    now_unix_ms: u64,
}

impl ClusterMap {
    /// The map of a leader that begins to listen now: stores count as heard of then, until they report.
    pub fn since(now_unix_ms: u64) -> ClusterMap {
        ClusterMap { since_unix_ms: now_unix_ms, now_unix_ms, ..ClusterMap::default() }
    }

    /// It is later now. Never earlier: a clock that steps back stands still here.
    pub fn set_now(&mut self, now_unix_ms: u64) {
        self.now_unix_ms = self.now_unix_ms.max(now_unix_ms);
    }

    /// The time by which stores are judged, in Unix milliseconds.
    pub fn now_unix_ms(&self) -> u64 {
        self.now_unix_ms
    }

    /// Since when a region has had its range, as far as this map knows, in Unix milliseconds.
    pub fn range_since(&self, region: RegionId) -> u64 {
        self.ranges.get(&region).map_or(self.now_unix_ms, |(_, since)| *since)
    }

    /// How a store is now.
    pub fn condition(&self, store: &StoreInfo, goals: &Goals) -> StoreCondition {
        let heard = store.heard_unix_ms.max(self.since_unix_ms);
        let silent_ms = self.now_unix_ms.saturating_sub(heard);
        let is_away = store.stats.stopping || silent_ms >= goals.disconnected_after_ms;
        match store.meta.state {
            StoreState::Tombstone => StoreCondition::Tombstone,
            _ if silent_ms >= goals.down_after_ms => StoreCondition::Down,
            StoreState::Offline => StoreCondition::Offline,
            StoreState::Up if is_away => StoreCondition::Disconnected,
            StoreState::Up => StoreCondition::Up,
        }
    }

    /// Whether a store may be given something: a replica, or a leader. One that this map has not heard of yet, as its
    /// leader has just begun to listen, may be away.
    pub fn is_ready(&self, store: &StoreInfo, goals: &Goals) -> bool {
        self.condition(store, goals) == StoreCondition::Up
            && store.heard_unix_ms > 0
            && store.stats.room == DiskRoom::Enough
            && !store.stats.busy
    }

    /// Whether a store's disk has enough room, as far as is known.
    pub fn has_room(&self, id: StoreId) -> bool {
        self.store(id).is_none_or(|store| store.stats.room == DiskRoom::Enough)
    }

    /// Whether a store has said that it stops.
    pub fn is_stopping(&self, id: StoreId) -> bool {
        self.store(id).is_some_and(|store| store.stats.stopping)
    }

    /// Adds a store, or changes what is known of its address, version and labels.
    pub fn put_store(&mut self, meta: StoreMeta) {
        let store = self.stores.entry(meta.id).or_default();
        store.meta = meta;
    }

    /// Takes a store's report in; answers whether the store is known.
    pub fn observe_store(&mut self, id: StoreId, stats: StoreStats, now_unix_ms: u64) -> bool {
        self.set_now(now_unix_ms);
        let Some(store) = self.stores.get_mut(&id) else { return false };
        store.stats = stats;
        store.heard_unix_ms = now_unix_ms;
        true
    }

    /// Takes a region's report in, unless it is older than what is known.
    pub fn observe_region(&mut self, report: RegionReport) -> Observed {
        let added = report.clone();
        let observed = self.regions.observe(report);
        if let Observed::Changed { replaced } | Observed::Refreshed { replaced } = &observed {
            for old in replaced {
                self.count(old, u64::wrapping_sub);
                if old.region.id != added.region.id {
                    self.ranges.remove(&old.region.id);
                }
            }
            let version = added.region.epoch.version;
            let range = self.ranges.entry(added.region.id).or_insert((version, self.now_unix_ms));
            if range.0 != version {
                *range = (version, self.now_unix_ms);
            }
            self.count(&added, u64::wrapping_add);
        }
        observed
    }

    /// Keeps the per-store counts in step with the region tree, so that no scheduler has to walk it.
    fn count(&mut self, report: &RegionReport, change: fn(u64, u64) -> u64) {
        for peer in &report.region.peers {
            let load = self.loads.entry(peer.store_id).or_default();
            load.replicas = change(load.replicas, 1);
            load.bytes = change(load.bytes, report.approximate_size);
            load.score = change(load.score, report.score());
            if peer.id == report.leader.id {
                load.leaders = change(load.leaders, 1);
                load.leader_bytes = change(load.leader_bytes, report.approximate_size);
            }
        }
    }

    /// The regions.
    pub fn regions(&self) -> &RegionTree {
        &self.regions
    }

    /// The stores, by id, tombstones included.
    pub fn stores(&self) -> impl Iterator<Item = &StoreInfo> {
        self.stores.values()
    }

    /// The stores that serve, by id.
    pub fn up_stores(&self) -> impl Iterator<Item = &StoreInfo> {
        self.stores.values().filter(|store| store.meta.state == StoreState::Up)
    }

    /// A store.
    pub fn store(&self, id: StoreId) -> Option<&StoreInfo> {
        self.stores.get(&id)
    }

    /// What a store carries.
    pub fn load(&self, id: StoreId) -> StoreLoad {
        self.loads.get(&id).copied().unwrap_or_default()
    }
}
