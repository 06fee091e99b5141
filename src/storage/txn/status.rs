//! Questions about a transaction: is it alive, and for how long; and making its fate certain where it is not.

use bytes::Bytes;

use super::commit::{own_lock, rollback_lock};
use super::executor::{CommandContext, Effects, HeldLock, Outcome};
use super::lock_table::PessimisticEntry;
use super::writes::{put_lock, put_rollback};
use super::{CheckTxnStatus, KeyError, KvResponse, LockKind, TxnStatus};
use crate::common::Timestamp;
use crate::storage::engine::WriteBatch;
use crate::storage::mvcc::{MvccReader, Result, TxnRecord};

/// Asks the primary key what became of its transaction.
///
/// A lock whose `primary` is another key is reported alive and left alone: the transaction changed its
/// primary after a failed statement, and that key is to be asked. So is an asynchronous commit, however old:
/// its secondaries decide with it (`CheckSecondaryLocks`).
pub(super) fn check_txn_status(
    context: &CommandContext<'_>,
    request: &CheckTxnStatus,
) -> Result<Outcome> {
    for ts in [request.lock_ts, request.current_ts, request.caller_start_ts] {
        context.concurrency.push_max_ts(ts);
    }
    let mut mvcc = context.mvcc();
    match own_lock(context, &mvcc, &request.primary, request.lock_ts)? {
        Some(held) => check_primary_lock(&mvcc, request, held),
        None => check_without_lock(&mut mvcc, request),
    }
}

fn check_primary_lock(
    mvcc: &MvccReader<'_>,
    request: &CheckTxnStatus,
    held: HeldLock,
) -> Result<Outcome> {
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    let key = &request.primary;
    let pessimistic = held.lock.kind == LockKind::Pessimistic;
    let hands_off = held.lock.use_async_commit || held.lock.primary != *key;
    if !hands_off && held.lock.is_expired(request.current_ts) {
        if pessimistic && request.resolving_pessimistic {
            // Its locks may go, but nothing was promised about its prewrite: it may still be amended.
            effects.unlock(&mut batch, key, &held);
        } else {
            rollback_lock(mvcc, &mut batch, &mut effects, key, &held)?;
        }
        return Ok(Outcome::write(batch, KvResponse::Status(TxnStatus::RolledBack), effects));
    }
    let mut lock = held.lock;
    let mut pushed = false;
    if !hands_off && request.caller_start_ts != Timestamp::MAX {
        // A pessimistic primary needs no push: it has not asked for a commit timestamp yet, and whatever
        // it gets will be above the caller's, which this region's `max_ts` covers now.
        pushed = true;
        if !pessimistic && lock.min_commit_ts <= request.caller_start_ts {
            lock.min_commit_ts = request.caller_start_ts.next();
            put_lock(&mut batch, key, &lock);
        }
    }
    let status = TxnStatus::Alive { lock: Box::new(lock.info(key)), pushed };
    Ok(Outcome::write(batch, KvResponse::Status(status), effects))
}

fn check_without_lock(mvcc: &mut MvccReader<'_>, request: &CheckTxnStatus) -> Result<Outcome> {
    let key = &request.primary;
    let mut batch = WriteBatch::new();
    let status = match mvcc.txn_record(key, request.lock_ts)? {
        TxnRecord::Committed { commit_ts, .. } => TxnStatus::Committed(commit_ts),
        TxnRecord::RolledBack => TxnStatus::RolledBack,
        TxnRecord::None if !request.rollback_if_not_exist => {
            let primary = key.clone();
            return Err(KeyError::TxnNotFound { start_ts: request.lock_ts, primary }.into());
        }
        TxnRecord::None if request.resolving_pessimistic => TxnStatus::LockNotExistDoNothing,
        TxnRecord::None => {
            put_rollback(mvcc, &mut batch, key, request.lock_ts)?;
            TxnStatus::RolledBack
        }
    };
    Ok(Outcome::write(batch, KvResponse::Status(status), Effects::default()))
}

/// Looks at keys of an asynchronous commit. A key without the lock gets a rollback record, and with
/// that the transaction can no longer commit.
pub(super) fn check_secondary_locks(
    context: &CommandContext<'_>,
    keys: &[Bytes],
    start_ts: Timestamp,
) -> Result<Outcome> {
    context.concurrency.push_max_ts(start_ts);
    let mut mvcc = context.mvcc();
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    let mut locks = Vec::with_capacity(keys.len());
    let mut fate = None;
    for key in keys {
        match own_lock(context, &mvcc, key, start_ts)? {
            Some(held) if held.lock.kind == LockKind::Pessimistic => {
                rollback_lock(&mvcc, &mut batch, &mut effects, key, &held)?;
                fate = Some(None);
            }
            Some(held) => locks.push(held.lock.info(key)),
            None => match mvcc.txn_record(key, start_ts)? {
                TxnRecord::Committed { commit_ts, .. } => fate = Some(Some(commit_ts)),
                TxnRecord::RolledBack => fate = Some(None),
                TxnRecord::None => {
                    put_rollback(&mvcc, &mut batch, key, start_ts)?;
                    fate = Some(None);
                }
            },
        }
        if fate.is_some() {
            locks.clear();
            break;
        }
    }
    let response = KvResponse::SecondaryLocks { locks, commit_ts: fate.flatten() };
    Ok(Outcome::write(batch, response, effects))
}

/// Prolongs the primary lock.
pub(super) fn heartbeat(
    context: &CommandContext<'_>,
    primary: &Bytes,
    start_ts: Timestamp,
    ttl_ms: u64,
) -> Result<Outcome> {
    let mvcc = context.mvcc();
    let Some(HeldLock { mut lock, in_memory }) = own_lock(context, &mvcc, primary, start_ts)?
    else {
        return Err(KeyError::TxnLockNotFound { start_ts, key: primary.clone() }.into());
    };
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    if lock.ttl_ms < ttl_ms {
        lock.ttl_ms = ttl_ms;
        if in_memory {
            effects.acquire.push((primary.clone(), PessimisticEntry::of(&lock)));
        } else {
            put_lock(&mut batch, primary, &lock);
        }
    }
    Ok(Outcome::write(batch, KvResponse::Heartbeat { ttl_ms: lock.ttl_ms }, effects))
}
