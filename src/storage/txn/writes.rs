//! The records that commands write.

use bytes::Bytes;

use crate::common::Timestamp;
use crate::storage::api::LockKind;
use crate::storage::engine::{self, Cf, WriteBatch};
use crate::storage::mvcc::key::{data_key, version_key};
use crate::storage::mvcc::{Lock, MvccReader, SHORT_VALUE_MAX, Write, WriteKind};

/// Sets the lock of a key.
pub(super) fn put_lock(batch: &mut WriteBatch, key: &[u8], lock: &Lock) {
    assert!(
        lock.kind == LockKind::Pessimistic || lock.min_commit_ts > lock.start_ts,
        "transaction {} commits after it has started",
        lock.start_ts
    );
    let is_whole = lock.use_async_commit || lock.secondaries.is_empty();
    assert!(is_whole, "only an asynchronous commit remembers its other keys");
    let has_value = lock.short_value.is_some();
    assert!(!has_value || lock.kind == LockKind::Put, "only what is put has a value");
    batch.put(Cf::Lock, data_key(key), lock.encode());
}

/// Removes the lock of a key.
pub(super) fn delete_lock(batch: &mut WriteBatch, key: &[u8]) {
    batch.delete(Cf::Lock, data_key(key));
}

/// Puts a long value into the default family; a short one is returned, to stand in the record.
pub(super) fn place_value(
    batch: &mut WriteBatch,
    key: &[u8],
    start_ts: Timestamp,
    value: &Bytes,
) -> Option<Bytes> {
    if value.len() <= SHORT_VALUE_MAX {
        return Some(value.clone());
    }
    batch.put(Cf::Default, version_key(&data_key(key), start_ts), value.as_ref());
    None
}

/// Sets a commit record.
pub(super) fn put_write(batch: &mut WriteBatch, key: &[u8], commit_ts: Timestamp, write: &Write) {
    let stands_right = match write.kind {
        WriteKind::Rollback => commit_ts == write.start_ts,
        WriteKind::Put | WriteKind::Delete | WriteKind::Lock => commit_ts > write.start_ts,
    };
    assert!(
        stands_right,
        "a commit stands above its start, a rollback at it: {:?} of {} at {commit_ts}",
        write.kind, write.start_ts
    );
    let has_value = write.short_value.is_some();
    assert!(!has_value || write.kind == WriteKind::Put, "only what is put has a value");
    batch.put(Cf::Write, version_key(&data_key(key), commit_ts), write.encode());
}

/// Turns a prewritten lock into its commit record.
pub(super) fn commit_lock(
    mvcc: &MvccReader<'_>,
    batch: &mut WriteBatch,
    key: &[u8],
    lock: &Lock,
    commit_ts: Timestamp,
) -> engine::Result<()> {
    assert!(lock.kind != LockKind::Pessimistic, "only what was prewritten is committed");
    let mut write = Write::new(lock.write_kind(), lock.start_ts, lock.short_value.clone());
    // The oracle's commit timestamps are nobody's start; computed ones may be, and then a rollback of that
    // transaction may stand where this record goes.
    if lock.use_async_commit
        && let Some(present) = mvcc.write_at(key, commit_ts)?
    {
        assert!(
            present.kind == WriteKind::Rollback || present.start_ts == lock.start_ts,
            "transactions {} and {} commit one key at {commit_ts}",
            present.start_ts,
            lock.start_ts
        );
        write.has_overlapped_rollback =
            present.kind == WriteKind::Rollback || present.has_overlapped_rollback;
    }
    put_write(batch, key, commit_ts, &write);
    delete_lock(batch, key);
    Ok(())
}

/// Leaves the record that `start_ts` was rolled back on a key, which stops a late prewrite.
pub(super) fn put_rollback(
    mvcc: &MvccReader<'_>,
    batch: &mut WriteBatch,
    key: &[u8],
    start_ts: Timestamp,
) -> engine::Result<()> {
    let record = match mvcc.write_at(key, start_ts)? {
        Some(present) if present.kind == WriteKind::Rollback || present.has_overlapped_rollback => {
            return Ok(());
        }
        // Another transaction committed at this very timestamp: its record carries the mark.
        Some(present) => Write { has_overlapped_rollback: true, ..present },
        None => Write::rollback(start_ts),
    };
    put_write(batch, key, start_ts, &record);
    Ok(())
}

/// Removes the long value a rolled-back lock put.
pub(super) fn discard_value(batch: &mut WriteBatch, key: &[u8], lock: &Lock) {
    if lock.write_kind() == WriteKind::Put && lock.short_value.is_none() {
        batch.delete(Cf::Default, version_key(&data_key(key), lock.start_ts));
    }
}
