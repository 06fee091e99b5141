//! An engine whose lock family is also in memory.
//!
//! Few locks exist at a time, but each is written and soon deleted, and what an LSM tree keeps of the
//! deleted ones lies in the way of every reader: a scan walks over it, a point read looks through it. Here
//! readers of the lock family look into a persistent map instead, which costs nothing while it is empty and a
//! reference count to hold on to. The family itself is written as ever, and fills the map when the engine opens.
//!
//! # What a reader sees
//!
//! The map changes when a write is visible in the engine and not yet acknowledged. A snapshot takes the map first and the
//! engine's state after it. So a reader may meet a lock whose deletion, and the commit that came with it, is visible
//! already: it asks what became of the transaction, which costs it a question and no truth. And it may miss a lock that is just being
//! written: its transaction takes its commit timestamp later than the reader took its own, since it waits for the write.
//! (Those that do not wait, one-phase and asynchronous commits, stand in the memory of
//! [`ConcurrencyManager`](crate::storage::txn::ConcurrencyManager) until then.)
//!
//! Whoever holds the latch of a key sees exactly the engine's lock on it: no write of the key is on its way.

use std::collections::VecDeque;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;
use rpds::RedBlackTreeMapSync;

use super::{
    Cf, Cursor, DiskSpace, Engine, IterOptions, Reader, Result, Snapshot, WriteBatch, WriteOp,
};
use crate::common::Timestamp;

type Locks = RedBlackTreeMapSync<Bytes, Bytes>;

/// An engine with its lock family in memory.
pub struct LocksInMemory {
    engine: Arc<dyn Engine>,
    locks: RwLock<Locks>,
    /// Whether the map is empty: lets readers pass without its lock.
    none: AtomicBool,
}

impl LocksInMemory {
    /// Reads the locks of an engine. Nobody else may write its lock family from now on.
    pub fn load(engine: Arc<dyn Engine>) -> Result<LocksInMemory> {
        let mut locks = Locks::new_sync();
        {
            let mut cursor = engine.cursor(Cf::Lock, IterOptions::default())?;
            let mut found = cursor.seek_to_first()?;
            while found {
                let (key, value) = (cursor.key(), cursor.value());
                locks.insert_mut(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
                found = cursor.next()?;
            }
        }
        let none = AtomicBool::new(locks.is_empty());
        Ok(LocksInMemory { engine, locks: RwLock::new(locks), none })
    }

    /// The locks as they are now.
    fn locks(&self) -> Locks {
        if self.none.load(Ordering::SeqCst) { Locks::new_sync() } else { self.locks.read().clone() }
    }

    /// After a write: what it left.
    fn settle(&self, changes: Vec<WriteOp>) {
        let mut locks = self.locks.write();
        for change in changes {
            match change {
                WriteOp::Put(_, key, value) => {
                    locks.insert_mut(key.into(), value.into());
                }
                WriteOp::Delete(_, key) => {
                    locks.remove_mut(key.as_slice());
                }
                WriteOp::DeleteRange(_, start, end) if start < end => {
                    let gone: Vec<Bytes> = locks
                        .range::<[u8], _>((
                            Bound::Included(start.as_slice()),
                            Bound::Excluded(end.as_slice()),
                        ))
                        .map(|(key, _)| key.clone())
                        .collect();
                    for key in gone {
                        locks.remove_mut(&key);
                    }
                }
                WriteOp::DeleteRange(..) => {}
            }
        }
        self.none.store(locks.is_empty(), Ordering::SeqCst);
    }
}

impl Reader for LocksInMemory {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if cf != Cf::Lock {
            return self.engine.get(cf, key);
        }
        if self.none.load(Ordering::SeqCst) {
            return Ok(None);
        }
        Ok(self.locks.read().get(key).map(|lock| lock.to_vec()))
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        if cf == Cf::Lock {
            Ok(Box::new(LockCursor::new(self.locks(), options)))
        } else {
            self.engine.cursor(cf, options)
        }
    }

    fn laborious(&self, start: &[u8], end: &[u8], at: Timestamp) -> Result<()> {
        self.engine.laborious(start, end, at)
    }
}

impl Engine for LocksInMemory {
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        let changes: Vec<WriteOp> = batch.ops.iter().filter(|op| is_lock(op)).cloned().collect();
        if changes.is_empty() {
            return self.engine.write(batch, sync);
        }
        self.engine.write(batch, sync)?;
        self.settle(changes);
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        let locks = self.locks();
        Arc::new(SnapshotWithLocks { locks, snapshot: self.engine.snapshot() })
    }

    fn sync(&self) -> Result<()> {
        self.engine.sync()
    }

    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        self.engine.approximate_size(cf, start, end)
    }

    fn disk_space(&self) -> Result<DiskSpace> {
        self.engine.disk_space()
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        self.engine.checkpoint(path)
    }

    fn ingest(&self, cf: Cf, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()> {
        if cf != Cf::Lock {
            return self.engine.ingest(cf, pairs);
        }
        let locks: Vec<(Vec<u8>, Vec<u8>)> = pairs.collect();
        self.engine.ingest(cf, &mut locks.iter().cloned())?;
        self.settle(locks.into_iter().map(|(key, lock)| WriteOp::Put(cf, key, lock)).collect());
        Ok(())
    }

    fn compact(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.engine.compact(cf, start, end)
    }

    fn tidy(&self, cf: Cf) -> Result<usize> {
        self.engine.tidy(cf)
    }

    fn reclaim(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.engine.reclaim(cf, start, end)
    }
}

fn is_lock(op: &WriteOp) -> bool {
    let (WriteOp::Put(cf, ..) | WriteOp::Delete(cf, _) | WriteOp::DeleteRange(cf, ..)) = op;
    *cf == Cf::Lock
}

/// The locks, and the state of the engine a moment later.
struct SnapshotWithLocks {
    locks: Locks,
    snapshot: Arc<dyn Snapshot>,
}

impl Reader for SnapshotWithLocks {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if cf == Cf::Lock {
            Ok(self.locks.get(key).map(|lock| lock.to_vec()))
        } else {
            self.snapshot.get(cf, key)
        }
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        if cf == Cf::Lock {
            Ok(Box::new(LockCursor::new(self.locks.clone(), options)))
        } else {
            self.snapshot.cursor(cf, options)
        }
    }
}

impl Snapshot for SnapshotWithLocks {}

/// A position in a map of locks.
struct LockCursor {
    locks: Locks,
    options: IterOptions,
    at: Option<(Bytes, Bytes)>,
    /// What comes after it, as far as it has been taken out of the map.
    ahead: VecDeque<(Bytes, Bytes)>,
}

/// Locks taken out of the map with one look: a reader that passes the locks of a large transaction comes to each of them.
const AHEAD: usize = 32;

impl LockCursor {
    fn new(locks: Locks, options: IterOptions) -> LockCursor {
        LockCursor { locks, options, at: None, ahead: VecDeque::new() }
    }

    fn lower(&self) -> &[u8] {
        self.options.lower.as_deref().unwrap_or_default()
    }

    /// The first lock that is not before `key`, or with `after` behind it.
    fn forward(&mut self, key: &[u8], after: bool) -> Result<bool> {
        self.at = None;
        self.ahead.clear();
        if !self.locks.is_empty() {
            let key = key.max(self.lower());
            let from = if after { Bound::Excluded(key) } else { Bound::Included(key) };
            let upper = self.options.upper.as_deref();
            let following = self.locks.range::<[u8], _>((from, Bound::Unbounded));
            let inside = following.take_while(|(key, _)| upper.is_none_or(|upper| ***key < *upper));
            // Whoever seeks may want only this one.
            let most = if after { AHEAD } else { 1 };
            let copies = inside.take(most).map(|(key, lock)| (key.clone(), lock.clone()));
            let copies: VecDeque<_> = copies.collect();
            self.ahead = copies;
            self.at = self.ahead.pop_front();
        }
        Ok(self.at.is_some())
    }

    /// The last lock within `to`.
    fn backward(&mut self, to: Bound<&[u8]>) -> Result<bool> {
        self.at = None;
        self.ahead.clear();
        if !self.locks.is_empty() {
            let to = match (to, self.options.upper.as_deref()) {
                (Bound::Included(key), Some(upper)) if key >= upper => Bound::Excluded(upper),
                (Bound::Excluded(key), Some(upper)) if key > upper => Bound::Excluded(upper),
                (Bound::Unbounded, Some(upper)) => Bound::Excluded(upper),
                (to, _) => to,
            };
            let last = self.locks.range::<[u8], _>((Bound::Unbounded, to)).next_back();
            self.at = last
                .filter(|(key, _)| ***key >= *self.lower())
                .map(|(key, lock)| (key.clone(), lock.clone()));
        }
        Ok(self.at.is_some())
    }
}

impl Cursor for LockCursor {
    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        self.forward(key, false)
    }

    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        self.backward(Bound::Included(key))
    }

    fn seek_to_first(&mut self) -> Result<bool> {
        self.forward(&[], false)
    }

    fn seek_to_last(&mut self) -> Result<bool> {
        self.backward(Bound::Unbounded)
    }

    fn next(&mut self) -> Result<bool> {
        match self.at.take() {
            Some(_) if !self.ahead.is_empty() => {
                self.at = self.ahead.pop_front();
                Ok(true)
            }
            Some((key, _)) => self.forward(&key, true),
            None => Ok(false),
        }
    }

    fn prev(&mut self) -> Result<bool> {
        match self.at.take() {
            Some((key, _)) => self.backward(Bound::Excluded(&key)),
            None => Ok(false),
        }
    }

    fn valid(&self) -> bool {
        self.at.is_some()
    }

    fn key(&self) -> &[u8] {
        &self.at.as_ref().expect("the caller checked that the cursor is valid").0
    }

    fn value(&self) -> &[u8] {
        &self.at.as_ref().expect("the caller checked that the cursor is valid").1
    }
}
