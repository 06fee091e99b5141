//! What is read most, kept in memory: ranges that are written so often that reading them has become laborious, with few
//! versions of each key, and keys that are read one by one, with their newest version.
//!
//! The engine keeps every version until garbage collection, and a scan of rows that are updated all the time must step over
//! dozens of versions of each. [`HotVersions`] goes around an engine and keeps the newest versions of such ranges in
//! memory, in key order. Everything is still written to the engine, and only there does it last: what is here is a copy, dropped whenever
//! memory runs short.
//!
//! A point read costs a seek in the engine, of 5 to 12 microseconds; most of them ask for few keys. So the newest versions of a key, down to
//! its newest value, stay when it was read once ([`rows`]), as long as it is read more often than others.
//!
//! # What a reader sees
//!
//! A reader that names its timestamp ([`IterOptions::at`]) is shown, within a range kept here, all versions it may look at, and
//! few others. Each range has a *floor*: of every key it has all versions at or above the floor, and the newest
//! value below. Readers below the floor, those that walk backward and those that name no timestamp read the engine itself, as do
//! snapshots.
//!
//! A range changes after a write is visible in the engine and before it is acknowledged. That is all a reader at a timestamp needs: it may only count on
//! what was acknowledged before it drew its timestamp, or what it saw the lock of. (The lock family must hence be changed later
//! than the ranges: [`LocksInMemory`](crate::storage::engine::LocksInMemory) goes around this, not the other way.)
//!
//! # How a range gets here
//!
//! A scan that had to step over many versions says so ([`Reader::laborious`]), and pays for the loading: the range is
//! registered while no write is on its way, then read from the engine. What is written meanwhile reaches the range by itself, so that
//! nothing falls between.

mod block;
mod cursor;
mod ranges;
mod rows;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use self::block::Version;
use self::cursor::HotCursor;
use self::ranges::{Place, Range, Ranges};
use self::rows::Rows;
use super::key::split_version;
use super::reader::NEAR_STEPS;
use crate::common::Timestamp;
use crate::storage::engine::{
    Cf, Cursor, DiskSpace, Engine, IterOptions, Reader, Result, Snapshot, WriteBatch, WriteOp,
};

/// How many bytes may be kept, about; 0 keeps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotBudget {
    /// For ranges with many versions.
    pub ranges: usize,
    /// For the newest versions of keys read one by one.
    pub rows: usize,
}

impl Default for HotBudget {
    fn default() -> HotBudget {
        HotBudget { ranges: 64 << 20, rows: 64 << 20 }
    }
}

/// An engine with what is read most in memory.
pub struct HotVersions {
    engine: Arc<dyn Engine>,
    ranges: Ranges,
    rows: Rows,
    /// Held shared by each write from before it looks which ranges it concerns until these have changed.
    in_flight: RwLock<()>,
}

impl HotVersions {
    /// Around an engine that nobody else may write to.
    pub fn new(engine: Arc<dyn Engine>, budget: HotBudget) -> HotVersions {
        let HotBudget { ranges, rows } = budget;
        HotVersions {
            engine,
            ranges: Ranges::new(ranges),
            rows: Rows::new(rows),
            in_flight: RwLock::new(()),
        }
    }

    /// How many bytes it takes, about.
    pub fn bytes(&self) -> usize {
        self.ranges.bytes() + self.rows.bytes()
    }

    /// Keeps `[start, end)` for readers at `at` or later. Nothing of it is kept yet.
    fn load(&self, start: &[u8], end: &[u8], at: Timestamp) -> Result<()> {
        let registered = {
            // Not worth waiting for: if it stays laborious, the next scan says so again.
            let Some(_no_write) = self.in_flight.try_write() else { return Ok(()) };
            self.ranges.register(start, end, at)
        };
        let Some(range) = registered else { return Ok(()) };
        let loaded = self.read_versions(start, end, at);
        match &loaded {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => self.ranges.drop_overlapping(start, end),
        }
        if let Some(versions) = loaded? {
            self.ranges.finish(&range, versions);
        }
        Ok(())
    }

    /// What readers at `at` or later may look at in a range; nothing if that is too much.
    fn read_versions(
        &self,
        start: &[u8],
        end: &[u8],
        at: Timestamp,
    ) -> Result<Option<Vec<Version>>> {
        let bounds = IterOptions {
            lower: Some(start.to_vec()),
            upper: Some(end.to_vec()),
            ..IterOptions::default()
        };
        let mut cursor = self.engine.cursor(Cf::Write, bounds)?;
        let mut versions: Vec<Version> = Vec::new();
        let mut data_key = Vec::new();
        let mut passed = 0;
        let mut found = cursor.seek_to_first()?;
        while found {
            let (key, ts) = split_version(cursor.key())?;
            if data_key != key {
                data_key.clear();
                data_key.extend_from_slice(key);
                passed = 0;
            }
            if passed == 0 {
                let version = Version::new(cursor.key(), cursor.value());
                passed += usize::from(ts <= at && version.is_value());
                versions.push(version);
            } else {
                passed += 1;
            }
            if versions.len() > block::MAX_VERSIONS {
                return Ok(None);
            }
            found = if passed > NEAR_STEPS {
                cursor.seek(&super::range::after_versions(&data_key))?
            } else {
                cursor.next()?
            };
        }
        Ok(Some(versions))
    }

    /// The changes of a batch that may concern what is kept here, with the range they lie in.
    fn changes(&self, batch: &WriteBatch) -> Vec<(Option<Arc<Range>>, WriteOp)> {
        let rows_kept = self.rows.is_kept();
        if self.ranges.is_empty() && !rows_kept {
            return Vec::new();
        }
        let changes = batch.ops.iter().filter_map(|op| {
            let (WriteOp::Put(Cf::Write, key, _) | WriteOp::Delete(Cf::Write, key)) = op else {
                return None;
            };
            let range = match self.ranges.place(key) {
                Place::In(range) => Some(range),
                Place::Gap(_) => None,
            };
            if range.is_some() || self.rows.has(key) {
                Some((range, op.clone()))
            } else {
                // Nothing to put in its place; but somebody may begin to ask for it until the engine has it.
                rows_kept.then(|| (None, WriteOp::Delete(Cf::Write, key.clone())))
            }
        });
        changes.collect()
    }

    /// Forgets the ranges that a batch removes keys of; whether there are such keys.
    fn forget_removed(&self, batch: &WriteBatch) -> bool {
        let mut removes = false;
        for op in &batch.ops {
            if let WriteOp::DeleteRange(Cf::Write, start, end) = op {
                self.ranges.drop_overlapping(start, end);
                removes = true;
            }
        }
        removes
    }
}

impl Reader for HotVersions {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.get(cf, key)
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        match options.at {
            Some(at)
                if cf == Cf::Write
                    && (!self.ranges.is_empty() || (options.one_key && self.rows.is_kept())) =>
            {
                Ok(Box::new(HotCursor::new(self, options, at)))
            }
            _ => self.engine.cursor(cf, options),
        }
    }

    fn laborious(&self, start: &[u8], end: &[u8], at: Timestamp) -> Result<()> {
        if self.ranges.budget() == 0 {
            return Ok(());
        }
        let mut from = Bytes::copy_from_slice(start);
        while *from < *end {
            match self.ranges.place(&from) {
                Place::In(range) => from = range.end().clone(),
                Place::Gap(next) => {
                    let end = Bytes::copy_from_slice(end);
                    let to = next.map_or_else(|| end.clone(), |next| next.min(end.clone()));
                    self.load(&from, &to, at)?;
                    from = to;
                }
            }
        }
        Ok(())
    }
}

impl Engine for HotVersions {
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        let _in_flight = self.in_flight.read();
        let removes = self.forget_removed(&batch);
        let changes = self.changes(&batch);
        if removes {
            // Rare, and of whole regions: which rows it concerns is not worth finding out.
            self.rows.clear(|| self.engine.write(batch, sync))?;
        } else {
            self.engine.write(batch, sync)?;
        }
        for (range, change) in changes {
            self.rows.change(&change);
            if let Some(range) = range {
                self.ranges.change(&range, change);
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.engine.snapshot()
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
        if cf != Cf::Write {
            return self.engine.ingest(cf, pairs);
        }
        // Rare, and of whole regions: which ranges it concerns is not worth finding out.
        let _alone = self.in_flight.write();
        self.ranges.clear();
        self.rows.clear(|| self.engine.ingest(cf, pairs))
    }

    fn compact(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.engine.compact(cf, start, end)
    }

    fn reclaim(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.engine.reclaim(cf, start, end)
    }
}
