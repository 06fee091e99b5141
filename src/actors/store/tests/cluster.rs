//! Several stores in one thread, with paused time, over a network that can lose, delay and cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

use super::harness::*;
use super::quiet_pd::QuietPd;
use crate::actors::pd::{LocalPd, PdClient};
use crate::actors::runtime::{Address, System};
use crate::actors::store::deadlock::ShareWaits;
use crate::actors::store::{
    ChunkRefused, CommandReply, KvCommand, OpenError, OpenStore, RaftEnvelope, RegionStatus,
    SnapshotChunk, StoreNode, StoreOptions, Transport, open_store, wire,
};
use crate::common::{PeerId, RegionId, StoreId, Timestamp};
use crate::placement::Goals;
use crate::storage::codec::mvcc::encode_key;
use crate::storage::engine::{DiskRoom, Engine, MemoryEngine};
use crate::storage::raft::RaftOptions;
use crate::storage::region::membership::PeerChange;
use crate::storage::region::{Peer, PeerRole, Region};
use crate::storage::txn::{KvRequest, KvResponse, RegionError, RequestError};

/// The wires between stores.
#[derive(Default)]
pub(super) struct Network {
    state: Mutex<Wires>,
}

struct Wires {
    stores: BTreeMap<StoreId, StoreNode>,
    /// From whom to whom nothing gets through.
    cut: BTreeSet<(StoreId, StoreId)>,
    /// Messages of a thousand that are lost.
    lost: u64,
    /// The longest delay.
    delay_ms: u64,
    /// Messages of groups so far.
    sent: u64,
    rng: ChaCha8Rng,
}

impl Default for Wires {
    fn default() -> Wires {
        Wires {
            stores: BTreeMap::new(),
            cut: BTreeSet::new(),
            lost: 0,
            delay_ms: 0,
            sent: 0,
            rng: ChaCha8Rng::seed_from_u64(0),
        }
    }
}

impl Network {
    /// Loses so many of a thousand messages, and delays them by up to so much.
    pub(super) fn disturb(&self, lost: u64, delay_ms: u64) {
        let mut wires = self.state.lock();
        wires.lost = lost;
        wires.delay_ms = delay_ms;
    }

    /// How many messages groups have sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.state.lock().sent
    }

    /// Draws its faults from this seed.
    pub(super) fn seed(&self, seed: u64) {
        self.state.lock().rng = ChaCha8Rng::seed_from_u64(seed);
    }

    /// Cuts a store off from all others.
    pub(super) fn isolate(&self, store: StoreId) {
        let mut wires = self.state.lock();
        let others: Vec<StoreId> = wires.stores.keys().copied().collect();
        for other in others {
            wires.cut.insert((store, other));
            wires.cut.insert((other, store));
        }
    }

    /// Everything gets through again.
    pub(super) fn heal(&self) {
        self.state.lock().cut.clear();
    }

    /// The stores that are up, by id.
    pub(super) fn stores(&self) -> Vec<StoreNode> {
        self.state.lock().stores.values().cloned().collect()
    }

    /// A store, if it is up.
    pub(super) fn store(&self, id: StoreId) -> Option<StoreNode> {
        self.state.lock().stores.get(&id).cloned()
    }

    /// The store to give something to, and after how long; `None`: it is lost.
    pub(super) fn route(&self, from: StoreId, to: StoreId) -> Option<(StoreNode, Duration)> {
        let mut wires = self.state.lock();
        if wires.cut.contains(&(from, to)) {
            return None;
        }
        if wires.lost > 0 && wires.rng.next_u64() % 1000 < wires.lost {
            return None;
        }
        let delay = if wires.delay_ms > 0 { wires.rng.next_u64() % wires.delay_ms } else { 0 };
        let store = wires.stores.get(&to)?.clone();
        Some((store, Duration::from_millis(delay)))
    }
}

/// One store's end.
struct Link {
    network: Arc<Network>,
    me: Arc<OnceLock<StoreId>>,
}

#[async_trait]
impl Transport for Link {
    fn send(&self, envelope: RaftEnvelope) {
        let (from, to) = (envelope.from.store_id, envelope.to.store_id);
        self.network.state.lock().sent += 1;
        let Some((store, delay)) = self.network.route(from, to) else { return };
        // As between processes.
        let envelope = wire::decode_envelope(wire::encode_envelope(&envelope)).unwrap();
        if delay.is_zero() {
            store.receive(envelope);
        } else {
            actix_rt::spawn(async move {
                tokio::time::sleep(delay).await;
                store.receive(envelope);
            });
        }
    }

    fn greet(&self, from: StoreId, to: StoreId, room: DiskRoom) {
        if let Some((store, _)) = self.network.route(from, to) {
            store.receive_greeting(from, room);
        }
    }

    async fn send_chunk(&self, chunk: SnapshotChunk) -> Result<(), ChunkRefused> {
        let from = *self.me.get().expect("snapshots come after the start");
        let Some((store, delay)) = self.network.route(from, chunk.to_store) else {
            return Err(ChunkRefused("lost".to_owned()));
        };
        tokio::time::sleep(delay).await;
        let chunk = wire::decode_chunk(wire::encode_chunk(&chunk)).unwrap();
        store.receive_chunk(chunk).await
    }

    fn deadlocks(&self, store_id: StoreId) -> Option<Address<ShareWaits>> {
        let me = *self.me.get()?;
        Some(super::deadlocks::way(&self.network, me, store_id))
    }
}

/// A store and its disks.
pub(super) struct Member {
    pub(super) id: StoreId,
    pub(super) kv: TestEngine,
    pub(super) raft: TestEngine,
    pub(super) store: StoreNode,
    pub(super) system: System,
    pub(super) aborts: Arc<Mutex<Vec<String>>>,
    dir: PathBuf,
}

/// Somebody who reads and writes.
#[derive(Clone)]
pub(super) struct User {
    pub(super) pd: Arc<LocalPd>,
    pub(super) network: Arc<Network>,
}

/// Stores and their placement driver.
pub(super) struct Cluster {
    user: User,
    pub(super) members: BTreeMap<StoreId, Member>,
    options: StoreOptions,
    directory: tempfile::TempDir,
    _pd_system: System,
    next_dir: usize,
    gives_orders: bool,
}

/// Settings for tests: small logs.
pub(super) fn small_logs() -> StoreOptions {
    StoreOptions {
        raft: RaftOptions { compact_entries: 10, lag_entries: 40, ..RaftOptions::default() },
        ..StoreOptions::default()
    }
}

impl Cluster {
    /// So many stores; the first region has a replica on each.
    pub(super) async fn start(stores: usize, options: StoreOptions) -> Cluster {
        let mut cluster = Cluster::alone(stores, options, None).await;
        let region = cluster.statuses()[0].region.id;
        let others: Vec<StoreId> = cluster.members.keys().copied().skip(1).collect();
        for store in others {
            cluster.add(region, store).await;
        }
        cluster.settle_for(1000).await;
        cluster
    }

    /// So many stores; the first region has one replica. Without goals the placement driver orders nothing.
    pub(super) async fn alone(
        stores: usize,
        options: StoreOptions,
        goals: Option<Goals>,
    ) -> Cluster {
        tokio::time::pause();
        let pd_system = System::for_test();
        let pd =
            LocalPd::start(&pd_system, Arc::new(MemoryEngine::new()), goals.unwrap_or_default())
                .unwrap();
        let mut cluster = Cluster {
            user: User { pd: Arc::new(pd), network: Arc::default() },
            members: BTreeMap::new(),
            options,
            directory: tempfile::tempdir().unwrap(),
            _pd_system: pd_system,
            next_dir: 0,
            gives_orders: goals.is_some(),
        };
        for _ in 0..stores {
            cluster.open(TestEngine::default(), TestEngine::default(), None).await;
        }
        settle().await;
        cluster
    }

    /// Opens a store on these disks.
    pub(super) async fn open(
        &mut self,
        kv: TestEngine,
        raft: TestEngine,
        dir: Option<PathBuf>,
    ) -> StoreId {
        let dir = dir.unwrap_or_else(|| {
            self.next_dir += 1;
            self.directory.path().join(self.next_dir.to_string())
        });
        let (system, aborts, store) =
            self.open_engines(Arc::new(kv.clone()), Arc::new(raft.clone()), &dir).await.unwrap();
        let id = store.store_id;
        self.members.insert(id, Member { id, kv, raft, store, system, aborts, dir });
        id
    }

    /// Opens a store on whatever engines.
    pub(super) async fn open_engines(
        &self,
        kv: Arc<dyn Engine>,
        raft: Arc<dyn Engine>,
        dir: &Path,
    ) -> Result<(System, Arc<Mutex<Vec<String>>>, StoreNode), OpenError> {
        let system = System::for_test();
        let aborts = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&aborts);
        system.set_abort_hook(move |path, reason| hook.lock().push(format!("{path}: {reason}")));
        let me = Arc::new(OnceLock::new());
        let link = Link { network: Arc::clone(&self.network), me: Arc::clone(&me) };
        let open = OpenStore {
            kv,
            raft,
            pd: Arc::new(QuietPd { pd: Arc::clone(&self.pd), gives_orders: self.gives_orders }),
            transport: Arc::new(link),
            options: StoreOptions { data_dir: Some(dir.to_owned()), ..self.options.clone() },
            address: String::new(),
            labels: BTreeMap::new(),
        };
        let store = open_store(&system, open).await?;
        me.set(store.store_id).unwrap();
        self.network.state.lock().stores.insert(store.store_id, store.clone());
        Ok((system, aborts, store))
    }

    /// Pulls the plug of a store.
    pub(super) async fn kill(&mut self, id: StoreId) -> Dead {
        let member = self.members.remove(&id).unwrap();
        self.network.state.lock().stores.remove(&id);
        assert_eq!(*member.aborts.lock(), Vec::<String>::new());
        let (kv, raft) = (member.kv.crash(), member.raft.crash());
        member.system.shutdown(DEADLINE).await;
        Dead { kv, raft, dir: member.dir }
    }

    /// Nothing reaches a store any more that is down.
    pub(super) fn forget(&self, id: StoreId) {
        self.network.state.lock().stores.remove(&id);
    }

    /// Starts a store again.
    pub(super) async fn revive(&mut self, dead: Dead) -> StoreId {
        self.open(dead.kv, dead.raft, Some(dead.dir)).await
    }

    /// A store whose replica of a key's region does not lead.
    pub(super) async fn follower_of(&self, key: &str) -> StoreId {
        let leader = self.wait_leader(key).await;
        let follower = leader.region.peers.iter().find(|peer| peer.id != leader.peer.id);
        follower.expect("the region has several replicas").store_id
    }

    pub(super) fn on(&self, store: StoreId) -> &Member {
        &self.members[&store]
    }

    /// Changes the replicas of a region, wherever it is led.
    pub(super) async fn change(&self, region: RegionId, changes: Vec<PeerChange>) -> Region {
        for _ in 0..100 {
            let leader = self
                .statuses()
                .into_iter()
                .find(|status| status.region.id == region && status.is_leader());
            let Some(leader) = leader else {
                self.settle_for(100).await;
                continue;
            };
            let router = &self.on(leader.peer.store_id).store.router;
            match router.change_peers(region, changes.clone(), DEADLINE).await {
                Ok(region) => return region,
                Err(RequestError::Region(_)) => self.settle_for(100).await,
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the replicas of region {region} do not change: {:#?}", self.statuses());
    }

    /// Adds a replica: first as a learner, then as a voter.
    pub(super) async fn add(&mut self, region: RegionId, store: StoreId) -> Peer {
        let id = PeerId(self.pd.alloc_ids(1).await.unwrap().start);
        let learner = Peer { id, store_id: store, role: PeerRole::Learner };
        self.change(region, vec![PeerChange::AddLearner(learner)]).await;
        for _ in 0..200 {
            if self.on(store).store.router.status(region).is_some_and(|s| s.region.is_initialized())
            {
                break;
            }
            self.settle_for(50).await;
        }
        let voter = Peer { role: PeerRole::Voter, ..learner };
        self.change(region, vec![PeerChange::AddVoter(voter)]).await;
        voter
    }

    /// Whether every store's replica of the region of a key is applied up to the same entry.
    pub(super) fn is_level(&self, key: &str) -> bool {
        let encoded = encode_key(key.as_bytes());
        let applied: BTreeSet<_> = self
            .statuses()
            .into_iter()
            .filter(|status| status.region.contains(&encoded))
            .map(|status| (status.region.epoch, status.applied))
            .map(|(epoch, applied)| (epoch.version, epoch.conf_ver, applied))
            .collect();
        applied.len() == 1
    }

    /// Waits until all replicas of a key's region are level.
    pub(super) async fn wait_level(&self, key: &str, replicas: usize) {
        let encoded = encode_key(key.as_bytes());
        for _ in 0..600 {
            let statuses = self.statuses();
            let here = statuses.iter().filter(|status| status.region.contains(&encoded)).count();
            if here == replicas && self.is_level(key) {
                return;
            }
            self.settle_for(50).await;
        }
        panic!("replicas of {key} are not level: {:#?}", self.statuses());
    }

    /// Nobody has panicked.
    pub(super) fn check(&self) {
        for member in self.members.values() {
            assert_eq!(*member.aborts.lock(), Vec::<String>::new(), "store {}", member.id);
        }
    }
}

impl Member {
    /// How many files of snapshots it has now.
    pub(super) fn snapshot_files(&self) -> usize {
        std::fs::read_dir(self.dir.join("snapshots")).map_or(0, Iterator::count)
    }

    /// How many snapshots it has installed since it started.
    pub(super) async fn snapshots_installed(&self) -> u64 {
        let path = format!("{}/snapshot-worker", self.store.actor.path());
        let detail = self.system.actor(&path).await.expect("it runs");
        detail.observed.expect("it answers")["installed"].as_u64().unwrap()
    }
}

impl std::ops::Deref for Cluster {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

impl User {
    pub(super) async fn settle_for(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// What each store says of its regions.
    pub(super) fn statuses(&self) -> Vec<RegionStatus> {
        self.network.stores().iter().flat_map(|store| store.router.statuses()).collect()
    }

    /// The leader of the region of a key, of the highest term if there are two.
    pub(super) fn leader_of(&self, key: &str) -> Option<RegionStatus> {
        let encoded = encode_key(key.as_bytes());
        let statuses = self.statuses();
        let leaders = statuses
            .into_iter()
            .filter(|status| status.is_leader() && status.region.contains(&encoded));
        leaders.max_by_key(|status| (status.region.epoch.version, status.term))
    }

    /// Waits for a leader of the region of a key.
    pub(super) async fn wait_leader(&self, key: &str) -> RegionStatus {
        for _ in 0..600 {
            if let Some(status) = self.leader_of(key) {
                return status;
            }
            self.settle_for(50).await;
        }
        panic!("no leader for {key}: {:#?}", self.statuses());
    }

    pub(super) async fn ts(&self) -> Timestamp {
        self.pd.timestamp().await.unwrap()
    }

    /// Sends a request to whoever leads the region of a key, until it is answered otherwise than "not
    /// here" or "not now".
    pub(super) async fn send(&self, key: &str, request: KvRequest) -> CommandReply {
        let mut last = None;
        for _ in 0..600 {
            if let Some(leader) = self.leader_of(key) {
                let command =
                    KvCommand { context: leader.region.context(), request: request.clone() };
                let Some(store) = self.network.store(leader.peer.store_id) else { continue };
                match store.router.send(command, Duration::from_secs(2)).await {
                    Err(RequestError::Region(error))
                        if !matches!(error, RegionError::DiskFull(_)) =>
                    {
                        last = Some(error);
                    }
                    reply => return reply,
                }
            }
            self.settle_for(50).await;
        }
        panic!("no answer for {key}: {last:?}, {:#?}", self.statuses());
    }

    /// Writes one pair, in two phases that may be repeated.
    pub(super) async fn put(&self, key: &str, value: &str) {
        let start_ts = self.ts().await;
        let request = KvRequest::Prewrite(prewrite(key, value, start_ts));
        self.send(key, request).await.unwrap();
        let commit_ts = self.ts().await;
        let request = KvRequest::Commit(commit(key, start_ts, commit_ts));
        assert_eq!(self.send(key, request).await, Ok(KvResponse::Done));
    }

    /// Reads at a fresh timestamp, from the leader.
    pub(super) async fn get(&self, key: &str) -> Option<String> {
        let ts = self.ts().await;
        let request = KvRequest::Get { key: bytes(key), ts, resolved: Vec::new() };
        text(self.send(key, request).await.unwrap())
    }

    /// Reads at a timestamp from one store's replica, once.
    pub(super) async fn read_replica(
        &self,
        store: StoreId,
        key: &str,
        ts: Timestamp,
    ) -> Result<Option<String>, RequestError> {
        let encoded = encode_key(key.as_bytes());
        let missing = || RequestError::from(RegionError::RegionNotFound(RegionId(0)));
        let router = self.network.store(store).ok_or_else(missing)?.router;
        let status = router.statuses().into_iter().find(|status| status.region.contains(&encoded));
        let Some(status) = status else {
            return Err(missing());
        };
        let request = KvRequest::Get { key: bytes(key), ts, resolved: Vec::new() };
        let command = KvCommand { context: status.region.context(), request };
        router.read_replica(command, Duration::from_secs(5)).await.map(text)
    }
}

/// The disks of a store that is down.
pub(super) struct Dead {
    pub(super) kv: TestEngine,
    pub(super) raft: TestEngine,
    pub(super) dir: PathBuf,
}

pub(super) fn text(response: KvResponse) -> Option<String> {
    match response {
        KvResponse::Value(value) => value.map(|value| String::from_utf8(value.to_vec()).unwrap()),
        other => panic!("not a value: {other:?}"),
    }
}
