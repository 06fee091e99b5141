//! The engine's contract.

use std::path::Path;
use std::sync::Arc;

use super::Result;
use crate::common::Timestamp;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cf {
    /// Long values: encoded key + start timestamp → value.
    Default,
    /// Locks: encoded key → lock.
    Lock,
    /// Commit records: encoded key + commit timestamp → write.
    Write,
    /// Raft and region state of the store.
    Raft,
}

impl Cf {
    /// Every column family.
    pub const ALL: [Cf; 4] = [Cf::Default, Cf::Lock, Cf::Write, Cf::Raft];

    /// The name on disk, as in TiKV.
    pub fn name(self) -> &'static str {
        match self {
            Cf::Default => "default",
            Cf::Lock => "lock",
            Cf::Write => "write",
            Cf::Raft => "raft",
        }
    }
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOp {
    /// Sets a key.
    Put(Cf, Vec<u8>, Vec<u8>),
    /// Removes a key; removing what is not there is fine.
    Delete(Cf, Vec<u8>),
    /// Removes `[start, end)`; nothing when `start` is not below `end`.
    DeleteRange(Cf, Vec<u8>, Vec<u8>),
}

/// Changes that become visible, and durable, all together or not at all, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteBatch {
    /// The changes, first to last.
    pub ops: Vec<WriteOp>,
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Sets a key.
    pub fn put(&mut self, cf: Cf, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.ops.push(WriteOp::Put(cf, key.into(), value.into()));
    }

    /// Removes a key.
    pub fn delete(&mut self, cf: Cf, key: impl Into<Vec<u8>>) {
        self.ops.push(WriteOp::Delete(cf, key.into()));
    }

    /// Removes `[start, end)`.
    pub fn delete_range(&mut self, cf: Cf, start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) {
        self.ops.push(WriteOp::DeleteRange(cf, start.into(), end.into()));
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }
}

/// The bounds of an iteration; `[lower, upper)`, either may be open.
#[derive(Clone, Debug, Default)]
pub struct IterOptions {
    /// The first key that may be seen.
    pub lower: Option<Vec<u8>>,
    /// The first key past the end.
    pub upper: Option<Vec<u8>>,
    /// For the write family: after a seek, only versions of the key that was sought are looked at, and what lies beyond
    /// them may be missing. Lets the engine leave out files that do not have the key.
    pub one_key: bool,
    /// For the write family: the walk is for a reader at this timestamp. It looks, of each key, at the versions at or above it and at the
    /// newest value below; others may be missing. It walks forward.
    pub at: Option<Timestamp>,
}

/// A position in a column family. New cursors are invalid until a `seek`.
pub trait Cursor {
    /// Moves to the first key ≥ `key` within the bounds.
    fn seek(&mut self, key: &[u8]) -> Result<bool>;
    /// Moves to the last key ≤ `key` within the bounds.
    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool>;
    /// Moves to the first key.
    fn seek_to_first(&mut self) -> Result<bool>;
    /// Moves to the last key.
    fn seek_to_last(&mut self) -> Result<bool>;
    /// Moves one key forward; an invalid cursor stays so.
    fn next(&mut self) -> Result<bool>;
    /// Moves one key back; an invalid cursor stays so.
    fn prev(&mut self) -> Result<bool>;
    /// Whether the cursor stands on a key; each move returns the same.
    fn valid(&self) -> bool;
    /// The key it stands on. Panics when invalid.
    fn key(&self) -> &[u8];
    /// The value it stands on. Panics when invalid.
    fn value(&self) -> &[u8];
}

/// Reads.
pub trait Reader: Send + Sync {
    /// The value of a key.
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// A cursor. It sees one state of its column family: the one at its creation (or the snapshot's).
    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>>;
    /// A hint: to read `[start, end)` of the write family at `at` took many steps. Whoever has a way to make it
    /// easier for the next may do so now.
    fn laborious(&self, _start: &[u8], _end: &[u8], _at: Timestamp) -> Result<()> {
        Ok(())
    }
}

/// One state of all column families, for as long as it is held.
pub trait Snapshot: Reader {}

/// The disk an engine writes to. Both figures are zero when it writes to none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes it has.
    pub capacity: u64,
    /// Bytes of it that this process may still fill.
    pub available: u64,
}

impl DiskSpace {
    /// How much room is left of a disk on which so many bytes are to stay free. An engine without a disk has enough.
    pub fn room(&self, reserve: u64) -> DiskRoom {
        if self.capacity == 0 || self.available >= reserve {
            DiskRoom::Enough
        } else if self.available >= reserve / 2 {
            DiskRoom::AlmostFull
        } else {
            DiskRoom::Full
        }
    }
}

/// How much room a store's disk has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum DiskRoom {
    /// More than the reserve.
    #[default]
    Enough,
    /// Less than the reserve: nothing new is written for clients.
    AlmostFull,
    /// Less than half of it: nothing is taken over from other stores either, if they can do without.
    Full,
}

impl DiskRoom {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            DiskRoom::Enough => "room",
            DiskRoom::AlmostFull => "almost full",
            DiskRoom::Full => "full",
        }
    }
}

/// An ordered store of column families.
pub trait Engine: Reader + 'static {
    /// Applies a batch atomically. With `sync`, it and all before it survive a crash of the machine
    /// once this returns; without, it survives a crash of the process.
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()>;
    /// The state as it is now.
    fn snapshot(&self) -> Arc<dyn Snapshot>;
    /// Makes every earlier write durable.
    fn sync(&self) -> Result<()>;
    /// About how many bytes on disk `[start, end)` takes.
    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64>;
    /// Writes a consistent copy into an absent directory.
    fn checkpoint(&self, path: &Path) -> Result<()>;
    /// Adds key-value pairs (ascending, no duplicates) as one unit that bypasses the write path.
    fn ingest(&self, cf: Cf, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()>;
    /// The disk it writes to. A seam like the rest: only an engine knows where its files are.
    fn disk_space(&self) -> Result<DiskSpace> {
        Ok(DiskSpace::default())
    }
    /// Rewrites `[start, end)` so that deleted data gives its space back.
    fn compact(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()>;
    /// Rewrites the ranges of a family of which so many values were deleted that it gives much space back, as far as the disk has room for
    /// it; how many there were. For data that nobody writes any more: where somebody does the engine comes to it by itself.
    fn tidy(&self, _cf: Cf) -> Result<usize> {
        Ok(0)
    }
    /// Gives the space of `[start, end)` back, in which nothing is any more, and nothing will be: everything in it was deleted.
    fn reclaim(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.compact(cf, start, end)
    }
}
