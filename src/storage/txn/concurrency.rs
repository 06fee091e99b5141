//! What keeps one-phase and asynchronous commits out of the past of concurrent readers.
//!
//! In classic two-phase commit the oracle hands out the commit timestamp after all locks are in place. So a reader
//! at `ts` either started after that and sees the locks, or its `ts` is below the commit's. In one-phase and asynchronous
//! commit the *region leader* chooses the timestamp (asynchronous: a lower bound of it), and must not choose one at or below
//! the `ts` of a reader that has been here already and seen nothing. Two pieces of shared state settle it:
//!
//! - `max_ts`, the highest timestamp anyone has read at;
//! - a table of *memory locks*: keys of prewrites whose timestamp is chosen but whose write is not applied yet.
//!
//! A **reader** at `ts` (1) raises `max_ts` to `ts`, (2) looks for memory locks on its keys, (3) reads the engine.
//! A **writer**, holding the latches of its keys, (a) puts memory locks on them, (b) loads `max_ts` and chooses
//! a timestamp above it, (c) has the write replicated and applied, (d) removes the memory locks.
//!
//! (1), (2), (a) and (b) are sequentially consistent: (1) and (2) act on the atomics `max_ts` and `count`, (a) and (b) on `count` and `max_ts`,
//! each storing its own before loading the other's. So in their one total order, either (1) comes before (b), or (b) before (1).
//!
//! - (1) before (b): the writer chooses above `ts`. The reader was right to see nothing, and if it meets the
//!   lock nevertheless, its `min_commit_ts` lets it pass.
//! - (b) before (1), hence (a) before (2): the reader finds the memory lock, and stops if the lock's timestamp is not above
//!   `ts`; or (d) came before (2), and then (c) came before (3): the reader finds the write, or the lock, in the engine.
//!
//! (a) and (b) happen under the table's lock together, so no reader sees a memory lock without its timestamp.
//!
//! A read at `MAX` ("the latest committed") takes no part. While a memory lock exists its transaction has not been
//! acknowledged to anyone, so it is correct to answer with the version before; and `max_ts` must not become `MAX`.
//!
//! `max_ts` lives in memory. A new leader has not seen its predecessor's readers, so before it chooses timestamps it
//! raises `max_ts` to a fresh one of the oracle, above every reader there was; until then its commands fall back to two phases
//! (`CommandContext::max_ts_synced`). The same holds for the surviving region of a merge if its `max_ts` is another store's.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;

use super::{KeyError, LockInfo, Pass};
use crate::common::Timestamp;
use crate::storage::mvcc::{Lock, Sight, check_read};

/// The state that readers on any thread share with the region leaders of a store. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ConcurrencyManager {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    max_ts: AtomicU64,
    /// How many memory locks there are: lets readers pass an empty table on one load.
    count: AtomicUsize,
    locks: RwLock<BTreeMap<Bytes, Lock>>,
}

/// A lock in memory says nothing yet that a reader could take, whatever is known of its transaction: it is on its way to the engine.
fn check_in_memory(
    lock: &Lock,
    key: &[u8],
    ts: Timestamp,
    resolved: &[Pass],
) -> Result<(), KeyError> {
    match check_read(lock, key, ts, resolved)? {
        Sight::Past => Ok(()),
        Sight::Committed => Err(KeyError::Locked(Box::new(lock.info(key)))),
    }
}

impl ConcurrencyManager {
    /// Nothing read, nothing locked.
    pub fn new() -> ConcurrencyManager {
        ConcurrencyManager::default()
    }

    /// Notes that somebody read, or settled a transaction, at `ts`. `MAX` is ignored.
    pub fn push_max_ts(&self, ts: Timestamp) {
        if ts != Timestamp::MAX && self.shared.max_ts.load(Ordering::SeqCst) < ts.0 {
            self.shared.max_ts.fetch_max(ts.0, Ordering::SeqCst);
        }
    }

    /// The highest timestamp noted.
    pub fn max_ts(&self) -> Timestamp {
        Timestamp(self.shared.max_ts.load(Ordering::SeqCst))
    }

    /// Admits a read of single keys at `ts`. Only after this may the reader look at the engine.
    pub fn admit_keys<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a [u8]>,
        ts: Timestamp,
        resolved: &[Pass],
    ) -> Result<(), KeyError> {
        if !self.must_check(ts) {
            return Ok(());
        }
        let locks = self.shared.locks.read();
        keys.into_iter()
            .filter_map(|key| locks.get_key_value(key))
            .try_for_each(|(key, lock)| check_in_memory(lock, key, ts, resolved))
    }

    /// Admits a read of `[start, end)` at `ts`; an empty `end` has no bound.
    pub fn admit_range(
        &self,
        start: &[u8],
        end: &[u8],
        ts: Timestamp,
        resolved: &[Pass],
    ) -> Result<(), KeyError> {
        if !self.must_check(ts) {
            return Ok(());
        }
        let locks = self.shared.locks.read();
        in_range(&locks, start, end)
            .try_for_each(|(key, lock)| check_in_memory(lock, key, ts, resolved))
    }

    /// Raises `max_ts`; whether there are memory locks to look at.
    fn must_check(&self, ts: Timestamp) -> bool {
        if ts == Timestamp::MAX {
            return false;
        }
        self.push_max_ts(ts);
        self.shared.count.load(Ordering::SeqCst) != 0
    }

    /// Locks keys in memory and chooses their timestamp: the lowest above `max_ts` and not below `floor`. The
    /// locks' `min_commit_ts` is set to it. They stay until the guard is dropped, which must not be before the write is
    /// applied (or is certain never to be). The caller holds the latches of the keys.
    pub fn publish(
        &self,
        locks: Vec<(Bytes, Lock)>,
        floor: Timestamp,
    ) -> (MemoryLockGuard, Timestamp) {
        let mut table = self.shared.locks.write();
        self.shared.count.fetch_add(locks.len(), Ordering::SeqCst);
        let chosen = Timestamp(self.shared.max_ts.load(Ordering::SeqCst)).next().max(floor);
        let mut keys = Vec::with_capacity(locks.len());
        for (key, mut lock) in locks {
            lock.min_commit_ts = chosen;
            keys.push(key.clone());
            let earlier = table.insert(key, lock);
            assert!(earlier.is_none(), "the latch of a key admits one prewrite at a time");
        }
        drop(table);
        (MemoryLockGuard { shared: Arc::clone(&self.shared), keys }, chosen)
    }

    /// The memory locks in `[start, end)`; an empty `end` has no bound.
    pub fn locks_in(&self, start: &[u8], end: &[u8]) -> Vec<LockInfo> {
        if self.shared.count.load(Ordering::SeqCst) == 0 {
            return Vec::new();
        }
        let locks = self.shared.locks.read();
        in_range(&locks, start, end).map(|(key, lock)| lock.info(key)).collect()
    }
}

fn in_range<'a>(
    locks: &'a BTreeMap<Bytes, Lock>,
    start: &[u8],
    end: &'a [u8],
) -> impl Iterator<Item = (&'a Bytes, &'a Lock)> {
    locks
        .range::<[u8], _>((Bound::Included(start), Bound::Unbounded))
        .take_while(move |(key, _)| end.is_empty() || **key < *end)
}

/// Keeps memory locks in place; dropping it removes them.
#[derive(Debug)]
pub struct MemoryLockGuard {
    shared: Arc<Shared>,
    keys: Vec<Bytes>,
}

impl Drop for MemoryLockGuard {
    fn drop(&mut self) {
        let mut table = self.shared.locks.write();
        for key in &self.keys {
            let lock = table.remove(key);
            debug_assert!(lock.is_some(), "a memory lock stands until its guard is dropped");
        }
        self.shared.count.fetch_sub(self.keys.len(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::storage::engine::{Engine, MemoryEngine};
    use crate::storage::mvcc::{KeyRange, get};
    use crate::storage::txn::{
        Assertion, CommandContext, KvRequest, KvResponse, LockTable, Mutation, MutationKind,
        Outcome, PessimisticAction, Prewrite, execute,
    };

    #[derive(Default)]
    struct World {
        engine: MemoryEngine,
        concurrency: ConcurrencyManager,
        oracle: AtomicU64,
        /// The last value whose commit was acknowledged.
        acknowledged: AtomicU64,
        done: AtomicBool,
    }

    impl World {
        fn timestamp(&self) -> Timestamp {
            Timestamp(self.oracle.fetch_add(1, Ordering::SeqCst) + 1)
        }

        /// Commits a value in one phase.
        fn write(&self, value: u64) {
            let mutation = Mutation {
                kind: MutationKind::Put,
                key: Bytes::from_static(b"k"),
                value: Bytes::copy_from_slice(&value.to_be_bytes()),
                assertion: Assertion::None,
                pessimistic: PessimisticAction::SkipCheck,
            };
            let request = KvRequest::Prewrite(Prewrite {
                primary: mutation.key.clone(),
                mutations: vec![mutation],
                start_ts: self.timestamp(),
                ttl_ms: 0,
                txn_size: 1,
                for_update_ts: Timestamp::ZERO,
                min_commit_ts: Timestamp::ZERO,
                try_one_pc: true,
                async_commit: None,
            });
            let context = CommandContext {
                reader: &self.engine,
                locks: &LockTable::new(),
                concurrency: &self.concurrency,
                range: &KeyRange::all(),
                max_ts_synced: true,
            };
            let Outcome::Write(decision) = execute(&context, &request, &[]).unwrap() else {
                panic!("nothing is in its way");
            };
            assert!(matches!(
                decision.response,
                KvResponse::Prewritten { one_pc_commit_ts: Some(_), .. }
            ));
            self.engine.write(decision.batch, false).unwrap();
            drop(decision.effects);
            self.acknowledged.store(value, Ordering::SeqCst);
        }

        /// Reads on the engine itself, as a point read does.
        fn read(&self, ts: Timestamp) -> u64 {
            while self.concurrency.admit_keys([&b"k"[..]], ts, &[]).is_err() {
                std::thread::yield_now();
            }
            let value = get(&self.engine, b"k", ts, &[]).unwrap();
            value.map_or(0, |value| u64::from_be_bytes(value.as_ref().try_into().unwrap()))
        }
    }

    #[test]
    fn snapshots_do_not_change_under_concurrent_one_phase_commits() {
        let world = World::default();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !world.done.load(Ordering::SeqCst) {
                        let acknowledged = world.acknowledged.load(Ordering::SeqCst);
                        let ts = world.timestamp();
                        let first = world.read(ts);
                        assert!(first >= acknowledged, "a read sees what was acknowledged before");
                        assert_eq!(world.read(ts), first, "a snapshot at {ts} changed");
                    }
                });
            }
            for value in 1..=2000 {
                world.write(value);
            }
            world.done.store(true, Ordering::SeqCst);
        });
        assert_eq!(world.concurrency.locks_in(b"", b""), []);
    }

    #[test]
    fn reads_of_the_latest_version_leave_no_trace() {
        let concurrency = ConcurrencyManager::new();
        concurrency.push_max_ts(Timestamp::MAX);
        assert_eq!(concurrency.admit_keys([&b"k"[..]], Timestamp::MAX, &[]), Ok(()));
        assert_eq!(concurrency.max_ts(), Timestamp::ZERO);
        concurrency.push_max_ts(Timestamp(7));
        concurrency.push_max_ts(Timestamp(5));
        assert_eq!(concurrency.max_ts(), Timestamp(7));
    }
}
