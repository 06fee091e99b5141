//! Which ranges are kept, and how much memory they may take.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::block::{Block, MAX_VERSIONS, Version};
use crate::common::Timestamp;
use crate::storage::engine::{Result, WriteOp};

/// One range and its versions.
#[derive(Debug)]
pub(super) struct Range {
    start: Bytes,
    end: Bytes,
    /// Whether it was read since eviction last looked at it.
    used: AtomicBool,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    block: Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Collects what is written; not for readers.
    Loading,
    Ready,
    /// No longer among the ranges.
    Gone,
}

impl Range {
    /// The first key past it.
    pub(super) fn end(&self) -> &Bytes {
        &self.end
    }

    /// What a reader at `ts` may look at: see [`Block::copy`]. `None`: it has to read the engine.
    pub(super) fn copy(
        &self,
        from: &[u8],
        upper: Option<&[u8]>,
        ts: Timestamp,
        limit: usize,
        out: &mut Vec<Version>,
    ) -> Option<Result<Option<Bytes>>> {
        let state = self.state.read();
        if state.phase != Phase::Ready || ts < state.block.floor() {
            return None;
        }
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Some(state.block.copy(from, upper, ts, limit, out))
    }
}

/// Where a key is.
pub(super) enum Place {
    /// In a range that is kept.
    In(Arc<Range>),
    /// Between them; the next one starts there.
    Gap(Option<Bytes>),
}

/// The ranges, disjoint, by their first keys.
pub(super) struct Ranges {
    by_start: RwLock<BTreeMap<Bytes, Arc<Range>>>,
    /// Their number: lets everybody pass without the lock while there is none.
    count: AtomicUsize,
    bytes: AtomicUsize,
    budget: usize,
    /// Where eviction goes on.
    hand: Mutex<Bytes>,
}

impl Ranges {
    pub(super) fn new(budget: usize) -> Ranges {
        Ranges {
            by_start: RwLock::default(),
            count: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            budget,
            hand: Mutex::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    pub(super) fn budget(&self) -> usize {
        self.budget
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Where a key of the write family is.
    pub(super) fn place(&self, key: &[u8]) -> Place {
        let by_start = self.by_start.read();
        let mut before = by_start.range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        if let Some((_, range)) = before.next_back()
            && *key < *range.end
        {
            return Place::In(Arc::clone(range));
        }
        let mut after = by_start.range::<[u8], _>((Bound::Excluded(key), Bound::Unbounded));
        Place::Gap(after.next().map(|(start, _)| start.clone()))
    }

    /// Makes `[start, end)` a range that collects what is written from now on. Not if a part of it is one already.
    pub(super) fn register(
        &self,
        start: &[u8],
        end: &[u8],
        floor: Timestamp,
    ) -> Option<Arc<Range>> {
        let mut by_start = self.by_start.write();
        let overlaps = overlapping(&by_start, start, end).next().is_some();
        if overlaps || start >= end {
            return None;
        }
        let range = Arc::new(Range {
            start: Bytes::copy_from_slice(start),
            end: Bytes::copy_from_slice(end),
            used: AtomicBool::new(true),
            state: RwLock::new(State { phase: Phase::Loading, block: Block::new(floor) }),
        });
        by_start.insert(range.start.clone(), Arc::clone(&range));
        self.count.store(by_start.len(), Ordering::SeqCst);
        Some(range)
    }

    /// Opens a range to readers: `versions` is what the engine had at some moment since it was registered.
    pub(super) fn finish(&self, range: &Range, versions: Vec<Version>) {
        {
            let mut state = range.state.write();
            if state.phase != Phase::Loading {
                return;
            }
            let before = state.block.bytes();
            state.block.fill(versions);
            state.phase = Phase::Ready;
            self.account(before, state.block.bytes());
        }
        self.evict();
    }

    /// Applies a change of one version.
    pub(super) fn change(&self, range: &Arc<Range>, change: WriteOp) {
        let too_large = {
            let mut state = range.state.write();
            if state.phase == Phase::Gone {
                return;
            }
            let before = state.block.bytes();
            let done = match change {
                WriteOp::Put(_, key, record) => {
                    state.block.put(Version { key: key.into(), record: record.into() })
                }
                WriteOp::Delete(_, key) => {
                    state.block.remove(&key);
                    Ok(())
                }
                WriteOp::DeleteRange(..) => Ok(()),
            };
            self.account(before, state.block.bytes());
            // A key that is none of a version: the engine may have it, this has no order for it.
            done.is_err() || state.block.len() > 2 * MAX_VERSIONS
        };
        if too_large {
            self.drop_overlapping(&range.start.clone(), &range.end.clone());
        }
    }

    /// Forgets the ranges that have a key of `[start, end)`.
    pub(super) fn drop_overlapping(&self, start: &[u8], end: &[u8]) {
        if self.is_empty() || start >= end {
            return;
        }
        let mut by_start = self.by_start.write();
        let gone: Vec<Bytes> =
            overlapping(&by_start, start, end).map(|range| range.start.clone()).collect();
        for start in gone {
            self.remove(&mut by_start, &start);
        }
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        let mut by_start = self.by_start.write();
        while let Some(start) = by_start.keys().next().cloned() {
            self.remove(&mut by_start, &start);
        }
    }

    /// Makes room: goes around the ranges, passes once over those that were read since the last time, and drops the others.
    fn evict(&self) {
        if self.bytes() <= self.budget {
            return;
        }
        let mut hand = self.hand.lock();
        let mut by_start = self.by_start.write();
        let mut left = 2 * by_start.len();
        while self.bytes() > self.budget && left > 0 {
            left -= 1;
            let next = by_start
                .range::<Bytes, _>((Bound::Excluded(&*hand), Bound::Unbounded))
                .next()
                .or_else(|| by_start.iter().next());
            let Some((start, range)) = next.map(|(start, range)| (start.clone(), range)) else {
                break;
            };
            if !range.used.swap(false, Ordering::Relaxed) {
                self.remove(&mut by_start, &start);
            }
            *hand = start;
        }
    }

    fn remove(&self, by_start: &mut BTreeMap<Bytes, Arc<Range>>, start: &Bytes) {
        if let Some(range) = by_start.remove(start) {
            let mut state = range.state.write();
            state.phase = Phase::Gone;
            self.account(state.block.bytes(), 0);
            state.block = Block::default();
        }
        self.count.store(by_start.len(), Ordering::SeqCst);
    }

    fn account(&self, before: usize, after: usize) {
        if after >= before {
            self.bytes.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.bytes.fetch_sub(before - after, Ordering::Relaxed);
        }
    }
}

/// The ranges that have a key of `[start, end)`.
fn overlapping<'a>(
    by_start: &'a BTreeMap<Bytes, Arc<Range>>,
    start: &'a [u8],
    end: &[u8],
) -> impl Iterator<Item = &'a Arc<Range>> {
    let before = by_start
        .range::<[u8], _>((Bound::Unbounded, Bound::Excluded(start)))
        .next_back()
        .filter(move |(_, range)| *range.end > *start);
    let from = by_start.range::<[u8], _>((Bound::Included(start), Bound::Excluded(end)));
    before.into_iter().chain(from).map(|(_, range)| range)
}
