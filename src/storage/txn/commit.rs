//! The ends of a transaction on its keys: commit, rollback, and either of them by somebody who resolves its locks.

use bytes::Bytes;

use super::executor::{CommandContext, Effects, HeldLock, Outcome};
use super::writes::{commit_lock, discard_value, put_rollback};
use super::{CommitKeys, KeyError, KvResponse, LockKind};
use crate::common::Timestamp;
use crate::storage::engine::{self, WriteBatch};
use crate::storage::mvcc::{MvccReader, Result, TxnRecord};

/// Commits keys; repeating it is fine.
pub(super) fn commit(context: &CommandContext<'_>, request: &CommitKeys) -> Result<Outcome> {
    let mut mvcc = context.mvcc();
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    for key in &request.keys {
        let held = own_lock(context, &mvcc, key, request.start_ts)?;
        match held {
            Some(HeldLock { lock, .. }) if lock.kind != LockKind::Pessimistic => {
                if request.commit_ts < lock.min_commit_ts {
                    return Err(KeyError::CommitTsExpired {
                        commit_ts: request.commit_ts,
                        min_commit_ts: lock.min_commit_ts,
                        key: key.clone(),
                    }
                    .into());
                }
                commit_lock(&mvcc, &mut batch, key, &lock, request.commit_ts)?;
                effects.unlocked.push(key.clone());
            }
            held => match mvcc.txn_record(key, request.start_ts)? {
                // Done before. A pessimistic lock can be left by a message that came late.
                TxnRecord::Committed { .. } => {
                    if let Some(held) = held {
                        effects.unlock(&mut batch, key, &held);
                    }
                }
                TxnRecord::RolledBack | TxnRecord::None => {
                    let key = key.clone();
                    return Err(
                        KeyError::TxnLockNotFound { start_ts: request.start_ts, key }.into()
                    );
                }
            },
        }
    }
    Ok(Outcome::write(batch, KvResponse::Done, effects))
}

/// Rolls keys back, locked or not; repeating it is fine.
pub(super) fn rollback(
    context: &CommandContext<'_>,
    keys: &[Bytes],
    start_ts: Timestamp,
) -> Result<Outcome> {
    // Whoever commits here from now on commits above this rollback's record.
    context.concurrency.push_max_ts(start_ts);
    let mut mvcc = context.mvcc();
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    for key in keys {
        if let Some(held) = own_lock(context, &mvcc, key, start_ts)? {
            rollback_lock(&mvcc, &mut batch, &mut effects, key, &held)?;
            continue;
        }
        match mvcc.txn_record(key, start_ts)? {
            TxnRecord::Committed { commit_ts, .. } => {
                return Err(KeyError::Committed { commit_ts }.into());
            }
            TxnRecord::RolledBack => {}
            TxnRecord::None => put_rollback(&mvcc, &mut batch, key, start_ts)?,
        }
    }
    Ok(Outcome::write(batch, KvResponse::Done, effects))
}

/// Commits or rolls back the locks that are still there. The transaction's fate is decided, so nothing is
/// judged anew: keys without its lock are settled already.
pub(super) fn resolve(
    context: &CommandContext<'_>,
    keys: &[Bytes],
    start_ts: Timestamp,
    commit_ts: Option<Timestamp>,
) -> Result<Outcome> {
    context.concurrency.push_max_ts(start_ts);
    let mvcc = context.mvcc();
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    for key in keys {
        let Some(held) = own_lock(context, &mvcc, key, start_ts)? else { continue };
        match commit_ts {
            // Not part of the commit.
            Some(_) if held.lock.kind == LockKind::Pessimistic => {
                effects.unlock(&mut batch, key, &held);
            }
            // A fate that cannot be: whoever sent it is wrong.
            Some(commit_ts) if commit_ts <= start_ts => {
                let (min_commit_ts, key) = (start_ts.next(), key.clone());
                return Err(KeyError::CommitTsExpired { commit_ts, min_commit_ts, key }.into());
            }
            Some(commit_ts) => {
                commit_lock(&mvcc, &mut batch, key, &held.lock, commit_ts)?;
                effects.unlocked.push(key.clone());
            }
            None => rollback_lock(&mvcc, &mut batch, &mut effects, key, &held)?,
        }
    }
    Ok(Outcome::write(batch, KvResponse::Done, effects))
}

/// The lock of `start_ts` on a key.
pub(super) fn own_lock(
    context: &CommandContext<'_>,
    mvcc: &MvccReader<'_>,
    key: &[u8],
    start_ts: Timestamp,
) -> engine::Result<Option<HeldLock>> {
    Ok(context.held_lock(mvcc, key)?.filter(|held| held.lock.start_ts == start_ts))
}

/// Removes a lock of any kind and what it had put in place, and leaves the rollback's record.
pub(super) fn rollback_lock(
    mvcc: &MvccReader<'_>,
    batch: &mut WriteBatch,
    effects: &mut Effects,
    key: &Bytes,
    held: &HeldLock,
) -> engine::Result<()> {
    discard_value(batch, key, &held.lock);
    effects.unlock(batch, key, held);
    put_rollback(mvcc, batch, key, held.lock.start_ts)
}
