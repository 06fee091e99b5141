//! The engine in memory, for tests and the simulator.
//!
//! It keeps what RocksDB promises and nothing more. Every value carries the sequence number of the batch that
//! wrote it, and a snapshot is only a number: old versions stay as long as a snapshot is alive that sees them.
//! The engine knows what has been synced, and [`MemoryEngine::crash`] forgets the rest, as a machine that
//! loses power may.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::{
    Cf, Cursor, Engine, Error, IterOptions, Reader, Result, Snapshot, WriteBatch, WriteOp,
};

/// A disk with an engine on it. Clones share the disk: a clone taken before a "process" ends is the reopened engine.
#[derive(Clone, Default)]
pub struct MemoryEngine {
    disk: Arc<Disk>,
}

#[derive(Default)]
struct Disk {
    /// Locked before `snapshots`.
    state: RwLock<State>,
    /// The sequence numbers in use by snapshots and cursors, and by how many.
    snapshots: Mutex<BTreeMap<u64, usize>>,
    checkpoints: Mutex<BTreeMap<PathBuf, MemoryEngine>>,
}

#[derive(Default)]
struct State {
    /// The newest batch.
    sequence: u64,
    tables: [BTreeMap<Bytes, Versions>; Cf::ALL.len()],
    /// For each key changed since the last sync, its value at that sync.
    synced: BTreeMap<(Cf, Bytes), Option<Bytes>>,
    /// Overwritten keys by the batch that did it; their old versions go once no snapshot is older.
    overwritten: VecDeque<(u64, Cf, Bytes)>,
}

/// The versions of a key, oldest first; `None` is a deletion.
#[derive(Default)]
struct Versions(Vec<(u64, Option<Bytes>)>);

impl Versions {
    /// The value at a sequence number.
    fn at(&self, sequence: u64) -> Option<&Bytes> {
        self.0.iter().rev().find(|(written, _)| *written <= sequence)?.1.as_ref()
    }

    /// Drops what no snapshot from `oldest` on can see; true when nothing is left of the key.
    fn prune(&mut self, oldest: u64) -> bool {
        let unseen = self.0.partition_point(|(written, _)| *written <= oldest).saturating_sub(1);
        self.0.drain(..unseen);
        matches!(self.0.as_slice(), [(written, None)] if *written <= oldest)
    }
}

impl State {
    /// Sets or deletes a key as part of the batch with the present sequence number.
    fn set(&mut self, cf: Cf, key: Bytes, value: Option<Bytes>) {
        let sequence = self.sequence;
        let versions = self.tables[cf as usize].entry(key.clone()).or_default();
        let before = versions.at(sequence).cloned();
        match versions.0.last_mut() {
            Some((written, last)) if *written == sequence => *last = value,
            _ => versions.0.push((sequence, value)),
        }
        self.overwritten.push_back((sequence, cf, key.clone()));
        self.synced.entry((cf, key)).or_insert(before);
    }

    fn delete_range(&mut self, cf: Cf, start: &[u8], end: &[u8]) {
        if start >= end {
            return;
        }
        let range = (Bound::Included(start), Bound::Excluded(end));
        let keys: Vec<Bytes> = self.tables[cf as usize]
            .range::<[u8], _>(range)
            .filter(|(_, versions)| versions.at(self.sequence).is_some())
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.set(cf, key, None);
        }
    }

    fn apply(&mut self, op: WriteOp) {
        match op {
            WriteOp::Put(cf, key, value) => self.set(cf, key.into(), Some(value.into())),
            WriteOp::Delete(cf, key) => self.set(cf, key.into(), None),
            WriteOp::DeleteRange(cf, start, end) => self.delete_range(cf, &start, &end),
        }
    }

    /// Forgets versions that no snapshot from `oldest` on can see.
    fn collect(&mut self, oldest: u64) {
        while self.overwritten.front().is_some_and(|(written, ..)| *written <= oldest) {
            let Some((_, cf, key)) = self.overwritten.pop_front() else { break };
            let table = &mut self.tables[cf as usize];
            if table.get_mut(&key).is_some_and(|versions| versions.prune(oldest)) {
                table.remove(&key);
            }
        }
    }

    /// The first visible pair of a range, or with `last` the last one.
    fn find(
        &self,
        cf: Cf,
        sequence: u64,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        last: bool,
    ) -> Option<(Bytes, Bytes)> {
        if is_empty(range) {
            return None;
        }
        let mut pairs =
            self.tables[cf as usize].range::<[u8], _>(range).filter_map(|(key, versions)| {
                versions.at(sequence).map(|value| (key.clone(), value.clone()))
            });
        if last { pairs.next_back() } else { pairs.next() }
    }
}

/// Whether a range holds nothing by its bounds alone; `BTreeMap` panics on some of these.
fn is_empty(range: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match range {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high))
        | (Bound::Excluded(low), Bound::Included(high)) => low >= high,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new() -> MemoryEngine {
        MemoryEngine::default()
    }

    /// Loses power: everything not synced is gone. Snapshots taken before still see what they saw, but what
    /// they belong to should be gone as well.
    pub fn crash(&self) {
        let mut state = self.disk.state.write();
        state.sequence += 1;
        for ((cf, key), value) in std::mem::take(&mut state.synced) {
            state.set(cf, key, value);
        }
        state.synced.clear();
        let oldest = self.oldest(state.sequence);
        state.collect(oldest);
    }

    /// A copy of the engine that [`Engine::checkpoint`] put at `path`; writes to it leave the checkpoint as it was.
    pub fn open_checkpoint(&self, path: &Path) -> Result<MemoryEngine> {
        let checkpoints = self.disk.checkpoints.lock();
        let checkpoint = checkpoints
            .get(path)
            .ok_or_else(|| Error::Io(format!("no checkpoint at {}", path.display())))?;
        Ok(checkpoint.copy())
    }

    /// The same state on a disk of its own.
    fn copy(&self) -> MemoryEngine {
        let state = self.disk.state.read();
        let newest = |versions: &Versions| versions.at(state.sequence).cloned();
        let tables = Cf::ALL.map(|cf| {
            state.tables[cf as usize]
                .iter()
                .filter_map(|(key, versions)| Some((key.clone(), newest(versions)?)))
                .map(|(key, value)| (key, Versions(vec![(0, Some(value))])))
                .collect()
        });
        let copy = State { tables, ..State::default() };
        MemoryEngine { disk: Arc::new(Disk { state: RwLock::new(copy), ..Disk::default() }) }
    }

    /// The oldest state that somebody may look at; `newest` when there is no snapshot.
    fn oldest(&self, newest: u64) -> u64 {
        self.disk.snapshots.lock().keys().next().copied().unwrap_or(newest)
    }

    fn view(&self) -> MemorySnapshot {
        let state = self.disk.state.read();
        *self.disk.snapshots.lock().entry(state.sequence).or_default() += 1;
        MemorySnapshot { disk: self.disk.clone(), sequence: state.sequence }
    }

    /// How many versions are stored, old ones included.
    #[cfg(test)]
    pub(crate) fn version_count(&self) -> usize {
        let state = self.disk.state.read();
        state.tables.iter().flat_map(BTreeMap::values).map(|versions| versions.0.len()).sum()
    }
}

impl Reader for MemoryEngine {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let state = self.disk.state.read();
        let value =
            state.tables[cf as usize].get(key).and_then(|versions| versions.at(state.sequence));
        Ok(value.map(|value| value.to_vec()))
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(MemoryCursor { view: Arc::new(self.view()), cf, options, at: None }))
    }
}

impl Engine for MemoryEngine {
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        let mut state = self.disk.state.write();
        state.sequence += 1;
        for op in batch.ops {
            state.apply(op);
        }
        if sync {
            state.synced.clear();
        }
        let oldest = self.oldest(state.sequence);
        state.collect(oldest);
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(self.view())
    }

    fn sync(&self) -> Result<()> {
        self.disk.state.write().synced.clear();
        Ok(())
    }

    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        let range = (Bound::Included(start), Bound::Excluded(end));
        if is_empty(range) {
            return Ok(0);
        }
        let state = self.disk.state.read();
        let size = |(key, versions): (&Bytes, &Versions)| {
            versions.at(state.sequence).map_or(0, |value| (key.len() + value.len()) as u64)
        };
        Ok(state.tables[cf as usize].range::<[u8], _>(range).map(size).sum())
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        let mut checkpoints = self.disk.checkpoints.lock();
        if checkpoints.contains_key(path) {
            return Err(Error::AlreadyExists(path.to_owned()));
        }
        checkpoints.insert(path.to_owned(), self.copy());
        Ok(())
    }

    fn ingest(&self, cf: Cf, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()> {
        let pairs: Vec<_> = pairs.collect();
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Error::InvalidInput("keys to ingest must ascend without duplicates"));
        }
        let mut state = self.disk.state.write();
        state.sequence += 1;
        for (key, value) in pairs {
            let key = Bytes::from(key);
            state.set(cf, key.clone(), Some(value.into()));
            // An ingested file is durable at once, whatever else is not.
            state.synced.remove(&(cf, key));
        }
        let oldest = self.oldest(state.sequence);
        state.collect(oldest);
        Ok(())
    }

    fn compact(&self, _cf: Cf, _start: &[u8], _end: &[u8]) -> Result<()> {
        let mut state = self.disk.state.write();
        let oldest = self.oldest(state.sequence);
        state.collect(oldest);
        Ok(())
    }
}

/// A state of the engine, registered so that its versions stay.
struct MemorySnapshot {
    disk: Arc<Disk>,
    sequence: u64,
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        let mut snapshots = self.disk.snapshots.lock();
        if let Some(holders) = snapshots.get_mut(&self.sequence) {
            *holders -= 1;
            if *holders == 0 {
                snapshots.remove(&self.sequence);
            }
        }
    }
}

impl Reader for MemorySnapshot {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let state = self.disk.state.read();
        let value =
            state.tables[cf as usize].get(key).and_then(|versions| versions.at(self.sequence));
        Ok(value.map(|value| value.to_vec()))
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        *self.disk.snapshots.lock().entry(self.sequence).or_default() += 1;
        let view = MemorySnapshot { disk: self.disk.clone(), sequence: self.sequence };
        Ok(Box::new(MemoryCursor { view: Arc::new(view), cf, options, at: None }))
    }
}

impl Snapshot for MemorySnapshot {}

struct MemoryCursor {
    view: Arc<MemorySnapshot>,
    cf: Cf,
    options: IterOptions,
    at: Option<(Bytes, Bytes)>,
}

impl MemoryCursor {
    /// Moves to the first pair (with `last`, the last) within both the given and the cursor's own bounds.
    fn place(&mut self, low: Bound<&[u8]>, high: Bound<&[u8]>, last: bool) -> Result<bool> {
        let low = match (low, self.options.lower.as_deref()) {
            (Bound::Unbounded, None) => Bound::Unbounded,
            (Bound::Unbounded, Some(lower)) => Bound::Included(lower),
            (Bound::Included(key) | Bound::Excluded(key), Some(lower)) if key < lower => {
                Bound::Included(lower)
            }
            (bound, _) => bound,
        };
        let high = match (high, self.options.upper.as_deref()) {
            (Bound::Unbounded, None) => Bound::Unbounded,
            (Bound::Unbounded, Some(upper)) => Bound::Excluded(upper),
            (Bound::Included(key) | Bound::Excluded(key), Some(upper)) if key >= upper => {
                Bound::Excluded(upper)
            }
            (bound, _) => bound,
        };
        let state = self.view.disk.state.read();
        self.at = state.find(self.cf, self.view.sequence, (low, high), last);
        Ok(self.at.is_some())
    }
}

impl Cursor for MemoryCursor {
    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        self.place(Bound::Included(key), Bound::Unbounded, false)
    }

    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        self.place(Bound::Unbounded, Bound::Included(key), true)
    }

    fn seek_to_first(&mut self) -> Result<bool> {
        self.place(Bound::Unbounded, Bound::Unbounded, false)
    }

    fn seek_to_last(&mut self) -> Result<bool> {
        self.place(Bound::Unbounded, Bound::Unbounded, true)
    }

    fn next(&mut self) -> Result<bool> {
        match self.at.take() {
            Some((key, _)) => self.place(Bound::Excluded(&key), Bound::Unbounded, false),
            None => Ok(false),
        }
    }

    fn prev(&mut self) -> Result<bool> {
        match self.at.take() {
            Some((key, _)) => self.place(Bound::Unbounded, Bound::Excluded(&key), true),
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
