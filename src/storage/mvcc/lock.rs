//! The lock record, and which locks a reader must stop at.

use bytes::Bytes;

use super::record::Fields;
use super::write::WriteKind;
use crate::common::Timestamp;
use crate::storage::api::{KeyError, LockInfo, LockKind, Pass};
use crate::storage::codec::varint::{put_compact_bytes, put_uvarint};
use crate::storage::engine;

/// A transaction's claim on a key, as the `lock` family keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// What the transaction is about to do.
    pub kind: LockKind,
    /// The key whose lock or commit record decides the transaction.
    pub primary: Bytes,
    /// The transaction.
    pub start_ts: Timestamp,
    /// Milliseconds after `start_ts` until the lock may be taken away.
    pub ttl_ms: u64,
    /// Keys the transaction locks in all.
    pub txn_size: u64,
    /// For pessimistic transactions, the timestamp of the last locking; else zero.
    pub for_update_ts: Timestamp,
    /// The commit timestamp will not be below.
    pub min_commit_ts: Timestamp,
    /// Whether the transaction is committed once all its locks are in place.
    pub use_async_commit: bool,
    /// On an async-commit primary: all the other keys.
    pub secondaries: Vec<Bytes>,
    /// The value of a `Put`, when it is short enough to stand here.
    pub short_value: Option<Bytes>,
}

const SHORT_VALUE: u8 = b'v';
const FOR_UPDATE: u8 = b'f';
const TXN_SIZE: u8 = b't';
const MIN_COMMIT: u8 = b'c';
const ASYNC_COMMIT: u8 = b'a';

impl Lock {
    /// The record as the `lock` family stores it.
    pub fn encode(&self) -> Vec<u8> {
        let short = self.short_value.as_ref().map_or(0, |value| value.len() + 2);
        let mut out = Vec::with_capacity(48 + self.primary.len() + short);
        out.push(match self.kind {
            LockKind::Put => b'P',
            LockKind::Delete => b'D',
            LockKind::Lock => b'L',
            LockKind::Pessimistic => b'S',
        });
        put_compact_bytes(&mut out, &self.primary);
        put_uvarint(&mut out, self.start_ts.0);
        put_uvarint(&mut out, self.ttl_ms);
        if let Some(value) = &self.short_value {
            out.push(SHORT_VALUE);
            put_compact_bytes(&mut out, value);
        }
        for (tag, value) in [
            (FOR_UPDATE, self.for_update_ts.0),
            (TXN_SIZE, self.txn_size),
            (MIN_COMMIT, self.min_commit_ts.0),
        ] {
            if value != 0 {
                out.push(tag);
                put_uvarint(&mut out, value);
            }
        }
        if self.use_async_commit {
            out.push(ASYNC_COMMIT);
            put_uvarint(&mut out, self.secondaries.len() as u64);
            for key in &self.secondaries {
                put_compact_bytes(&mut out, key);
            }
        }
        out
    }

    /// Reads a record back.
    pub fn decode(record: &[u8]) -> engine::Result<Lock> {
        let mut fields = Fields::new(record, "lock");
        let kind = match fields.tag() {
            Some(b'P') => LockKind::Put,
            Some(b'D') => LockKind::Delete,
            Some(b'L') => LockKind::Lock,
            Some(b'S') => LockKind::Pessimistic,
            _ => return Err(fields.corrupt()),
        };
        let mut lock = Lock {
            kind,
            primary: fields.bytes()?,
            start_ts: fields.timestamp()?,
            ttl_ms: fields.number()?,
            txn_size: 0,
            for_update_ts: Timestamp::ZERO,
            min_commit_ts: Timestamp::ZERO,
            use_async_commit: false,
            secondaries: Vec::new(),
            short_value: None,
        };
        while let Some(tag) = fields.tag() {
            match tag {
                SHORT_VALUE => lock.short_value = Some(fields.bytes()?),
                FOR_UPDATE => lock.for_update_ts = fields.timestamp()?,
                TXN_SIZE => lock.txn_size = fields.number()?,
                MIN_COMMIT => lock.min_commit_ts = fields.timestamp()?,
                ASYNC_COMMIT => {
                    lock.use_async_commit = true;
                    for _ in 0..fields.number()? {
                        lock.secondaries.push(fields.bytes()?);
                    }
                }
                _ => return Err(fields.corrupt()),
            }
        }
        Ok(lock)
    }

    /// The lock as clients see it.
    pub fn info(&self, key: &[u8]) -> LockInfo {
        LockInfo {
            key: Bytes::copy_from_slice(key),
            primary: self.primary.clone(),
            start_ts: self.start_ts,
            ttl_ms: self.ttl_ms,
            txn_size: self.txn_size,
            kind: self.kind,
            for_update_ts: self.for_update_ts,
            min_commit_ts: self.min_commit_ts,
            use_async_commit: self.use_async_commit,
            secondaries: self.secondaries.clone(),
        }
    }

    /// Whether the transaction has not been heard of for longer than it promised, at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.start_ts.physical_ms().saturating_add(self.ttl_ms) < now.physical_ms()
    }

    /// What its commit record will say.
    pub(in crate::storage) fn write_kind(&self) -> WriteKind {
        match self.kind {
            LockKind::Put => WriteKind::Put,
            LockKind::Delete => WriteKind::Delete,
            LockKind::Lock | LockKind::Pessimistic => WriteKind::Lock,
        }
    }
}

/// What a reader that passes a lock does about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Looks for a version, as if there were no lock.
    Past,
    /// Takes what the lock says: it is committed, and only its record is missing.
    Committed,
}

/// Whether a read of `key` at `ts` may pass this lock, and how. A reader stops only where the transaction might commit
/// at or below `ts`:
///
/// - `Lock` and `Pessimistic` locks commit to no new version, or are not yet part of a commit;
/// - a transaction younger than the reader, or whose `min_commit_ts` is above it, commits above it;
/// - what became of `resolved` transactions is known: they do not matter, or are committed in the snapshot;
/// - a read at `MAX` wants the latest committed version of one key. If the key is its transaction's primary, then that
///   transaction is not committed yet (its primary's lock would be gone), unless it commits asynchronously.
pub fn check_read(
    lock: &Lock,
    key: &[u8],
    ts: Timestamp,
    resolved: &[Pass],
) -> Result<Sight, KeyError> {
    if matches!(lock.kind, LockKind::Lock | LockKind::Pessimistic)
        || lock.start_ts > ts
        || lock.min_commit_ts > ts
    {
        return Ok(Sight::Past);
    }
    match resolved.iter().find(|pass| pass.start_ts == lock.start_ts) {
        Some(pass) if pass.committed => Ok(Sight::Committed),
        Some(_) => Ok(Sight::Past),
        None if ts == Timestamp::MAX && lock.primary == key && !lock.use_async_commit => {
            Ok(Sight::Past)
        }
        None => Err(KeyError::Locked(Box::new(lock.info(key)))),
    }
}
