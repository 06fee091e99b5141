//! The placement driver's durable state: a deterministic machine over commands.
//!
//! Everything that must survive a restart or a change of leader goes through a [`Command`]; the answer and the records
//! to write follow from the state and the command alone. Clocks are read by whoever proposes the command. What
//! heartbeats say of regions and stores is not here: it is heard again within seconds, and would only be stale.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::cluster::{NodeMeta, StoreMeta, StoreState};
use crate::common::{StoreId, Timestamp};
use crate::storage::region::Region;

/// The first id handed out; 0 means "none" everywhere.
const FIRST_ID: u64 = 1;

/// A change of the durable state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Starts the cluster. Answer: `Flag`, `false` when it was started before.
    Bootstrap {
        /// The first store.
        store: StoreMeta,
        /// The first region, which holds all keys.
        region: Region,
    },
    /// Adds a store or changes what is known of it. Answer: `Done`, or `Refused` if it is a tombstone.
    PutStore(StoreMeta),
    /// Takes ids. Answer: `Ids`.
    AllocIds {
        /// How many.
        count: u64,
    },
    /// Moves the oracle's bound forward. Answer: `Done`.
    SaveTsoBound {
        /// Unix milliseconds.
        bound_ms: u64,
    },
    /// Moves the safe point of garbage collection forward, not past any hold. Answer: `SafePoint`.
    AdvanceGcSafePoint {
        /// As far as this.
        to: Timestamp,
        /// The proposer's clock.
        now_ms: u64,
    },
    /// Sets or lifts (`ttl_ms` 0) a service's hold on the safe point. Answer: `SafePoint`, the lowest hold.
    HoldGcSafePoint {
        /// Who holds.
        service: String,
        /// At which timestamp.
        at: Timestamp,
        /// How long.
        ttl_ms: u64,
        /// The proposer's clock.
        now_ms: u64,
    },
    /// Takes or renews a lease. Answer: `Lease`, whoever holds it now.
    Campaign {
        /// Of what.
        name: String,
        /// For whom.
        candidate: String,
        /// How long.
        ttl_ms: u64,
        /// The proposer's clock.
        now_ms: u64,
    },
    /// Gives a lease up, if the candidate holds it. Answer: `Done`.
    Resign {
        /// Of what.
        name: String,
        /// Who.
        candidate: String,
    },
    /// Names the cluster, once. Answer: `Flag`, `false` when it has a name.
    NameCluster {
        /// Not zero.
        cluster_id: u64,
    },
    /// Says whether a store takes part. Answer: `Done`, or `Refused`.
    SetStoreState {
        /// Which store.
        id: StoreId,
        /// Whether it takes part. There is no way back from a tombstone.
        state: StoreState,
    },
    /// Says whether a store is to lead nothing. Answer: `Done`, or `Refused` if it is not known.
    SetEvicting {
        /// Which store.
        id: StoreId,
        /// Whether.
        evicting: bool,
    },
    /// Stops a scheduler or lets it go on. Answer: `Done`.
    SetPaused {
        /// Its name.
        scheduler: String,
        /// Whether it is stopped.
        paused: bool,
    },
    /// Changes a setting. Answer: `Done`.
    PutSetting {
        /// Its name.
        name: String,
        /// Its value.
        value: u64,
    },
    /// Takes a node into the list, or changes what is known of it. Answer: `Done`.
    PutNode(NodeMeta),
    /// Takes a node off the list, unless another life of it has been put there since. Answer: `Done`.
    RemoveNode {
        /// Its name.
        name: String,
        /// Which life of it.
        started_unix_ms: u64,
    },
}

/// The answer to a [`Command`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Done,
    /// Yes or no.
    Flag(bool),
    /// Ids, never handed out before.
    Ids(Range<u64>),
    /// A safe point.
    SafePoint(Timestamp),
    /// A lease.
    Lease(Lease),
    /// It was refused, with the reason; nothing changed.
    Refused(String),
}

/// Who holds a name in the cluster (the owner of schema changes, for one), and how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The holder, as it named itself.
    pub holder: String,
    /// Unix milliseconds on PD's clock at which it ends unless renewed.
    pub expires_unix_ms: u64,
}

/// A service's hold on the safe point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcHold {
    /// Versions visible at this timestamp stay.
    pub at: Timestamp,
    /// Unix milliseconds on PD's clock at which it ends unless renewed.
    pub expires_unix_ms: u64,
}

/// A record of the state as it is kept on disk: a name and its value, `None` when it is gone.
pub type Record = (String, Option<serde_json::Value>);

/// The durable state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PdState {
    bootstrapped: bool,
    next_id: u64,
    tso_bound_ms: u64,
    gc_safe_point: Timestamp,
    stores: BTreeMap<StoreId, StoreMeta>,
    gc_holds: BTreeMap<String, GcHold>,
    leases: BTreeMap<String, Lease>,
    cluster_id: u64,
    evicting: BTreeMap<StoreId, bool>,
    paused: BTreeMap<String, bool>,
    settings: BTreeMap<String, u64>,
    nodes: BTreeMap<String, NodeMeta>,
}

impl Default for PdState {
    fn default() -> PdState {
        PdState {
            bootstrapped: false,
            next_id: FIRST_ID,
            tso_bound_ms: 0,
            gc_safe_point: Timestamp::ZERO,
            stores: BTreeMap::new(),
            gc_holds: BTreeMap::new(),
            leases: BTreeMap::new(),
            cluster_id: 0,
            evicting: BTreeMap::new(),
            paused: BTreeMap::new(),
            settings: BTreeMap::new(),
            nodes: BTreeMap::new(),
        }
    }
}

impl PdState {
    /// Applies a command; answers it and the records that changed.
    pub fn apply(&mut self, command: Command) -> (Reply, Vec<Record>) {
        let (id, bound, point) = (self.next_id, self.tso_bound_ms, self.gc_safe_point);
        let applied = self.carry_out(command);
        assert!(id <= self.next_id && bound <= self.tso_bound_ms, "ids and times only grow");
        assert!(point <= self.gc_safe_point, "what may be read is never less than was said");
        applied
    }

    fn carry_out(&mut self, command: Command) -> (Reply, Vec<Record>) {
        match command {
            Command::Bootstrap { store, region } => self.bootstrap(store, &region),
            Command::PutStore(store) => self.put_store(store),
            Command::AllocIds { count } => {
                let first = self.next_id;
                let Some(end) = first.checked_add(count) else {
                    return (refused("there are not as many ids"), Vec::new());
                };
                self.next_id = end;
                (Reply::Ids(first..end), vec![record("next_id", &end)])
            }
            Command::SaveTsoBound { bound_ms } => {
                self.tso_bound_ms = self.tso_bound_ms.max(bound_ms);
                (Reply::Done, vec![record("tso_bound_ms", &self.tso_bound_ms)])
            }
            Command::AdvanceGcSafePoint { to, now_ms } => {
                let lowest = self.lowest_hold(now_ms).unwrap_or(Timestamp::MAX);
                self.gc_safe_point = self.gc_safe_point.max(to.min(lowest));
                let records = vec![record("gc_safe_point", &self.gc_safe_point)];
                (Reply::SafePoint(self.gc_safe_point), records)
            }
            Command::HoldGcSafePoint { service, at, ttl_ms, now_ms } => {
                self.hold(service, at, ttl_ms, now_ms)
            }
            Command::Campaign { name, candidate, ttl_ms, now_ms } => {
                self.campaign(name, candidate, ttl_ms, now_ms)
            }
            Command::Resign { name, candidate } => {
                if self.leases.get(&name).is_none_or(|lease| lease.holder != candidate) {
                    return (Reply::Done, Vec::new());
                }
                self.leases.remove(&name);
                (Reply::Done, vec![(format!("leases/{name}"), None)])
            }
            Command::NameCluster { cluster_id } => {
                if self.cluster_id != 0 {
                    return (Reply::Flag(false), Vec::new());
                }
                self.cluster_id = cluster_id;
                (Reply::Flag(true), vec![record("cluster_id", &cluster_id)])
            }
            Command::SetStoreState { id, state } => self.set_store_state(id, state),
            Command::SetEvicting { id, evicting } => {
                if !self.stores.contains_key(&id) {
                    return (Reply::Refused(format!("there is no store {id}")), Vec::new());
                }
                let name = format!("evicting/{id}");
                (Reply::Done, vec![switch(&mut self.evicting, id, evicting, name)])
            }
            Command::SetPaused { scheduler, paused } => {
                let name = format!("paused/{scheduler}");
                (Reply::Done, vec![switch(&mut self.paused, scheduler, paused, name)])
            }
            Command::PutSetting { name, value } => {
                let records = vec![record(&format!("settings/{name}"), &value)];
                self.settings.insert(name, value);
                (Reply::Done, records)
            }
            Command::PutNode(node) => {
                let records = vec![record(&format!("nodes/{}", node.name), &node)];
                self.nodes.insert(node.name.clone(), node);
                (Reply::Done, records)
            }
            Command::RemoveNode { name, started_unix_ms } => {
                self.remove_node(&name, started_unix_ms)
            }
        }
    }

    fn remove_node(&mut self, name: &str, started_unix_ms: u64) -> (Reply, Vec<Record>) {
        let known = self.nodes.get(name);
        if known.is_none_or(|node| node.started_unix_ms != started_unix_ms) {
            return (Reply::Done, Vec::new());
        }
        self.nodes.remove(name);
        (Reply::Done, vec![(format!("nodes/{name}"), None)])
    }

    fn set_store_state(&mut self, id: StoreId, state: StoreState) -> (Reply, Vec<Record>) {
        let Some(store) = self.stores.get_mut(&id) else {
            return (Reply::Refused(format!("there is no store {id}")), Vec::new());
        };
        match (store.state, state) {
            (StoreState::Tombstone, _) => {
                return (Reply::Refused(format!("store {id} is a tombstone")), Vec::new());
            }
            (StoreState::Up, StoreState::Tombstone) => {
                let reason = format!("store {id} serves: it is emptied before it goes");
                return (Reply::Refused(reason), Vec::new());
            }
            _ => store.state = state,
        }
        let mut records = vec![record(&format!("stores/{id}"), store)];
        if state == StoreState::Tombstone {
            records.push(switch(&mut self.evicting, id, false, format!("evicting/{id}")));
        }
        (Reply::Done, records)
    }

    fn bootstrap(&mut self, store: StoreMeta, region: &Region) -> (Reply, Vec<Record>) {
        if self.bootstrapped {
            return (Reply::Flag(false), Vec::new());
        }
        if !region.start_key.is_empty() || !region.end_key.is_empty() || region.peers.is_empty() {
            return (refused("the first region holds all keys and has a replica"), Vec::new());
        }
        self.bootstrapped = true;
        // Whoever bootstraps without asking for ids must not see them handed out a second time.
        let used = region.peers.iter().map(|peer| peer.id.0).chain([region.id.0, store.id.0]);
        self.next_id = used.max().map_or(self.next_id, |used| self.next_id.max(used + 1));
        let (_, mut records) = self.put_store(store);
        records.push(record("bootstrapped", &true));
        records.push(record("next_id", &self.next_id));
        (Reply::Flag(true), records)
    }

    fn put_store(&mut self, store: StoreMeta) -> (Reply, Vec<Record>) {
        let known = self.stores.get(&store.id).map(|known| known.state);
        if known == Some(StoreState::Tombstone) {
            return (refused("the store is a tombstone"), Vec::new());
        }
        // A store that starts again while it is being emptied does not know of that.
        let store = StoreMeta { state: known.unwrap_or(store.state), ..store };
        let records = vec![record(&format!("stores/{}", store.id), &store)];
        self.stores.insert(store.id, store);
        (Reply::Done, records)
    }

    fn hold(
        &mut self,
        service: String,
        at: Timestamp,
        ttl_ms: u64,
        now_ms: u64,
    ) -> (Reply, Vec<Record>) {
        let name = format!("gc_holds/{service}");
        if ttl_ms == 0 {
            self.gc_holds.remove(&service);
            return (self.hold_reply(now_ms), vec![(name, None)]);
        }
        if at < self.gc_safe_point {
            let reason = format!("the safe point is at {} already", self.gc_safe_point);
            return (Reply::Refused(reason), Vec::new());
        }
        let hold = GcHold { at, expires_unix_ms: now_ms + ttl_ms };
        let records = vec![record(&name, &hold)];
        self.gc_holds.insert(service, hold);
        (self.hold_reply(now_ms), records)
    }

    fn hold_reply(&self, now_ms: u64) -> Reply {
        Reply::SafePoint(self.lowest_hold(now_ms).unwrap_or(Timestamp::MAX))
    }

    fn lowest_hold(&self, now_ms: u64) -> Option<Timestamp> {
        let alive = self.gc_holds.values().filter(|hold| hold.expires_unix_ms > now_ms);
        alive.map(|hold| hold.at).min()
    }

    fn campaign(
        &mut self,
        name: String,
        candidate: String,
        ttl_ms: u64,
        now_ms: u64,
    ) -> (Reply, Vec<Record>) {
        if let Some(lease) = self.leases.get(&name)
            && lease.holder != candidate
            && lease.expires_unix_ms > now_ms
        {
            return (Reply::Lease(lease.clone()), Vec::new());
        }
        let lease = Lease { holder: candidate, expires_unix_ms: now_ms + ttl_ms };
        let records = vec![record(&format!("leases/{name}"), &lease)];
        self.leases.insert(name, lease.clone());
        (Reply::Lease(lease), records)
    }

    /// Rebuilds a state from its records.
    pub fn from_records(
        records: impl IntoIterator<Item = (String, serde_json::Value)>,
    ) -> Result<PdState, serde_json::Error> {
        let mut fields = match serde_json::to_value(PdState::default())? {
            serde_json::Value::Object(fields) => fields,
            _ => unreachable!("a struct with named fields is an object"),
        };
        for (name, value) in records {
            match name.split_once('/') {
                None => drop(fields.insert(name, value)),
                Some((map, key)) => {
                    if let Some(serde_json::Value::Object(map)) = fields.get_mut(map) {
                        map.insert(key.to_string(), value);
                    }
                }
            }
        }
        serde_json::from_value(serde_json::Value::Object(fields))
    }

    /// The records of the whole state.
    pub fn records(&self) -> Vec<Record> {
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self) else {
            unreachable!("a struct with named fields and string keys is an object")
        };
        let mut records = Vec::new();
        for (name, value) in fields {
            match value {
                serde_json::Value::Object(map) if name != "gc_safe_point" => {
                    let entries = map.into_iter();
                    records
                        .extend(entries.map(|(key, value)| (format!("{name}/{key}"), Some(value))));
                }
                value => records.push((name, Some(value))),
            }
        }
        records
    }

    /// Whether the cluster was started.
    pub fn is_bootstrapped(&self) -> bool {
        self.bootstrapped
    }

    /// The oracle's durable bound in Unix milliseconds.
    pub fn tso_bound_ms(&self) -> u64 {
        self.tso_bound_ms
    }

    /// The safe point of garbage collection.
    pub fn gc_safe_point(&self) -> Timestamp {
        self.gc_safe_point
    }

    /// The stores, by id.
    pub fn stores(&self) -> impl Iterator<Item = &StoreMeta> {
        self.stores.values()
    }

    /// The cluster's identity; zero: it has none yet.
    pub fn cluster_id(&self) -> u64 {
        self.cluster_id
    }

    /// The nodes that are there or were until a moment ago, by name.
    pub fn nodes(&self) -> &BTreeMap<String, NodeMeta> {
        &self.nodes
    }

    /// The stores that are to lead nothing.
    pub fn evicting(&self) -> impl Iterator<Item = StoreId> {
        self.evicting.keys().copied()
    }

    /// The schedulers that are stopped.
    pub fn paused(&self) -> impl Iterator<Item = &str> {
        self.paused.keys().map(String::as_str)
    }

    /// The settings that were changed.
    pub fn settings(&self) -> &BTreeMap<String, u64> {
        &self.settings
    }

    /// The leases, by name, expired ones included.
    pub fn leases(&self) -> &BTreeMap<String, Lease> {
        &self.leases
    }
}

/// Puts a key into a set or takes it out; answers the record that says so.
fn switch<K: Ord>(set: &mut BTreeMap<K, bool>, key: K, on: bool, name: String) -> Record {
    if on {
        set.insert(key, true);
        record(&name, &true)
    } else {
        set.remove(&key);
        (name, None)
    }
}

fn refused(reason: &str) -> Reply {
    Reply::Refused(reason.to_string())
}

fn record(name: &str, value: &impl Serialize) -> Record {
    let value =
        serde_json::to_value(value).expect("the state's fields are plain data with string keys");
    (name.to_string(), Some(value))
}

#[cfg(test)]
mod tests;
