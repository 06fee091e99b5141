//! Ordered reads of a range.

use bytes::Bytes;

use super::Result;
use super::key::{split_version, user_key, version_key};
use super::lock::{Lock, Sight, check_read};
use super::range::{KeyRange, put_after_versions};
use super::reader::{NEAR_STEPS, locked_value, visible_value};
use super::room::Room;
use crate::common::Timestamp;
use crate::storage::api::{KvPair, Pass};
use crate::storage::codec;
use crate::storage::engine::{self, Cf, Cursor, IterOptions, Reader};

/// What a scan reads, and how.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions<'a> {
    /// The snapshot.
    pub ts: Timestamp,
    /// Last key to first.
    pub reverse: bool,
    /// Leave the values out.
    pub key_only: bool,
    /// Transactions whose locks are passed.
    pub resolved: &'a [Pass],
}

/// How many keys a scan looks back on at a time when it judges whether they were laborious.
const STRETCH_KEYS: usize = 128;
/// Keys are laborious when a scan passed more than so many versions for each, the one it was to read among them,
const LABORIOUS_PER_KEY: usize = 3;
/// and more than so many in all.
const LABORIOUS_PASSED: usize = 64;
/// As how many versions a seek counts.
const SEEK_PASSES: usize = 8;

/// A part of a scan.
struct Stretch {
    start: Vec<u8>,
    keys: usize,
    passed: usize,
}

/// Yields the pairs of a range in order. Two cursors walk side by side, one over the locks and one over the commit
/// records; the key nearest to either is next. A lock that blocks the reader ends the scan with its error, but only
/// once the scan gets there.
pub struct Scanner<'a> {
    reader: &'a dyn Reader,
    options: ScanOptions<'a>,
    locks: Box<dyn Cursor + 'a>,
    writes: Box<dyn Cursor + 'a>,
    /// The data key it is at.
    data_key: Vec<u8>,
    /// Where to seek to; kept for its memory.
    target: Vec<u8>,
    /// What has been read since this data key, and how many versions it had to step over.
    stretch: Stretch,
    /// How many old versions it steps over before it seeks. Keys that are written often lie together, so what the last key needed
    /// tells what the next will.
    steps: usize,
}

impl<'a> Scanner<'a> {
    /// Stands before the first key of `range`, or with `reverse` after the last.
    pub fn new(
        reader: &'a dyn Reader,
        range: &KeyRange,
        options: ScanOptions<'a>,
    ) -> Result<Scanner<'a>> {
        // Locks first: see the module's documentation.
        let mut locks = reader.cursor(Cf::Lock, range.options())?;
        let at = (!options.reverse).then_some(options.ts);
        let mut writes = reader.cursor(Cf::Write, IterOptions { at, ..range.options() })?;
        for cursor in [&mut locks, &mut writes] {
            if options.reverse {
                cursor.seek_to_last()?
            } else {
                cursor.seek_to_first()?
            };
        }
        Ok(Scanner {
            reader,
            options,
            locks,
            writes,
            data_key: Vec::new(),
            target: Vec::new(),
            stretch: Stretch { start: range.lower().to_vec(), keys: 0, passed: 0 },
            steps: NEAR_STEPS,
        })
    }

    /// The next pair.
    pub fn next_pair(&mut self) -> Result<Option<KvPair>> {
        while self.next_key()? {
            let committed = self.pass_lock()?;
            let value = if let Some(lock) = committed {
                self.value_of(&lock)?
            } else if !on_key(self.writes.as_ref(), &self.data_key) {
                None
            } else if self.options.reverse {
                self.value_backward()?
            } else {
                self.value_forward()?
            };
            if let Some(value) = value {
                let key = Bytes::from(user_key(&self.data_key)?);
                return Ok(Some(KvPair { key, value }));
            }
        }
        Ok(None)
    }

    /// Up to `limit` pairs, and not more than an answer carries.
    pub fn take(&mut self, limit: usize) -> Result<Vec<KvPair>> {
        let mut pairs = Vec::new();
        let mut room = Room::new();
        while pairs.len() < limit && !room.is_full() {
            let Some(pair) = self.next_pair()? else { break };
            room.take(pair.key.len() + pair.value.len());
            pairs.push(pair);
            if self.stretch.keys >= STRETCH_KEYS {
                self.end_stretch()?;
            }
        }
        self.end_stretch()?;
        Ok(pairs)
    }

    /// Says so if the keys since the last time were laborious to read.
    fn end_stretch(&mut self) -> engine::Result<()> {
        let Stretch { start, keys, passed } = &self.stretch;
        let laborious = *passed > LABORIOUS_PASSED && *passed > LABORIOUS_PER_KEY * keys;
        // Backward, what was read lies below the start; and who walks so is not helped by the hint.
        if !self.options.reverse && (laborious || *keys >= STRETCH_KEYS) {
            put_after_versions(&mut self.target, &self.data_key);
            if laborious {
                self.reader.laborious(start, &self.target, self.options.ts)?;
            }
            self.stretch = Stretch { start: self.target.clone(), keys: 0, passed: 0 };
        }
        Ok(())
    }

    /// Notes the nearest data key either cursor stands on; false at the end.
    fn next_key(&mut self) -> engine::Result<bool> {
        let lock = self.locks.valid().then(|| self.locks.key());
        let write = match self.writes.valid() {
            true => Some(split_version(self.writes.key())?.0),
            false => None,
        };
        let next = match (lock, write) {
            (Some(lock), Some(write)) if self.options.reverse => lock.max(write),
            (Some(lock), Some(write)) => lock.min(write),
            (Some(key), None) | (None, Some(key)) => key,
            (None, None) => return Ok(false),
        };
        let goes_on = match self.options.reverse {
            _ if self.data_key.is_empty() => true,
            false => *next > *self.data_key,
            true => *next < *self.data_key,
        };
        assert!(goes_on, "a scan gives each key once, in order");
        self.data_key.clear();
        self.data_key.extend_from_slice(next);
        self.stretch.keys += 1;
        Ok(true)
    }

    /// Judges the lock on the key, if there is one, and steps over it. Answers one whose transaction is committed.
    fn pass_lock(&mut self) -> Result<Option<Lock>> {
        if !self.locks.valid() || self.locks.key() != self.data_key {
            return Ok(None);
        }
        let lock = Lock::decode(self.locks.value())?;
        let key = user_key(&self.data_key)?;
        let sight = check_read(&lock, &key, self.options.ts, self.options.resolved)?;
        if self.options.reverse {
            self.locks.prev()?
        } else {
            self.locks.next()?
        };
        Ok((sight == Sight::Committed).then_some(lock))
    }

    /// What a committed lock says. Moves the write cursor past the key's versions, which are older.
    fn value_of(&mut self, lock: &Lock) -> engine::Result<Option<Bytes>> {
        let value = locked_value(self.reader, &self.data_key, lock, self.options.key_only)?;
        if on_key(self.writes.as_ref(), &self.data_key) {
            if self.options.reverse {
                near_seek_back(self.writes.as_mut(), &self.data_key)?;
            } else {
                self.pass_versions()?;
            }
        }
        Ok(value)
    }

    /// The write cursor stands on the key's newest version. Leaves it past the key.
    fn value_forward(&mut self) -> engine::Result<Option<Bytes>> {
        let ts = self.options.ts;
        let cursor = self.writes.as_mut();
        let mut left = self.steps;
        while on_key(cursor, &self.data_key) && split_version(cursor.key())?.1 > ts {
            if left == 0 {
                put_version_key(&mut self.target, &self.data_key, ts);
                cursor.seek(&self.target)?;
                self.stretch.passed += SEEK_PASSES;
                break;
            }
            self.stretch.passed += 1;
            left -= 1;
            cursor.next()?;
        }
        let value = visible_value(self.reader, cursor, &self.data_key, self.options.key_only)?;
        self.pass_versions()?;
        Ok(value)
    }

    /// Moves the write cursor past the key.
    fn pass_versions(&mut self) -> engine::Result<()> {
        let cursor = self.writes.as_mut();
        for _ in 0..self.steps {
            if !on_key(cursor, &self.data_key) {
                self.steps = NEAR_STEPS.min(self.steps + 1);
                return Ok(());
            }
            self.stretch.passed += 1;
            cursor.next()?;
        }
        if on_key(cursor, &self.data_key) {
            self.stretch.passed += SEEK_PASSES;
            self.steps = (self.steps / 2).max(1);
            put_after_versions(&mut self.target, &self.data_key);
            cursor.seek(&self.target)?;
        }
        Ok(())
    }

    /// The write cursor stands on the key's oldest version. Leaves it before the key.
    fn value_backward(&mut self) -> engine::Result<Option<Bytes>> {
        let data_key = &self.data_key;
        let cursor = self.writes.as_mut();
        // Versions come oldest first this way, and the newest visible one decides. A key with few versions is read
        // stepping; one with many by a seek to the deciding version.
        let newest_visible = version_key(data_key, self.options.ts);
        for _ in 0..NEAR_STEPS {
            if !cursor.valid() || *cursor.key() < *newest_visible {
                break;
            }
            cursor.prev()?;
        }
        if cursor.valid() && *cursor.key() < *newest_visible {
            cursor.next()?;
        } else {
            cursor.seek(&newest_visible)?;
        }
        let value = visible_value(self.reader, cursor, data_key, self.options.key_only)?;
        near_seek_back(cursor, data_key)?;
        Ok(value)
    }
}

/// Moves a cursor back to the last key below `target`: a few steps, then a seek.
fn near_seek_back(cursor: &mut dyn Cursor, target: &[u8]) -> engine::Result<bool> {
    for _ in 0..NEAR_STEPS {
        if cursor.valid() && cursor.key() < target {
            return Ok(true);
        }
        if !cursor.valid() {
            break;
        }
        cursor.prev()?;
    }
    // No version key equals a bare data key, so "last at or below" is "last below".
    cursor.seek_for_prev(target)
}

/// Whether a cursor over the write family stands on a version of `data_key`.
fn on_key(cursor: &dyn Cursor, data_key: &[u8]) -> bool {
    cursor.valid() && cursor.key().starts_with(data_key) && cursor.key().len() == data_key.len() + 8
}

/// Makes `target` the place of the newest version at or below `ts`.
fn put_version_key(target: &mut Vec<u8>, data_key: &[u8], ts: Timestamp) {
    target.clear();
    target.extend_from_slice(data_key);
    codec::mvcc::put_ts(target, ts);
}
