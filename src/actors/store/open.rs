//! Opening a store: whose directory is this, and does the cluster know it?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::deadlock::Deadlocks;
use super::disk::Disk;
use super::local_reader::LocalReader;
use super::options::StoreOptions;
use super::router::StoreRouter;
use super::shared::StoreParts;
use super::sleepers::Sleepers;
use super::snapshots::{SnapshotDir, SnapshotFigures, TakeChunk};
use super::store::{AwaitStart, GetDeadlocks, GetMover, Store};
use super::transport::{ChunkRefused, RaftEnvelope, SnapshotChunk, Transport};
use crate::actors::pd::{PdClient, PdError};
use crate::actors::runtime::{ActorRef, Address, AskError, System, Thread};
use crate::common::{LogIndex, PeerId, RegionId, StoreId};
use crate::placement::{StoreMeta, StoreState};
use crate::storage::engine::{self, DiskRoom, Engine, LocksInMemory, WriteBatch};
use crate::storage::mvcc::HotVersions;
use crate::storage::raft::{LogPosition, LogStore};
use crate::storage::region::StoreIdent;
use crate::storage::region::bootstrap::{first_region, put_new_region};
use crate::storage::region::state::{load_apply_state, load_ident, load_regions, put_ident};
use crate::storage::txn::ConcurrencyManager;

/// How long the peers of all regions may take to be created.
const START_DEADLINE: Duration = Duration::from_secs(300);

/// How long a piece of a snapshot may take to reach the disk.
const CHUNK_DEADLINE: Duration = Duration::from_secs(60);

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The placement driver gave no answer or refused.
    #[error(transparent)]
    Placement(#[from] PdError),
    /// The directory belongs to another cluster. The operator chooses another directory.
    #[error("the data directory belongs to cluster {found}, not to cluster {expected}")]
    OtherCluster {
        /// The cluster the directory belongs to.
        found: u64,
        /// The cluster of this node.
        expected: u64,
    },
    /// The actors did not start. The log says why.
    #[error("the store did not start: {0}")]
    NotStarted(#[from] AskError),
    /// The engines do not fit each other, or are damaged. The operator restores what was lost.
    #[error("the data directory is corrupt: {0}")]
    Damaged(String),
    /// A setting cannot work.
    #[error("store settings: {0}")]
    Options(String),
}

/// What a store is opened with.
pub struct OpenStore {
    /// The engine of the data.
    pub kv: Arc<dyn Engine>,
    /// The engine of the logs.
    pub raft: Arc<dyn Engine>,
    /// The placement driver.
    pub pd: Arc<dyn PdClient>,
    /// The way to other stores.
    pub transport: Arc<dyn Transport>,
    /// The settings.
    pub options: StoreOptions,
    /// Where the bridge reaches this node.
    pub address: String,
    /// Where the store stands: zone, rack, host.
    pub labels: BTreeMap<String, String>,
}

/// A store that is open. Clones share it.
#[derive(Clone)]
pub struct StoreNode {
    /// Its identity.
    pub store_id: StoreId,
    /// Commands to its regions, and what is known of them.
    pub router: StoreRouter,
    /// Reads that do not queue.
    pub reader: LocalReader,
    /// The actor.
    pub actor: ActorRef<Store>,
    /// The disk's free space.
    pub disk: Disk,
    /// What it keeps in memory of ranges with many versions.
    pub hot: Arc<HotVersions>,
    /// What snapshots have come to.
    pub snapshots: Arc<SnapshotFigures>,
    /// Who waits for whom.
    pub deadlocks: ActorRef<Deadlocks>,
    sleepers: Arc<Sleepers>,
    chunks: Address<TakeChunk>,
}

impl StoreNode {
    /// Takes a raft message from another store.
    pub fn receive(&self, envelope: RaftEnvelope) {
        self.disk.heard(envelope.from.store_id, envelope.room);
        self.router.deliver(envelope);
    }

    /// Another store is there, with so much room on its disk.
    pub fn receive_greeting(&self, from: StoreId, room: DiskRoom) {
        self.disk.heard(from, room);
        self.sleepers.heard(from);
    }

    /// How many of its regions sleep, as their groups do.
    pub fn sleeping(&self) -> usize {
        self.sleepers.len()
    }

    /// Takes a piece of a snapshot from another store; answers when it is on the disk.
    pub async fn receive_chunk(&self, chunk: SnapshotChunk) -> Result<(), ChunkRefused> {
        match self.chunks.ask(TakeChunk(chunk), CHUNK_DEADLINE).await {
            Ok(taken) => taken,
            Err(error) => Err(ChunkRefused(error.to_string())),
        }
    }
}

/// Opens a store, introduces it to the placement driver (as the first of the cluster, it brings the
/// first region along), and starts its actors under `/<node>/store-<id>`. When it returns, every
/// region has its peer; commands that come before a peer leads wait for that.
pub async fn open_store(system: &System, open: OpenStore) -> Result<StoreNode, OpenError> {
    open.options.validate().map_err(OpenError::Options)?;
    check_logs(&open)?;
    check_ids(&open).await?;
    let ident = identify(&open).await?;
    introduce(&open, ident.store_id).await?;
    let plain_kv = Arc::clone(&open.kv);
    let hot = Arc::new(HotVersions::new(open.kv, open.options.hot));
    let kv: Arc<dyn Engine> = Arc::new(LocksInMemory::load(Arc::clone(&hot) as Arc<dyn Engine>)?);
    let concurrency = ConcurrencyManager::new();
    let reader = LocalReader::new(Arc::clone(&kv), concurrency.clone(), system.clock().clone());
    let snapshots = SnapshotDir::open(open.options.data_dir.as_deref(), ident.store_id)
        .map_err(|error| engine::Error::Io(error.to_string()))?;
    let disk = Disk::new(Arc::clone(&plain_kv), open.options.reserve_space);
    disk.look();
    let sleepers = Arc::new(Sleepers::default());
    let snapshot_figures = Arc::new(SnapshotFigures::default());
    let published = Arc::clone(&snapshot_figures);
    system.on_publish(move || published.publish());
    let parts = StoreParts {
        store_id: ident.store_id,
        options: open.options,
        kv,
        plain_kv,
        snapshots,
        snapshot_figures: Arc::clone(&snapshot_figures),
        disk: disk.clone(),
        sleepers: Arc::clone(&sleepers),
        log: LogStore::new(open.raft),
        router: StoreRouter::new(),
        reader: reader.clone(),
        concurrency,
        pd: open.pd,
        transport: open.transport,
    };
    let router = parts.router.clone();
    system.show_dormant(router.dormant());
    let name = format!("store-{}", ident.store_id);
    let actor = system.spawn_root(name, Thread::Any, move || Store::new(parts.clone()));
    actor.ask(AwaitStart, START_DEADLINE).await?;
    let chunks = actor.ask(GetMover, START_DEADLINE).await?;
    let deadlocks = actor.ask(GetDeadlocks, START_DEADLINE).await?;
    Ok(StoreNode {
        store_id: ident.store_id,
        router,
        reader,
        actor,
        disk,
        hot,
        snapshots: snapshot_figures,
        deadlocks,
        sleepers,
        chunks,
    })
}

/// Every region must have the log that belongs to its data: found out before any peer starts.
fn check_logs(open: &OpenStore) -> Result<(), OpenError> {
    let logs = LogStore::new(Arc::clone(&open.raft));
    let damaged = |error: &dyn std::fmt::Display| OpenError::Damaged(error.to_string());
    if load_ident(&*open.kv)?.is_none() {
        let orphans = logs.regions().map_err(|error| damaged(&error))?;
        if !orphans.is_empty() {
            let count = orphans.len();
            let reason = format!("there are raft logs of {count} regions, and none of their data");
            return Err(OpenError::Damaged(reason));
        }
    }
    for region in load_regions(&*open.kv)? {
        let id = region.id;
        let state = load_apply_state(&*open.kv, id)?
            .ok_or_else(|| OpenError::Damaged(format!("region {id} has no apply state")))?;
        let truncated = LogPosition { index: state.truncated, term: state.truncated_term };
        // What it would repair is repaired when the peer loads the log.
        let log = logs.load(id, truncated, &mut WriteBatch::new()).map_err(|e| damaged(&e))?;
        let last = log.as_ref().map_or(truncated.index, |log| log.last().index);
        if last < state.applied {
            return Err(OpenError::Damaged(format!(
                "the raft log of region {id} was lost: it ends at {last}, but entry {} is applied",
                state.applied
            )));
        }
        // What is applied again must be readable; what is older is checked when a replica asks for it.
        if let Some(log) = log.filter(|_| last > state.applied) {
            let (low, high) = (LogIndex(state.applied.0 + 1), LogIndex(last.0 + 1));
            log.entries(low, high, None).map_err(|error| damaged(&error))?;
        }
    }
    Ok(())
}

/// A placement driver that gives out ids this store has already has lost its memory, and would give out
/// timestamps and regions a second time too.
async fn check_ids(open: &OpenStore) -> Result<(), OpenError> {
    let Some(ident) = load_ident(&*open.kv)? else { return Ok(()) };
    let regions = load_regions(&*open.kv)?;
    let peers = regions.iter().flat_map(|region| &region.peers).map(|peer| peer.id.0);
    let largest =
        peers.chain(regions.iter().map(|region| region.id.0)).fold(ident.store_id.0, u64::max);
    let given = open.pd.alloc_ids(1).await?.start;
    if given <= largest {
        return Err(OpenError::Damaged(format!(
            "the state of the placement driver was lost: it gives out id {given}, but this store has id {largest} already"
        )));
    }
    Ok(())
}

/// The identity in the directory; a new one for a fresh directory.
async fn identify(open: &OpenStore) -> Result<StoreIdent, OpenError> {
    let expected = open.options.cluster_id;
    if let Some(ident) = load_ident(&*open.kv)? {
        if ident.cluster_id != expected {
            return Err(OpenError::OtherCluster { found: ident.cluster_id, expected });
        }
        return Ok(ident);
    }
    let id = open.pd.alloc_ids(1).await?.start;
    let ident = StoreIdent { cluster_id: expected, store_id: StoreId(id) };
    let mut batch = WriteBatch::new();
    put_ident(&mut batch, ident);
    open.kv.write(batch, true)?;
    Ok(ident)
}

/// Makes the store known, and the cluster's first region if there is none.
async fn introduce(open: &OpenStore, store_id: StoreId) -> Result<(), OpenError> {
    let meta = StoreMeta {
        id: store_id,
        address: open.address.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        labels: open.labels.clone(),
        state: StoreState::Up,
    };
    if open.pd.is_bootstrapped().await? {
        return Ok(open.pd.put_store(meta).await?);
    }
    // A crash between the write and the answer leaves a region the cluster never heard of: it is
    // offered again.
    let region = match load_regions(&*open.kv)?.into_iter().next() {
        Some(region) => region,
        None => {
            let ids = open.pd.alloc_ids(2).await?;
            let region = first_region(RegionId(ids.start), PeerId(ids.start + 1), store_id);
            let mut batch = WriteBatch::new();
            put_new_region(&mut batch, &region);
            open.kv.write(batch, true)?;
            region
        }
    };
    if !open.pd.bootstrap(meta.clone(), region.clone()).await? {
        // Another store was first: the region offered here never came to be.
        let mut batch = WriteBatch::new();
        remove_region(&mut batch, region.id);
        open.kv.write(batch, true)?;
        open.pd.put_store(meta).await?;
    }
    Ok(())
}

fn remove_region(batch: &mut WriteBatch, region_id: RegionId) {
    use crate::storage::codec::keys;
    use crate::storage::engine::Cf;
    batch.delete(Cf::Raft, keys::region_state_key(region_id));
    batch.delete(Cf::Raft, keys::apply_state_key(region_id));
}
