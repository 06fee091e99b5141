//! The Raft logs of a store, on the `raft` engine.
//!
//! [`RegionLog`] is one region's log as its peer sees it: appending takes effect for reads at once, while the
//! change goes into a [`WriteBatch`] that may hold many regions' changes and is written, with one sync, by
//! somebody else. Until the peer is told so ([`RegionLog::persisted`]) its entries stay in memory. It answers
//! what the raft crate's `Storage` asks, apart from snapshots.
//!
//! Which part of a log is compacted is not kept here: it is replicated, so it belongs to the region's
//! `RaftApplyState` in the `kv` engine. [`LogStore::load`] takes it from there, and where the two engines disagree,
//! as they may after a crash, it is the `kv` engine that is right.

use std::collections::VecDeque;
use std::sync::Arc;

use ::raft::StorageError;
use ::raft::eraftpb::{Entry, HardState};
use prost::Message as _;
use protobuf::Message as _;

use crate::common::{LogIndex, RegionId, Term};
use crate::storage::codec::keys;
use crate::storage::engine::{self, Cf, Engine, IterOptions, WriteBatch};
use crate::storage::proto::eraftpb;
use crate::storage::proto::raft_serverpb::{RaftLocalState, RaftTruncatedState};

mod record;
#[cfg(test)]
mod tests;

use record::{open_record, parse_entry, put_entry, record};

/// The index up to which the log of a region that starts with data counts as compacted. Not zero, so that a new
/// peer, which starts at zero, needs a snapshot.
pub const RAFT_INIT_LOG_INDEX: LogIndex = LogIndex(5);
/// The term of that index.
pub const RAFT_INIT_LOG_TERM: Term = Term(5);
/// How many bytes of entries a region keeps in memory once they are on disk.
const CACHE_BYTES: usize = 1 << 20;

/// A result of the log.
pub type Result<T> = std::result::Result<T, Error>;

/// What the log can answer instead of entries.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The entry is no longer in the log: the follower that needs it gets a snapshot.
    #[error("log entry {0} is compacted")]
    Compacted(LogIndex),
    /// The entry is not yet in the log. Raft's own logic reacts.
    #[error("log entry {0} is not in the log yet")]
    Unavailable(LogIndex),
    /// The engine failed. The node stops.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

impl From<Error> for ::raft::Error {
    fn from(error: Error) -> ::raft::Error {
        ::raft::Error::Store(match error {
            Error::Compacted(_) => StorageError::Compacted,
            Error::Unavailable(_) => StorageError::Unavailable,
            Error::Engine(_) => StorageError::Other(Box::new(error)),
        })
    }
}

fn corrupt(region: RegionId, what: impl std::fmt::Display) -> Error {
    Error::Engine(engine::Error::Corruption(format!("raft log of region {region}: {what}")))
}

/// A position in a log: an index and the term of the entry there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition {
    /// The index.
    pub index: LogIndex,
    /// The term of the entry.
    pub term: Term,
}

impl LogPosition {
    /// Where the log of a region that starts with data begins.
    pub const INIT: LogPosition =
        LogPosition { index: RAFT_INIT_LOG_INDEX, term: RAFT_INIT_LOG_TERM };
}

impl From<&RaftTruncatedState> for LogPosition {
    fn from(state: &RaftTruncatedState) -> LogPosition {
        LogPosition { index: LogIndex(state.index), term: Term(state.term) }
    }
}

impl From<LogPosition> for RaftTruncatedState {
    fn from(position: LogPosition) -> RaftTruncatedState {
        RaftTruncatedState { index: position.index.0, term: position.term.0 }
    }
}

/// The logs of all regions of a store.
#[derive(Clone)]
pub struct LogStore {
    engine: Arc<dyn Engine>,
}

impl LogStore {
    /// The logs on a `raft` engine.
    pub fn new(engine: Arc<dyn Engine>) -> LogStore {
        LogStore { engine }
    }

    /// The engine, to write the batches to.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// A new region's log, compacted up to `start`: [`LogPosition::INIT`] for one that starts with data, the default for
    /// one that waits for a snapshot.
    pub fn create(
        &self,
        region: RegionId,
        start: LogPosition,
        batch: &mut WriteBatch,
    ) -> RegionLog {
        let mut log = RegionLog::at(self.engine.clone(), region, start);
        log.hard_state.term = start.term.0;
        log.hard_state.commit = start.index.0;
        log.put_state(batch);
        log
    }

    /// A region's log as it was left, or `None` when there is none. `truncated` is what the `kv` engine says.
    ///
    /// When the log ends before `truncated`, the region was given a snapshot and a crash came between the writes to
    /// the two engines: the log is moved up, and `batch` makes that durable.
    pub fn load(
        &self,
        region: RegionId,
        truncated: LogPosition,
        batch: &mut WriteBatch,
    ) -> Result<Option<RegionLog>> {
        let key = keys::raft_state_key(region);
        let Some(record) = self.engine.get(Cf::Raft, &key)? else { return Ok(None) };
        let state = RaftLocalState::decode(open_record(region, &key, &record)?)
            .map_err(|error| corrupt(region, format_args!("its state does not decode: {error}")))?;
        let mut log = RegionLog::at(self.engine.clone(), region, truncated);
        let hard_state = state.hard_state.unwrap_or_default();
        log.hard_state.term = hard_state.term;
        log.hard_state.vote = hard_state.vote;
        log.hard_state.commit = hard_state.commit;
        if state.last_index < truncated.index.0 {
            log.restart_at(truncated, batch);
            return Ok(Some(log));
        }
        if log.replaced(truncated)? {
            // A snapshot took the place of this log, and the crash came before the log was restarted.
            log.restart_at(truncated, batch);
            return Ok(Some(log));
        }
        log.last.index = LogIndex(state.last_index);
        if log.last.index > truncated.index {
            log.last.term = Term(log.read(log.last.index)?.term);
        }
        log.persisted = log.last.index;
        Ok(Some(log))
    }

    /// Every region that has a log, ascending.
    pub fn regions(&self) -> Result<Vec<RegionId>> {
        let mut regions = Vec::new();
        let mut cursor = self.engine.cursor(Cf::Raft, IterOptions::default())?;
        let mut at = RegionId(0);
        // Entries sort before the state, so each step goes right to the next region's state.
        while cursor.seek(&keys::raft_state_key(at))? {
            if let Ok(region) = keys::decode_raft_state_key(cursor.key()) {
                regions.push(region);
                at = RegionId(region.0 + 1);
            } else {
                match keys::decode_raft_log_key(cursor.key()) {
                    Ok((region, _)) => at = region,
                    Err(_) => break,
                }
            }
        }
        Ok(regions)
    }
}

/// One region's log.
///
/// Invariants: the log holds the indexes after `truncated` up to `last` without a gap; what is after `persisted` is in
/// `cache`; `cache` ends with `last`.
pub struct RegionLog {
    engine: Arc<dyn Engine>,
    region: RegionId,
    hard_state: HardState,
    truncated: LogPosition,
    last: LogPosition,
    persisted: LogIndex,
    cache: VecDeque<Entry>,
    cache_bytes: usize,
}

impl RegionLog {
    /// An empty log that is compacted up to `start`.
    fn at(engine: Arc<dyn Engine>, region: RegionId, start: LogPosition) -> RegionLog {
        RegionLog {
            engine,
            region,
            hard_state: HardState::default(),
            truncated: start,
            last: start,
            persisted: start.index,
            cache: VecDeque::new(),
            cache_bytes: 0,
        }
    }

    /// The region.
    pub fn region(&self) -> RegionId {
        self.region
    }

    /// Raft's hard state, as of the last append.
    pub fn hard_state(&self) -> &HardState {
        &self.hard_state
    }

    /// Up to where the log is compacted.
    pub fn truncated(&self) -> LogPosition {
        self.truncated
    }

    /// The first index that may be read.
    pub fn first_index(&self) -> LogIndex {
        LogIndex(self.truncated.index.0 + 1)
    }

    /// The last entry, or where the log starts when it is empty.
    pub fn last(&self) -> LogPosition {
        self.last
    }

    /// Up to where entries are known to be on disk.
    pub fn persisted_index(&self) -> LogIndex {
        self.persisted
    }

    /// The term of an entry from `truncated` to `last`.
    pub fn term(&self, index: LogIndex) -> Result<Term> {
        if index == self.truncated.index {
            return Ok(self.truncated.term);
        }
        if index == self.last.index {
            return Ok(self.last.term);
        }
        self.check(index)?;
        match self.cached(index) {
            Some(position) => Ok(Term(self.cache[position].term)),
            None => Ok(Term(self.read(index)?.term)),
        }
    }

    /// The entries `low..high`; of those only the first ones whose size adds up to `max_bytes`, but at least one.
    pub fn entries(
        &self,
        low: LogIndex,
        high: LogIndex,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Entry>> {
        if low >= high {
            return Ok(Vec::new());
        }
        self.check(low)?;
        self.check(LogIndex(high.0 - 1))?;
        let mut taken = Taken { entries: Vec::new(), room: max_bytes.unwrap_or(u64::MAX) };
        let cached_from = self.cache.front().map_or(u64::MAX, Entry::get_index);
        let uncached_high = LogIndex(high.0.min(cached_from));
        if low < uncached_high && !self.read_range(low, uncached_high, &mut taken)? {
            return Ok(taken.entries);
        }
        let from = low.0.max(cached_from);
        for index in from..high.0 {
            if !taken.push(|| self.cache[(index - cached_from) as usize].clone()) {
                break;
            }
        }
        Ok(taken.entries)
    }

    /// Appends entries, replacing what is at or after the first of them, and takes over the hard state. Reads see
    /// it at once; `batch` makes it durable.
    ///
    /// # Panics
    ///
    /// When the entries leave a gap or reach into what is compacted: Raft never does either.
    pub fn append(
        &mut self,
        entries: &[Entry],
        hard_state: Option<&HardState>,
        batch: &mut WriteBatch,
    ) {
        if let Some(hard_state) = hard_state {
            self.check_hard_state(hard_state);
            self.hard_state = hard_state.clone();
        }
        if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
            let region = self.region;
            let first = LogIndex(first.index);
            assert!(first > self.truncated.index, "region {region} appends to its compacted log");
            assert!(first.0 <= self.last.index.0 + 1, "region {region} leaves a gap in its log");
            self.cut_cache(first);
            for (expected, entry) in (first.0..).zip(entries) {
                assert_eq!(entry.index, expected, "region {region} appends entries with a gap");
                let key = keys::raft_log_key(region, LogIndex(entry.index));
                batch.put(Cf::Raft, key, record(&key, |out| put_entry(entry, out)));
                self.cache_bytes += size_of_entry(entry);
                self.cache.push_back(entry.clone());
            }
            if last.index < self.last.index.0 {
                self.delete(LogIndex(last.index + 1), self.last.index, batch);
            }
            self.last = LogPosition { index: LogIndex(last.index), term: Term(last.term) };
        }
        let committed = self.hard_state.commit;
        assert!(
            committed <= self.last.index.0,
            "what is committed in region {} is in its log",
            self.region
        );
        if !entries.is_empty() || hard_state.is_some() {
            self.put_state(batch);
        }
    }

    /// What a replica has promised it keeps: its term and what is committed only grow, and in one term it has one vote.
    fn check_hard_state(&self, next: &HardState) {
        let (now, region) = (&self.hard_state, self.region);
        assert!(next.term >= now.term, "the term of a replica of region {region} only grows");
        assert!(next.commit >= now.commit, "what is committed in region {region} stays so");
        let same_vote = next.vote == now.vote || now.vote == 0;
        assert!(next.term > now.term || same_vote, "region {region} votes twice in one term");
    }

    /// Says that what was appended up to this entry is on disk. Out of date when the entry has been replaced since.
    pub fn persisted(&mut self, position: LogPosition) {
        let newer = position.index > self.persisted && position.index <= self.last.index;
        if newer && self.term(position.index).is_ok_and(|term| term == position.term) {
            self.persisted = position.index;
        }
        self.shrink_cache(CACHE_BYTES);
    }

    /// Drops entries from memory, oldest first, until at most `bytes` are left; those not yet on disk stay.
    pub fn shrink_cache(&mut self, bytes: usize) {
        while self.cache_bytes > bytes
            && self.cache.front().is_some_and(|entry| entry.index <= self.persisted.0)
        {
            self.drop_oldest();
        }
        if self.cache.is_empty() {
            self.cache = VecDeque::new();
        }
    }

    /// Drops the log up to and including `to`; earlier than what is dropped already changes nothing.
    ///
    /// The caller makes sure that what these entries did is durable in the `kv` engine, and the position as
    /// well, before `batch` is written: afterwards nothing can restore it.
    ///
    /// # Panics
    ///
    /// When `to` is past the end of the log.
    pub fn compact(&mut self, to: LogPosition, batch: &mut WriteBatch) {
        if to.index <= self.truncated.index {
            return;
        }
        assert!(to.index <= self.last.index, "region {} compacts past its log", self.region);
        self.delete(self.first_index(), to.index, batch);
        self.truncated = to;
        self.persisted = self.persisted.max(to.index);
        while self.cache.front().is_some_and(|entry| entry.index <= to.index.0) {
            self.drop_oldest();
        }
    }

    /// Starts over behind a snapshot: an empty log that is compacted up to it.
    pub fn restart_at(&mut self, snapshot: LogPosition, batch: &mut WriteBatch) {
        let (start, end) = keys::raft_log_range(self.region);
        batch.delete_range(Cf::Raft, start, end);
        let mut hard_state = std::mem::take(&mut self.hard_state);
        if hard_state.term < snapshot.term.0 {
            hard_state.term = snapshot.term.0;
            hard_state.vote = 0;
        }
        hard_state.commit = hard_state.commit.max(snapshot.index.0);
        *self = RegionLog::at(self.engine.clone(), self.region, snapshot);
        self.hard_state = hard_state;
        self.put_state(batch);
    }

    /// Removes the log and the hard state.
    pub fn destroy(self, batch: &mut WriteBatch) {
        let (start, end) = keys::raft_range(self.region);
        batch.delete_range(Cf::Raft, start, end);
    }

    /// Whether the entry the log is compacted up to is still there, and is another one.
    fn replaced(&self, truncated: LogPosition) -> Result<bool> {
        let key = keys::raft_log_key(self.region, truncated.index);
        match self.engine.get(Cf::Raft, &key)? {
            Some(record) => {
                let entry = parse_entry(self.region, truncated.index, &key, &record)?;
                Ok(entry.term != truncated.term.0)
            }
            None => Ok(false),
        }
    }

    fn check(&self, index: LogIndex) -> Result<()> {
        if index <= self.truncated.index {
            Err(Error::Compacted(index))
        } else if index > self.last.index {
            Err(Error::Unavailable(index))
        } else {
            Ok(())
        }
    }

    fn cached(&self, index: LogIndex) -> Option<usize> {
        let position = index.0.checked_sub(self.cache.front()?.index)?;
        Some(position as usize)
    }

    /// Forgets entries from `first` on, on their way out of the log.
    fn cut_cache(&mut self, first: LogIndex) {
        while self.cache.back().is_some_and(|entry| entry.index >= first.0) {
            if let Some(entry) = self.cache.pop_back() {
                self.cache_bytes -= size_of_entry(&entry);
            }
        }
        self.persisted = self.persisted.min(LogIndex(first.0 - 1));
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.cache.pop_front() {
            self.cache_bytes -= size_of_entry(&entry);
        }
    }

    fn delete(&self, first: LogIndex, last: LogIndex, batch: &mut WriteBatch) {
        let end = keys::raft_log_key(self.region, LogIndex(last.0 + 1));
        batch.delete_range(Cf::Raft, keys::raft_log_key(self.region, first), end);
    }

    fn put_state(&self, batch: &mut WriteBatch) {
        let HardState { term, vote, commit, .. } = self.hard_state;
        let hard_state = Some(eraftpb::HardState { term, vote, commit });
        let state = RaftLocalState { hard_state, last_index: self.last.index.0 };
        let key = keys::raft_state_key(self.region);
        let record = record(&key, |out| {
            state.encode(out).expect("a vector has room");
        });
        batch.put(Cf::Raft, key, record);
    }

    fn read(&self, index: LogIndex) -> Result<Entry> {
        let key = keys::raft_log_key(self.region, index);
        let record = self.engine.get(Cf::Raft, &key)?;
        let record =
            record.ok_or_else(|| corrupt(self.region, format_args!("entry {index} is missing")))?;
        parse_entry(self.region, index, &key, &record)
    }

    /// Takes entries from disk; false when there was no room for all.
    fn read_range(&self, low: LogIndex, high: LogIndex, taken: &mut Taken) -> Result<bool> {
        if low.0 + 1 == high.0 {
            let entry = self.read(low)?;
            return Ok(taken.push(|| entry));
        }
        let (lower, upper) =
            (keys::raft_log_key(self.region, low), keys::raft_log_key(self.region, high));
        let options = IterOptions {
            lower: Some(lower.to_vec()),
            upper: Some(upper.to_vec()),
            ..IterOptions::default()
        };
        let mut cursor = self.engine.cursor(Cf::Raft, options)?;
        cursor.seek_to_first()?;
        for index in low.0..high.0 {
            let key = keys::raft_log_key(self.region, LogIndex(index));
            if !cursor.valid() || cursor.key() != key {
                return Err(corrupt(self.region, format_args!("entry {index} is missing")));
            }
            let entry = parse_entry(self.region, LogIndex(index), &key, cursor.value())?;
            if !taken.push(|| entry) {
                return Ok(false);
            }
            cursor.next()?;
        }
        Ok(true)
    }
}

/// Entries taken so far, and how many bytes more there may be.
struct Taken {
    entries: Vec<Entry>,
    room: u64,
}

impl Taken {
    /// Takes one more entry if it fits, or if it is the first.
    fn push(&mut self, entry: impl FnOnce() -> Entry) -> bool {
        if !self.entries.is_empty() && self.room == 0 {
            return false;
        }
        let entry = entry();
        let size = u64::from(entry.compute_size());
        if !self.entries.is_empty() && size > self.room {
            self.room = 0;
            return false;
        }
        self.room = self.room.saturating_sub(size);
        self.entries.push(entry);
        true
    }
}

fn size_of_entry(entry: &Entry) -> usize {
    size_of::<Entry>() + entry.data.len() + entry.context.len()
}
