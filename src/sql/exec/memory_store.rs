//! A single-node store in memory, for tests: snapshots, pessimistic locks, write conflicts. No recovery.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::common::{Fault, SqlError, SqlResult, Timestamp, errno};
use crate::sql::kv::{
    Isolation, KvPair, KvStore, LockOptions, LockWaits, Savepoint, ScanOptions, Scanner,
    Transaction, TxnOptions,
};

/// Versions of one key, oldest first; `None` is a deletion.
type Versions = Vec<(u64, Option<Bytes>)>;

#[derive(Default)]
struct Shared {
    data: Mutex<BTreeMap<Bytes, Versions>>,
    locks: Mutex<HashMap<Bytes, u64>>,
    freed: Notify,
    clock: AtomicU64,
}

impl Shared {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The store. Clones share the data.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore {
    shared: Arc<Shared>,
}

impl MemoryStore {
    /// Every visible key and value of a range, for assertions.
    pub(crate) fn dump(&self, start: &[u8], end: &[u8]) -> Vec<(Bytes, Bytes)> {
        let data = self.shared.data.lock();
        data.range(Bytes::copy_from_slice(start)..Bytes::copy_from_slice(end))
            .filter_map(|(k, v)| v.last().and_then(|(_, v)| v.clone()).map(|v| (k.clone(), v)))
            .collect()
    }
}

#[async_trait]
impl KvStore for MemoryStore {
    async fn begin(&self, options: TxnOptions) -> SqlResult<Arc<dyn Transaction>> {
        let start_ts = self.shared.tick();
        Ok(Arc::new(MemoryTransaction {
            shared: self.shared.clone(),
            start_ts,
            pessimistic: options.pessimistic,
            read_committed: options.isolation == Isolation::ReadCommitted,
            state: Mutex::new(State {
                for_update_ts: start_ts,
                snapshot: (!options.pessimistic || options.snapshot_at_start).then_some(start_ts),
                ..State::default()
            }),
        }))
    }

    async fn snapshot(&self, ts: Timestamp) -> SqlResult<Arc<dyn Transaction>> {
        Ok(Arc::new(MemoryTransaction {
            shared: self.shared.clone(),
            start_ts: ts.0,
            pessimistic: false,
            read_committed: false,
            state: Mutex::new(State {
                for_update_ts: ts.0,
                snapshot: Some(ts.0),
                ..State::default()
            }),
        }))
    }

    async fn timestamp(&self) -> SqlResult<Timestamp> {
        Ok(Timestamp(self.shared.tick()))
    }

    fn lock_waits(&self) -> LockWaits {
        LockWaits::default()
    }

    async fn split_at(&self, keys: Vec<Bytes>) -> SqlResult<usize> {
        Ok(keys.len())
    }

    async fn delete_range(&self, start: Bytes, end: Bytes) -> SqlResult<()> {
        self.shared.data.lock().retain(|k, _| *k < start || *k >= end);
        Ok(())
    }
}

#[derive(Clone)]
struct Write {
    key: Bytes,
    value: Option<Bytes>,
    must_not_exist: bool,
}

#[derive(Default)]
struct State {
    log: Vec<Write>,
    /// The last write of each key, by its position in the log.
    last: HashMap<Bytes, usize>,
    locked: BTreeSet<Bytes>,
    remembered: BTreeSet<Bytes>,
    for_update_ts: u64,
    /// What a statement under READ COMMITTED reads at.
    fresh_ts: Option<u64>,
    current_read: bool,
    /// `None`: taken by the first read at it.
    snapshot: Option<u64>,
}

impl State {
    fn push(&mut self, write: Write) {
        self.last.insert(write.key.clone(), self.log.len());
        self.log.push(write);
    }

    fn buffer(&self) -> BTreeMap<Bytes, Write> {
        self.log.iter().map(|w| (w.key.clone(), w.clone())).collect()
    }
}

struct MemoryTransaction {
    shared: Arc<Shared>,
    start_ts: u64,
    pessimistic: bool,
    read_committed: bool,
    state: Mutex<State>,
}

fn visible(versions: &Versions, ts: u64) -> Option<Bytes> {
    versions.iter().rev().find(|(commit, _)| *commit <= ts).and_then(|(_, v)| v.clone())
}

fn conflict() -> SqlError {
    SqlError::new(errno::WRITE_CONFLICT, "Write conflict")
}

impl MemoryTransaction {
    fn read_ts(&self) -> u64 {
        let mut state = self.state.lock();
        if state.current_read {
            return state.for_update_ts;
        }
        match state.fresh_ts {
            Some(ts) => ts,
            None => *state.snapshot.get_or_insert_with(|| self.shared.tick()),
        }
    }

    fn read(&self, key: &[u8]) -> Option<Bytes> {
        if let Some(own) = self.buffered(key) {
            return own;
        }
        let ts = self.read_ts();
        self.shared.data.lock().get(key).and_then(|v| visible(v, ts))
    }

    async fn lock_one(&self, key: &Bytes, options: LockOptions) -> SqlResult<()> {
        loop {
            let freed = self.shared.freed.notified();
            {
                let mut locks = self.shared.locks.lock();
                match locks.get(key) {
                    Some(owner) if *owner != self.start_ts => {}
                    _ => {
                        locks.insert(key.clone(), self.start_ts);
                        self.state.lock().locked.insert(key.clone());
                        return Ok(());
                    }
                }
            }
            if options.wait.is_zero() || tokio::time::timeout(options.wait, freed).await.is_err() {
                return Err(Fault::LockWaitTimeout.into());
            }
        }
    }

    fn release(&self) {
        self.shared.locks.lock().retain(|_, owner| *owner != self.start_ts);
        self.shared.freed.notify_waiters();
    }

    fn check(&self, data: &BTreeMap<Bytes, Versions>, state: &State) -> SqlResult<()> {
        let newest = |key: &Bytes| data.get(key).and_then(|v| v.last()).map_or(0, |(ts, _)| *ts);
        let locks = self.shared.locks.lock();
        let buffer = state.buffer();
        for key in buffer.keys().chain(&state.remembered) {
            let locked = state.locked.contains(key);
            if locks.get(key).is_some_and(|owner| *owner != self.start_ts)
                || (!locked && newest(key) > self.start_ts)
            {
                return Err(conflict());
            }
        }
        for write in buffer.values().filter(|w| w.must_not_exist) {
            if data.get(&write.key).and_then(|v| v.last()).is_some_and(|(_, v)| v.is_some()) {
                let (key, value) = (write.key.clone(), write.value.clone().unwrap_or_default());
                return Err(Fault::DuplicateKey { key, value }.into());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Transaction for MemoryTransaction {
    fn start_ts(&self) -> Timestamp {
        Timestamp(self.start_ts)
    }

    fn for_update_ts(&self) -> Timestamp {
        Timestamp(self.state.lock().for_update_ts)
    }

    fn is_pessimistic(&self) -> bool {
        self.pessimistic
    }

    fn is_clean(&self) -> bool {
        let state = self.state.lock();
        state.log.is_empty() && state.locked.is_empty()
    }

    fn has_snapshot(&self) -> bool {
        !self.read_committed && self.state.lock().snapshot.is_some()
    }

    async fn get(&self, key: Bytes) -> SqlResult<Option<Bytes>> {
        Ok(self.read(&key))
    }

    async fn batch_get(&self, keys: Vec<Bytes>) -> SqlResult<Vec<Option<Bytes>>> {
        Ok(keys.iter().map(|k| self.read(k)).collect())
    }

    async fn scan(&self, options: ScanOptions) -> SqlResult<Box<dyn Scanner>> {
        let ts = self.read_ts();
        let inside =
            |k: &Bytes| *k >= options.start && (options.end.is_empty() || *k < options.end);
        let mut rows: BTreeMap<Bytes, Bytes> = self
            .shared
            .data
            .lock()
            .range(options.start.clone()..)
            .take_while(|(k, _)| inside(k))
            .filter_map(|(k, v)| visible(v, ts).map(|v| (k.clone(), v)))
            .collect();
        for (key, write) in self.state.lock().buffer() {
            if inside(&key) {
                match write.value {
                    Some(value) => rows.insert(key, value),
                    None => rows.remove(&key),
                };
            }
        }
        let mut pairs: Vec<KvPair> =
            rows.into_iter().map(|(key, value)| KvPair { key, value }).collect();
        if options.reverse {
            pairs.reverse();
        }
        pairs.truncate(options.limit.unwrap_or(usize::MAX));
        Ok(Box::new(MemoryScanner { pairs }))
    }

    async fn use_current_read(&self) -> SqlResult<()> {
        let ts = self.shared.tick();
        let mut state = self.state.lock();
        state.for_update_ts = ts;
        state.current_read = true;
        Ok(())
    }

    fn use_locked_read(&self) {
        self.state.lock().current_read = !self.read_committed;
    }

    fn begin_statement(&self) -> Savepoint {
        let mut state = self.state.lock();
        state.current_read = false;
        state.fresh_ts = self.read_committed.then(|| self.shared.tick());
        Savepoint(state.log.len())
    }

    fn savepoint(&self) -> Savepoint {
        Savepoint(self.state.lock().log.len())
    }

    fn rollback_to(&self, savepoint: Savepoint) {
        let mut state = self.state.lock();
        state.log.truncate(savepoint.0);
        state.last = state.log.iter().enumerate().map(|(at, w)| (w.key.clone(), at)).collect();
    }

    async fn lock_keys(
        &self,
        keys: Vec<Bytes>,
        options: LockOptions,
    ) -> SqlResult<Vec<Option<Bytes>>> {
        if !self.pessimistic {
            self.state.lock().remembered.extend(keys.iter().cloned());
            return self.batch_get(keys).await;
        }
        for key in &keys {
            self.lock_one(key, options).await?;
            let newest = self.shared.data.lock().get(key).and_then(|v| v.last()).map(|v| v.0);
            if newest.is_some_and(|ts| ts > self.state.lock().for_update_ts) {
                return Err(conflict());
            }
        }
        let ts = self.state.lock().for_update_ts;
        let read = |key: &Bytes| match self.buffered(key) {
            Some(own) => own,
            None => self.shared.data.lock().get(key).and_then(|v| visible(v, ts)),
        };
        Ok(keys.iter().map(read).collect())
    }

    fn put(&self, key: Bytes, value: Bytes) {
        self.state.lock().push(Write { key, value: Some(value), must_not_exist: false });
    }

    fn insert(&self, key: Bytes, value: Bytes) {
        let replaced = self.buffered(&key).is_some();
        self.state.lock().push(Write { key, value: Some(value), must_not_exist: !replaced });
    }

    fn delete(&self, key: Bytes) {
        self.state.lock().push(Write { key, value: None, must_not_exist: false });
    }

    fn check_size(&self) -> SqlResult<()> {
        Ok(())
    }

    fn buffered(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let state = self.state.lock();
        state.last.get(key).map(|at| state.log[*at].value.clone())
    }

    async fn commit(&self) -> SqlResult<Option<Timestamp>> {
        let result = {
            let mut data = self.shared.data.lock();
            let state = self.state.lock();
            self.check(&data, &state).map(|()| {
                let buffer = state.buffer();
                if buffer.is_empty() {
                    return None;
                }
                let ts = self.shared.tick();
                for (key, write) in buffer {
                    data.entry(key).or_default().push((ts, write.value));
                }
                Some(Timestamp(ts))
            })
        };
        self.release();
        result
    }

    async fn rollback(&self) -> SqlResult<()> {
        let mut state = self.state.lock();
        state.log.clear();
        state.last.clear();
        drop(state);
        self.release();
        Ok(())
    }
}

struct MemoryScanner {
    pairs: Vec<KvPair>,
}

#[async_trait]
impl Scanner for MemoryScanner {
    async fn next_batch(&mut self) -> SqlResult<Vec<KvPair>> {
        let rest = self.pairs.split_off(self.pairs.len().min(256));
        Ok(std::mem::replace(&mut self.pairs, rest))
    }
}
