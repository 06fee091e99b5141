//! A cluster in memory: the client's other side without actors, logs or disks.
//!
//! [`MemoryCluster`] is a placement driver and the leader of every region at once. It runs the same pure commands as a real
//! leader, over the engine in memory, one at a time; lock waits, deadlocks, splits and epochs are real, replication and
//! durability are not. Tests and benchmarks of everything above the regions use it ([`memory_store`]), and can have
//! requests refused, delayed, lost, or their answers lost ([`Fault`]).

mod pd;
mod regions;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::regions::Regions;
use super::client::Client;
use super::options::ClientOptions;
use crate::common::Timestamp;
use crate::placement::{PdState, TimestampOracle};
use crate::storage::engine::MemoryEngine;
use crate::storage::txn::{ConcurrencyManager, KvRequest, RegionError};

/// The Unix time at which every cluster in memory begins.
const BEGINNING_MS: u64 = 1_700_000_000_000;

/// What is to go wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is refused, and not carried out.
    Refuse(RegionError),
    /// It arrives so much later.
    Delay(Duration),
    /// It is lost; the sender cannot know.
    Lose,
    /// It is carried out, and its answer lost.
    LoseAnswer,
}

/// Decides about every request what goes wrong with it.
pub type Faults = Box<dyn FnMut(&KvRequest) -> Fault + Send>;

/// All regions and the placement driver of a cluster, in memory. Share it by `Arc`.
pub struct MemoryCluster {
    engine: MemoryEngine,
    concurrency: ConcurrencyManager,
    oracle: TimestampOracle,
    state: Mutex<PdState>,
    regions: Mutex<Regions>,
    /// Told whenever a lock is gone.
    unlocked: Notify,
    faults: Mutex<Option<Faults>>,
    began: Instant,
}

impl MemoryCluster {
    /// A cluster of one store and one empty region.
    pub fn new() -> Arc<MemoryCluster> {
        let oracle = TimestampOracle::new();
        oracle.extend(u64::MAX >> 18);
        Arc::new(MemoryCluster {
            engine: MemoryEngine::new(),
            concurrency: ConcurrencyManager::new(),
            oracle,
            state: Mutex::default(),
            regions: Mutex::new(Regions::new()),
            unlocked: Notify::new(),
            faults: Mutex::new(None),
            began: Instant::now(),
        })
    }

    /// A client of the cluster. Must be made within a tokio runtime.
    pub fn client(self: &Arc<Self>, options: ClientOptions) -> Client {
        let pd: Arc<MemoryCluster> = Arc::clone(self);
        Client::new(pd, Arc::clone(self) as _, options, ChaCha8Rng::seed_from_u64(0))
    }

    /// Has `faults` decide about every request from now on; `None`: nothing goes wrong any more.
    pub fn set_faults(&self, faults: Option<Faults>) {
        *self.faults.lock() = faults;
    }

    /// Splits regions at user keys, behind every client's back.
    pub fn split(&self, keys: &[&[u8]]) {
        let mut regions = self.regions.lock();
        for key in keys {
            regions.split(&crate::storage::routing::encode_key(key));
        }
    }

    /// How many regions there are.
    pub fn region_count(&self) -> usize {
        self.regions.lock().len()
    }

    /// How many locks stand, in memory and in the engine.
    pub fn lock_count(&self) -> usize {
        self.regions.lock().lock_count(&self.engine)
    }

    fn now_ms(&self) -> u64 {
        BEGINNING_MS + u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX >> 20)
    }

    fn take_timestamp(&self) -> Timestamp {
        self.oracle.take(self.now_ms()).expect("the oracle's bound is out of reach")
    }

    fn fault(&self, request: &KvRequest) -> Fault {
        self.faults.lock().as_mut().map_or(Fault::None, |faults| faults(request))
    }
}

/// A transactional store in memory: for tests and benchmarks of what runs on top. Must be called within a tokio runtime.
pub fn memory_store() -> Arc<Client> {
    Arc::new(MemoryCluster::new().client(ClientOptions::default()))
}
