//! The client of the regions, shared by all transactions of a node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use rand_chacha::ChaCha8Rng;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::error::Result;
use super::lock_waits::WaitCounters;
use super::options::ClientOptions;
use super::resolve::Fates;
use super::transaction::KvTransaction;
use super::transport::RegionTransport;
use crate::actors::pd::PdClient;
use crate::common::{RegionId, SqlResult, Timestamp};
use crate::sql::kv::{KvStore, LockWaits, Transaction, TxnOptions};
use crate::storage::routing::RegionCache;

/// How often a region is asked for only to learn of new replicas.
const LOOK_FOR_REPLICAS: Duration = Duration::from_secs(1);

/// The transactional client. Cheap to clone; clones share routes, the fates of resolved transactions, and the list of live ones.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    pd: Arc<dyn PdClient>,
    transport: Arc<dyn RegionTransport>,
    options: ClientOptions,
    cache: RwLock<RegionCache>,
    fates: Mutex<Fates>,
    /// Transactions all of whose locks in a region are being settled from here.
    settling: Mutex<BTreeSet<(Timestamp, RegionId)>>,
    rng: Mutex<ChaCha8Rng>,
    /// Counts reads that replicas take turns at.
    turn: AtomicUsize,
    /// When a region was last asked for only to learn of new replicas.
    looked_for_replicas: Mutex<Option<Instant>>,
    live: Mutex<BTreeMap<Timestamp, Live>>,
    waits: WaitCounters,
    runtime: Handle,
}

/// A transaction that has begun and not ended.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// How many share the timestamp: snapshots in the past may.
    pub(super) count: usize,
    /// What to keep alive, once it holds locks.
    pub(super) locks: Option<LiveLocks>,
}

/// A primary lock to keep alive.
#[derive(Clone, Debug)]
pub(super) struct LiveLocks {
    pub(super) primary: Bytes,
    pub(super) began: Instant,
}

impl Client {
    /// A client. Must be made within a tokio runtime, which runs what transactions leave to do behind them when they
    /// end outside of one.
    pub fn new(
        pd: Arc<dyn PdClient>,
        transport: Arc<dyn RegionTransport>,
        options: ClientOptions,
        rng: ChaCha8Rng,
    ) -> Client {
        Client {
            shared: Arc::new(Shared {
                pd,
                transport,
                options,
                cache: RwLock::default(),
                fates: Mutex::default(),
                settling: Mutex::default(),
                rng: Mutex::new(rng),
                turn: AtomicUsize::new(0),
                looked_for_replicas: Mutex::default(),
                live: Mutex::default(),
                waits: WaitCounters::default(),
                runtime: Handle::current(),
            }),
        }
    }

    pub(super) fn pd(&self) -> &dyn PdClient {
        &*self.shared.pd
    }

    pub(super) fn transport(&self) -> &dyn RegionTransport {
        &*self.shared.transport
    }

    pub(super) fn options(&self) -> &ClientOptions {
        &self.shared.options
    }

    pub(super) fn cache(&self) -> &RwLock<RegionCache> {
        &self.shared.cache
    }

    pub(super) fn fates(&self) -> &Mutex<Fates> {
        &self.shared.fates
    }

    pub(super) fn settling(&self) -> &Mutex<BTreeSet<(Timestamp, RegionId)>> {
        &self.shared.settling
    }

    pub(super) fn waits(&self) -> &WaitCounters {
        &self.shared.waits
    }

    pub(super) fn rng(&self) -> &Mutex<ChaCha8Rng> {
        &self.shared.rng
    }

    /// Whether it is time to ask for a region only to learn of new replicas; it then counts as done.
    pub(super) fn may_look_for_replicas(&self) -> bool {
        let (mut last, now) = (self.shared.looked_for_replicas.lock(), Instant::now());
        let is_time = last.is_none_or(|last| now.duration_since(last) >= LOOK_FOR_REPLICAS);
        if is_time {
            *last = Some(now);
        }
        is_time
    }

    /// The number of the next read that replicas take turns at.
    pub(super) fn next_turn(&self) -> usize {
        self.shared.turn.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn live(&self) -> &Mutex<BTreeMap<Timestamp, Live>> {
        &self.shared.live
    }

    /// A fresh timestamp; without waiting, where the oracle is in this process.
    pub(super) async fn timestamp_now(&self) -> Result<Timestamp> {
        match self.pd().try_timestamp() {
            Some(ts) => Ok(ts),
            None => Ok(self.pd().timestamp().await?),
        }
    }

    /// Runs what need not be waited for: on the caller's runtime, or on the client's own when the caller has none.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let runtime = Handle::try_current().unwrap_or_else(|_| self.shared.runtime.clone());
        runtime.spawn(work);
    }

    /// The oldest snapshot still read in this process.
    pub fn oldest_live(&self) -> Option<Timestamp> {
        self.live().lock().keys().next().copied()
    }

    pub(super) fn enter(&self, start_ts: Timestamp) {
        let mut live = self.live().lock();
        live.entry(start_ts).or_insert(Live { count: 0, locks: None }).count += 1;
    }

    pub(super) fn leave(&self, start_ts: Timestamp) {
        let mut live = self.live().lock();
        if let Some(entry) = live.get_mut(&start_ts) {
            entry.count -= 1;
            if entry.count == 0 {
                live.remove(&start_ts);
            }
        }
    }

    /// Has a transaction's primary lock kept alive until [`Client::stop_keeping`] or its end.
    pub(super) fn keep(&self, start_ts: Timestamp, locks: LiveLocks) {
        if let Some(entry) = self.live().lock().get_mut(&start_ts) {
            entry.locks = Some(locks);
        }
    }

    pub(super) fn stop_keeping(&self, start_ts: Timestamp) {
        if let Some(entry) = self.live().lock().get_mut(&start_ts) {
            entry.locks = None;
        }
    }

    /// The ttl to write into a lock now, counted from the transaction's start, for a transaction of so many bytes.
    pub(super) fn lock_ttl_ms(&self, age: Duration, bytes: usize) -> u64 {
        let options = self.options();
        let mib = bytes as f64 / (1 << 20) as f64;
        // Writing goes with the size, waiting for a region to take it with the square root of many such.
        let grown = Duration::from_secs_f64(6.0 * mib.sqrt()).min(options.lock_ttl_max);
        let ttl = age + options.lock_ttl.max(grown);
        u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
    }
}

#[async_trait]
impl KvStore for Client {
    async fn begin(&self, options: TxnOptions) -> SqlResult<Arc<dyn Transaction>> {
        if options.latest {
            return Ok(Arc::new(KvTransaction::latest(self.clone())));
        }
        let start_ts = self.timestamp().await?;
        Ok(Arc::new(KvTransaction::begin(self.clone(), start_ts, options)))
    }

    async fn snapshot(&self, ts: Timestamp) -> SqlResult<Arc<dyn Transaction>> {
        Ok(Arc::new(KvTransaction::snapshot(self.clone(), ts)))
    }

    async fn timestamp(&self) -> SqlResult<Timestamp> {
        self.timestamp_now().await.map_err(|error| error.into_sql(Timestamp::ZERO))
    }

    fn lock_waits(&self) -> LockWaits {
        self.shared.waits.figures()
    }

    async fn split_at(&self, keys: Vec<Bytes>) -> SqlResult<usize> {
        self.split_regions(keys).await.map_err(|error| error.into_sql(Timestamp::ZERO))
    }

    async fn delete_range(&self, start: Bytes, end: Bytes) -> SqlResult<()> {
        self.delete_regions(start, end).await.map_err(|error| error.into_sql(Timestamp::ZERO))
    }
}
