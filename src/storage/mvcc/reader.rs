//! Reads of single records, for the commands.

use bytes::Bytes;

use super::Write;
use super::key::{data_key, split_version, version_key};
use super::lock::Lock;
use super::write::WriteKind;
use crate::common::Timestamp;
use crate::storage::api::LockKind;
use crate::storage::engine::{Cf, Cursor, Error, IterOptions, Reader, Result};

/// How many neighbours a cursor tries before it seeks: a step costs a fraction of a seek.
pub(super) const NEAR_STEPS: usize = 8;

/// A cursor over the write family that serves one key at a time.
pub(super) const ONE_KEY: IterOptions =
    IterOptions { lower: None, upper: None, one_key: true, at: None };

/// [`ONE_KEY`] for a reader at `ts`.
pub(super) const fn one_key_at(ts: Timestamp) -> IterOptions {
    IterOptions { lower: None, upper: None, one_key: true, at: Some(ts) }
}

/// What the versions of a key say about one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnRecord {
    /// It committed here.
    Committed {
        /// When.
        commit_ts: Timestamp,
        /// As what.
        kind: WriteKind,
    },
    /// It was rolled back here.
    RolledBack,
    /// It left no trace.
    None,
}

/// Reads the records of keys under one state of the engine, with one cursor over the write family.
pub struct MvccReader<'a> {
    reader: &'a dyn Reader,
    options: IterOptions,
    writes: Option<Box<dyn Cursor + 'a>>,
}

impl<'a> MvccReader<'a> {
    /// Reads what `reader` shows.
    pub fn new(reader: &'a dyn Reader) -> MvccReader<'a> {
        MvccReader { reader, options: ONE_KEY, writes: None }
    }

    /// Reads on behalf of a transaction that began at `start_ts`: of what is older, only the newest value of a key
    /// is sure to be found.
    pub fn since(reader: &'a dyn Reader, start_ts: Timestamp) -> MvccReader<'a> {
        MvccReader { reader, options: one_key_at(start_ts), writes: None }
    }

    /// The lock on a user key.
    pub fn lock(&self, key: &[u8]) -> Result<Option<Lock>> {
        load_lock(self.reader, &data_key(key))
    }

    /// The newest record of a user key at or below `ts`, of any kind, with its commit timestamp.
    pub fn seek_write(&mut self, key: &[u8], ts: Timestamp) -> Result<Option<(Timestamp, Write)>> {
        let data_key = data_key(key);
        let cursor = match &mut self.writes {
            Some(cursor) => cursor,
            none => none.insert(self.reader.cursor(Cf::Write, self.options.clone())?),
        };
        cursor.seek(&version_key(&data_key, ts))?;
        current_write(cursor.as_ref(), &data_key)
    }

    /// The record exactly at `commit_ts`.
    pub fn write_at(&self, key: &[u8], commit_ts: Timestamp) -> Result<Option<Write>> {
        self.reader
            .get(Cf::Write, &version_key(&data_key(key), commit_ts))?
            .map(|record| Write::decode(&record))
            .transpose()
    }

    /// What became of the transaction `start_ts` on a key.
    pub fn txn_record(&mut self, key: &[u8], start_ts: Timestamp) -> Result<TxnRecord> {
        let data_key = data_key(key);
        let mut found = self.seek_write(key, Timestamp::MAX)?;
        // A commit stands above the start, a rollback exactly at it: older records cannot be its.
        while let Some((commit_ts, write)) = found {
            if commit_ts < start_ts {
                break;
            }
            if write.start_ts == start_ts {
                return Ok(match write.kind {
                    WriteKind::Rollback => TxnRecord::RolledBack,
                    kind => TxnRecord::Committed { commit_ts, kind },
                });
            }
            if commit_ts == start_ts {
                let rolled_back = write.has_overlapped_rollback;
                return Ok(if rolled_back { TxnRecord::RolledBack } else { TxnRecord::None });
            }
            found = self.next_write(&data_key)?;
        }
        Ok(TxnRecord::None)
    }

    /// The newest commit on a key above a timestamp. Records of rollbacks are passed over: they change nothing.
    pub fn newest_commit_above(
        &mut self,
        key: &[u8],
        floor: Timestamp,
    ) -> Result<Option<(Timestamp, Write)>> {
        let data_key = data_key(key);
        let mut found = self.seek_write(key, Timestamp::MAX)?;
        while let Some((commit_ts, write)) = found
            && commit_ts > floor
        {
            if write.kind != WriteKind::Rollback {
                return Ok(Some((commit_ts, write)));
            }
            found = self.next_write(&data_key)?;
        }
        Ok(None)
    }

    /// The newest committed value of a key, whatever its timestamp.
    pub fn latest_value(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        let data_key = data_key(key);
        let mut found = self.seek_write(key, Timestamp::MAX)?;
        while let Some((_, write)) = found {
            match write.kind {
                WriteKind::Put => return load_value(self.reader, &data_key, write).map(Some),
                WriteKind::Delete => return Ok(None),
                WriteKind::Lock | WriteKind::Rollback => found = self.next_write(&data_key)?,
            }
        }
        Ok(None)
    }

    fn next_write(&mut self, data_key: &[u8]) -> Result<Option<(Timestamp, Write)>> {
        let Some(cursor) = &mut self.writes else { return Ok(None) };
        if !cursor.next()? {
            return Ok(None);
        }
        current_write(cursor.as_ref(), data_key)
    }
}

/// The lock on a data key.
pub(super) fn load_lock(reader: &dyn Reader, data_key: &[u8]) -> Result<Option<Lock>> {
    reader.get(Cf::Lock, data_key)?.map(|record| Lock::decode(&record)).transpose()
}

/// The record a cursor over the write family stands on, if it belongs to `data_key`.
pub(super) fn current_write(
    cursor: &dyn Cursor,
    data_key: &[u8],
) -> Result<Option<(Timestamp, Write)>> {
    if !cursor.valid() {
        return Ok(None);
    }
    let (key, commit_ts) = split_version(cursor.key())?;
    if key != data_key {
        return Ok(None);
    }
    let write = Write::decode(cursor.value())?;
    // What is written is checked by who writes it.
    let stands_right = match write.kind {
        WriteKind::Rollback => commit_ts == write.start_ts,
        WriteKind::Put | WriteKind::Delete | WriteKind::Lock => commit_ts > write.start_ts,
    };
    if !stands_right {
        return Err(Error::Corruption(format!(
            "a record of transaction {} stands at {commit_ts}",
            write.start_ts
        )));
    }
    Ok(Some((commit_ts, write)))
}

/// The value a `Put` record stands for.
pub(super) fn load_value(reader: &dyn Reader, data_key: &[u8], write: Write) -> Result<Bytes> {
    if let Some(value) = write.short_value {
        return Ok(value);
    }
    match reader.get(Cf::Default, &version_key(data_key, write.start_ts))? {
        Some(value) => Ok(Bytes::from(value)),
        None => {
            Err(Error::Corruption(format!("value of transaction {} is missing", write.start_ts)))
        }
    }
}

/// The value of `data_key` that a cursor over the write family, standing on its newest visible record, leads to.
/// The cursor ends on the deciding record or past the key.
pub(super) fn visible_value(
    reader: &dyn Reader,
    cursor: &mut dyn Cursor,
    data_key: &[u8],
    key_only: bool,
) -> Result<Option<Bytes>> {
    while let Some((_, write)) = current_write(cursor, data_key)? {
        match write.kind {
            WriteKind::Put if key_only => return Ok(Some(Bytes::new())),
            WriteKind::Put => return load_value(reader, data_key, write).map(Some),
            WriteKind::Delete => return Ok(None),
            WriteKind::Lock | WriteKind::Rollback => cursor.next()?,
        };
    }
    Ok(None)
}

/// The value that the lock of a committed transaction says is there.
pub(super) fn locked_value(
    reader: &dyn Reader,
    data_key: &[u8],
    lock: &Lock,
    key_only: bool,
) -> Result<Option<Bytes>> {
    assert!(
        matches!(lock.kind, LockKind::Put | LockKind::Delete),
        "other locks commit to no version, and are passed"
    );
    match lock.write_kind() {
        WriteKind::Put if key_only => Ok(Some(Bytes::new())),
        WriteKind::Put => {
            let write = Write {
                kind: WriteKind::Put,
                start_ts: lock.start_ts,
                short_value: lock.short_value.clone(),
                has_overlapped_rollback: false,
            };
            load_value(reader, data_key, write).map(Some)
        }
        WriteKind::Delete | WriteKind::Lock | WriteKind::Rollback => Ok(None),
    }
}

/// Moves a cursor forward to the first key ≥ `target`: a few steps, then a seek.
pub(super) fn near_seek(cursor: &mut dyn Cursor, target: &[u8]) -> Result<bool> {
    for _ in 0..NEAR_STEPS {
        if !cursor.valid() {
            return Ok(false);
        }
        if cursor.key() >= target {
            return Ok(true);
        }
        cursor.next()?;
    }
    if cursor.valid() && cursor.key() >= target {
        return Ok(true);
    }
    if !cursor.valid() {
        return Ok(false);
    }
    cursor.seek(target)
}
