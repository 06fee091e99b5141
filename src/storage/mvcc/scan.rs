//! Ordered reads of a range.

use bytes::Bytes;

use super::Result;
use super::key::{split_version, user_key, version_key};
use super::lock::{Lock, check_read};
use super::range::{KeyRange, after_versions};
use super::reader::{NEAR_STEPS, near_seek, visible_value};
use crate::common::Timestamp;
use crate::storage::engine::{self, Cf, Cursor, Reader};
use crate::storage::txn::KvPair;

/// What a scan reads, and how.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions<'a> {
    /// The snapshot.
    pub ts: Timestamp,
    /// Last key to first.
    pub reverse: bool,
    /// Leave the values out.
    pub key_only: bool,
    /// Transactions that do not matter.
    pub resolved: &'a [Timestamp],
}

/// Yields the pairs of a range in order. Two cursors walk side by side, one over the locks and one over the commit
/// records; the key nearest to either is next. A lock that blocks the reader ends the scan with its error, but only
/// once the scan gets there.
pub struct Scanner<'a> {
    reader: &'a dyn Reader,
    options: ScanOptions<'a>,
    locks: Box<dyn Cursor + 'a>,
    writes: Box<dyn Cursor + 'a>,
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
        let mut writes = reader.cursor(Cf::Write, range.options())?;
        for cursor in [&mut locks, &mut writes] {
            if options.reverse {
                cursor.seek_to_last()?
            } else {
                cursor.seek_to_first()?
            };
        }
        Ok(Scanner { reader, options, locks, writes })
    }

    /// The next pair.
    pub fn next_pair(&mut self) -> Result<Option<KvPair>> {
        while let Some(data_key) = self.next_key()? {
            let key = user_key(&data_key)?;
            self.pass_lock(&data_key, &key)?;
            let value = if self.options.reverse {
                self.value_backward(&data_key)?
            } else {
                self.value_forward(&data_key)?
            };
            if let Some(value) = value {
                return Ok(Some(KvPair { key: Bytes::from(key), value }));
            }
        }
        Ok(None)
    }

    /// Up to `limit` pairs.
    pub fn take(&mut self, limit: usize) -> Result<Vec<KvPair>> {
        let mut pairs = Vec::new();
        while pairs.len() < limit {
            let Some(pair) = self.next_pair()? else { break };
            pairs.push(pair);
        }
        Ok(pairs)
    }

    /// The nearest data key either cursor stands on.
    fn next_key(&self) -> engine::Result<Option<Vec<u8>>> {
        let lock = self.locks.valid().then(|| self.locks.key());
        let write = match self.writes.valid() {
            true => Some(split_version(self.writes.key())?.0),
            false => None,
        };
        let next = match (lock, write) {
            (Some(lock), Some(write)) if self.options.reverse => Some(lock.max(write)),
            (Some(lock), Some(write)) => Some(lock.min(write)),
            (lock, write) => lock.or(write),
        };
        Ok(next.map(<[u8]>::to_vec))
    }

    /// Judges the lock on the key, if there is one, and steps over it.
    fn pass_lock(&mut self, data_key: &[u8], key: &[u8]) -> Result<()> {
        if self.locks.valid() && self.locks.key() == data_key {
            let lock = Lock::decode(self.locks.value())?;
            check_read(&lock, key, self.options.ts, self.options.resolved)?;
            if self.options.reverse {
                self.locks.prev()?
            } else {
                self.locks.next()?
            };
        }
        Ok(())
    }

    /// The write cursor stands on the key's newest version or past the key. Leaves it past the key.
    fn value_forward(&mut self, data_key: &[u8]) -> engine::Result<Option<Bytes>> {
        if !on_key(self.writes.as_ref(), data_key) {
            return Ok(None);
        }
        let cursor = self.writes.as_mut();
        near_seek(cursor, &version_key(data_key, self.options.ts))?;
        let value = visible_value(self.reader, cursor, data_key, self.options.key_only)?;
        near_seek(cursor, &after_versions(data_key))?;
        Ok(value)
    }

    /// The write cursor stands on the key's oldest version or before the key. Leaves it before the key.
    fn value_backward(&mut self, data_key: &[u8]) -> engine::Result<Option<Bytes>> {
        if !on_key(self.writes.as_ref(), data_key) {
            return Ok(None);
        }
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
