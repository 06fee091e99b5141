//! The regions of a cluster in memory, and what their leaders remember.

use bytes::Bytes;

use crate::common::{PeerId, RegionId, StoreId, Timestamp};
use crate::storage::engine::{self, Cf, Engine, IterOptions, MemoryEngine, Reader};
use crate::storage::mvcc::KeyRange;
use crate::storage::region::{Peer, Region};
use crate::storage::txn::{
    CommandContext, ConcurrencyManager, DeadlockDetector, KvRequest, KvResponse, LockInfo,
    LockTable, Outcome, RegionContext, RegionEpoch, RegionError, RequestError, WaitEdge, admit,
    execute, footprint, read,
};

/// The only store.
pub(super) const STORE: StoreId = StoreId(1);

/// A region and its leader's memory.
struct Led {
    region: Region,
    locks: LockTable,
}

impl Led {
    fn range(&self) -> KeyRange {
        KeyRange::of_region(&self.region.start_key, &self.region.end_key)
    }
}

/// What became of a request that was carried out.
pub(super) enum Step {
    Done(KvResponse),
    /// To be tried again when the lock is gone, or answered with a timeout.
    Wait {
        lock: Box<LockInfo>,
        timeout_ms: u64,
    },
}

/// All regions, in key order.
pub(super) struct Regions {
    all: Vec<Led>,
    next_id: u64,
    deadlocks: DeadlockDetector,
}

impl Regions {
    pub(super) fn new() -> Regions {
        let mut regions =
            Regions { all: Vec::new(), next_id: 1, deadlocks: DeadlockDetector::new() };
        let region = Region {
            epoch: RegionEpoch { conf_ver: 1, version: 1 },
            ..regions.fresh(Bytes::new(), Bytes::new())
        };
        regions.all.push(Led { region, locks: LockTable::new() });
        regions
    }

    fn fresh(&mut self, start_key: Bytes, end_key: Bytes) -> Region {
        let id = RegionId(self.next_id);
        self.next_id += 1;
        let peer = Peer { id: PeerId(id.0 + 1_000_000), store_id: STORE, ..Peer::default() };
        let epoch = RegionEpoch::default();
        Region { id, start_key, end_key, epoch, peers: vec![peer] }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Region> {
        self.all.iter().map(|led| &led.region)
    }

    pub(super) fn lock_count(&self, engine: &MemoryEngine) -> usize {
        let in_memory: usize = self.all.iter().map(|led| led.locks.len()).sum();
        let mut cursor =
            engine.cursor(Cf::Lock, IterOptions::default()).expect("memory does not fail");
        let mut valid = cursor.seek_to_first().expect("memory does not fail");
        let mut in_engine = 0;
        while valid {
            in_engine += 1;
            valid = cursor.next().expect("memory does not fail");
        }
        in_memory + in_engine
    }

    /// Splits the region an encoded key is in; nothing to do if a region starts there.
    pub(super) fn split(&mut self, key: &[u8]) {
        let holds = |led: &Led| led.region.contains(key);
        let at = self.all.iter().position(holds).expect("the regions hold every key");
        if self.all[at].region.start_key[..] == *key {
            return;
        }
        let key = Bytes::copy_from_slice(key);
        let end_key = self.all[at].region.end_key.clone();
        let mut right = self.fresh(key.clone(), end_key);
        let left = &mut self.all[at];
        left.region.end_key = key;
        left.region.epoch.version += 1;
        right.epoch = left.region.epoch;
        let range = left.range();
        let locks = left.locks.split_off(&range);
        self.all.insert(at + 1, Led { region: right, locks });
    }

    fn find(&mut self, context: RegionContext) -> Result<&mut Led, RegionError> {
        let id = context.region_id;
        let led = self.all.iter_mut().find(|led| led.region.id == id);
        let led = led.ok_or(RegionError::RegionNotFound(id))?;
        if led.region.epoch != context.epoch {
            return Err(RegionError::EpochNotMatch(id));
        }
        Ok(led)
    }

    /// The regions a region was split into, after a split at those keys.
    pub(super) fn split_region(
        &mut self,
        context: RegionContext,
        keys: &[Bytes],
    ) -> Result<Vec<Region>, RegionError> {
        let region = self.find(context)?.region.clone();
        if keys.iter().any(|key| !region.contains(key)) {
            return Err(RegionError::KeyNotInRegion(region.id));
        }
        for key in keys {
            self.split(key);
        }
        Ok(self.iter().filter(|part| part.overlaps(&region)).cloned().collect())
    }

    /// Serves a read.
    pub(super) fn read(
        &mut self,
        engine: &MemoryEngine,
        concurrency: &ConcurrencyManager,
        context: RegionContext,
        request: &KvRequest,
    ) -> Result<KvResponse, RequestError> {
        let led = self.find(context)?;
        admit(concurrency, request)?;
        read(engine, &led.range(), request).map_err(from_mvcc)
    }

    /// Carries a command out, to its end or until it has to wait.
    pub(super) fn execute(
        &mut self,
        engine: &MemoryEngine,
        concurrency: &ConcurrencyManager,
        context: RegionContext,
        request: KvRequest,
    ) -> Result<Step, RequestError> {
        let led = self.find(context)?;
        let range = led.range();
        let mut next = Some(request);
        let mut answer = KvResponse::Done;
        while let Some(request) = next {
            let context = CommandContext {
                reader: engine,
                locks: &led.locks,
                concurrency,
                range: &range,
                max_ts_synced: true,
            };
            let footprint = footprint(&context, &request).map_err(from_engine)?;
            answer = match execute(&context, &request, &footprint.keys).map_err(from_engine)? {
                Outcome::Reply(response) => response,
                Outcome::Error(error) => return Err(error.into()),
                Outcome::WaitForLock { lock, timeout_ms } => {
                    return Ok(Step::Wait { lock, timeout_ms });
                }
                Outcome::Write(mut decision) => {
                    engine.write(decision.batch, true).map_err(from_engine)?;
                    decision.effects.apply(&mut led.locks);
                    decision.response
                }
            };
            next = footprint.rest.map(|rest| *rest);
        }
        Ok(Step::Done(answer))
    }

    /// Whether a wait for a lock would never end.
    pub(super) fn is_deadlock(&mut self, waiter: Timestamp, lock: &LockInfo, now_ms: u64) -> bool {
        let edge = WaitEdge { waiter, holder: lock.start_ts, key: lock.key.clone() };
        self.deadlocks.detect(edge, now_ms, u64::MAX).is_some()
    }

    /// A wait has ended.
    pub(super) fn stops_waiting(&mut self, waiter: Timestamp) {
        self.deadlocks.remove_waiter(waiter);
    }
}

fn from_engine(error: engine::Error) -> RequestError {
    RequestError::Storage(error.to_string())
}

fn from_mvcc(error: crate::storage::mvcc::Error) -> RequestError {
    match error {
        crate::storage::mvcc::Error::Key(error) => error.into(),
        crate::storage::mvcc::Error::Engine(error) => from_engine(error),
    }
}
