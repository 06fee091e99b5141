//! Pessimistic locks: taken while a transaction's statements run, in the leader's memory only.

use std::time::Duration;

use bytes::Bytes;

use super::commit::own_lock;
use super::executor::{CommandContext, Effects, HeldLock, Outcome};
use super::lock_table::PessimisticEntry;
use super::writes::put_lock;
use super::{KeyError, KvResponse, LockKind, PessimisticLock};
use crate::common::Timestamp;
use crate::storage::engine::WriteBatch;
use crate::storage::mvcc::{MvccReader, Result, Room, TxnRecord};

/// Locks all the keys or none.
pub(super) fn lock(context: &CommandContext<'_>, request: &PessimisticLock) -> Result<Outcome> {
    let mut mvcc = context.mvcc_since(request.start_ts);
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    let mut values = Vec::with_capacity(request.keys.len());
    let mut room = Room::new();
    for (key, must_not_exist) in &request.keys {
        let held = context.held_lock(&mvcc, key)?;
        match &held {
            Some(held) if held.lock.start_ts != request.start_ts => {
                return Ok(Outcome::blocked(held.lock.info(key), request.wait));
            }
            Some(_) => {}
            None => check_conflict(&mut mvcc, request, key)?,
        }
        let mut value = None;
        if *must_not_exist || (request.return_values && !room.is_full()) {
            value = mvcc.latest_value(key)?;
        }
        if *must_not_exist && let Some(value) = value {
            return Err(KeyError::AlreadyExists { key: key.clone(), value }.into());
        }
        if !room.is_full() {
            let value = value.filter(|_| request.return_values);
            room.take(value.as_ref().map_or(0, Bytes::len));
            values.push(value);
        }
        set_lock(request, key, held, &mut batch, &mut effects);
    }
    Ok(Outcome::write(batch, KvResponse::Locked { values, waited: Duration::ZERO }, effects))
}

/// Sets the lock: in memory, or where a former leader's lock of ours stands.
fn set_lock(
    request: &PessimisticLock,
    key: &Bytes,
    held: Option<HeldLock>,
    batch: &mut WriteBatch,
    effects: &mut Effects,
) {
    let mut entry = PessimisticEntry {
        primary: request.primary.clone(),
        start_ts: request.start_ts,
        ttl_ms: request.ttl_ms,
        for_update_ts: request.for_update_ts,
    };
    let Some(HeldLock { lock, in_memory }) = held else {
        effects.acquire.push((key.clone(), entry));
        return;
    };
    entry.ttl_ms = entry.ttl_ms.max(lock.ttl_ms);
    entry.for_update_ts = entry.for_update_ts.max(lock.for_update_ts);
    // Prewritten already (this message is late), or locked as well as this would.
    if lock.kind != LockKind::Pessimistic || entry == PessimisticEntry::of(&lock) {
        return;
    }
    if in_memory {
        effects.acquire.push((key.clone(), entry));
    } else {
        put_lock(batch, key, &entry.to_lock());
    }
}

/// Judges a key without a lock: nobody may have written it after `for_update_ts`, and the transaction must not be over.
fn check_conflict(mvcc: &mut MvccReader<'_>, request: &PessimisticLock, key: &Bytes) -> Result<()> {
    let start_ts = request.start_ts;
    let Some((newest, _)) = mvcc.seek_write(key, Timestamp::MAX)? else { return Ok(()) };
    if newest >= start_ts {
        match mvcc.txn_record(key, start_ts)? {
            TxnRecord::Committed { commit_ts, .. } => {
                return Err(KeyError::Committed { commit_ts }.into());
            }
            TxnRecord::RolledBack => {
                return Err(KeyError::TxnLockNotFound { start_ts, key: key.clone() }.into());
            }
            TxnRecord::None => {}
        }
    }
    match mvcc.newest_commit_above(key, request.for_update_ts)? {
        None => Ok(()),
        Some((conflict_commit_ts, write)) => Err(KeyError::WriteConflict {
            start_ts,
            conflict_start_ts: write.start_ts,
            conflict_commit_ts,
            key: key.clone(),
        }
        .into()),
    }
}

/// Gives up locks taken at or before `for_update_ts`.
pub(super) fn rollback(
    context: &CommandContext<'_>,
    keys: &[Bytes],
    start_ts: Timestamp,
    for_update_ts: Timestamp,
) -> Result<Outcome> {
    let mvcc = context.mvcc();
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    for key in keys {
        if let Some(held) = own_lock(context, &mvcc, key, start_ts)?
            && held.lock.kind == LockKind::Pessimistic
            && held.lock.for_update_ts <= for_update_ts
        {
            effects.unlock(&mut batch, key, &held);
        }
    }
    Ok(Outcome::write(batch, KvResponse::Done, effects))
}
