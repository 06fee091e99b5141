//! Commands over ranges: looking for locks, collecting garbage, removing everything.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::executor::{CommandContext, Effects, Outcome, ROUND_KEYS, ROUND_LOCKS};
use super::{KvResponse, LockInfo};
use crate::common::Timestamp;
use crate::storage::engine::{self, Cf, Cursor, WriteBatch};
use crate::storage::mvcc::key::{data_key, user_key};
use crate::storage::mvcc::{KeyRange, Lock, Result, collect_key};

/// The locks of transactions up to `max_ts` between two user keys, in the order of keys: those of the lock family,
/// pessimistic ones in memory, and prewrites in flight.
pub(super) fn scan_lock(
    context: &CommandContext<'_>,
    max_ts: Timestamp,
    start: &[u8],
    end: &[u8],
    limit: usize,
) -> Result<Outcome> {
    context.concurrency.push_max_ts(max_ts);
    let range = context.range.clip(start, end);
    let mut locks: BTreeMap<Bytes, LockInfo> = BTreeMap::new();
    let in_flight = context.concurrency.locks_in(start, end);
    let in_memory = context.locks.range(start, end).map(|(key, entry)| entry.to_lock().info(key));
    for info in in_flight.into_iter().chain(in_memory) {
        if info.start_ts <= max_ts && range.contains(&data_key(&info.key)) {
            locks.insert(info.key.clone(), info);
        }
    }
    let mut cursor = lock_cursor(context, &range)?;
    let mut found = 0;
    while cursor.valid() && found < limit {
        let lock = Lock::decode(cursor.value())?;
        if lock.start_ts <= max_ts {
            let key = user_key(cursor.key())?;
            let info = lock.info(&key);
            locks.insert(Bytes::from(key), info);
            found += 1;
        }
        cursor.next()?;
    }
    Ok(Outcome::Reply(KvResponse::Locks(locks.into_values().take(limit).collect())))
}

/// Keys of the region that a transaction has locked, from a user key on, as many as a round takes; and where the next round goes on, if there is
/// to be one. Going on from there costs no look at what stood before it: the engine would step over each lock deleted meanwhile.
pub(super) fn keys_locked_by(
    context: &CommandContext<'_>,
    start_ts: Timestamp,
    from: &Bytes,
) -> engine::Result<(Vec<Bytes>, Option<Bytes>)> {
    let in_memory = context.locks.keys_of(start_ts).take(ROUND_KEYS);
    let mut keys: Vec<Bytes> = in_memory.cloned().collect();
    let mut next = (keys.len() == ROUND_KEYS).then(|| from.clone());
    if next.is_none() {
        let mut cursor = lock_cursor(context, &context.range.clip(from, b""))?;
        let mut seen = 0;
        while cursor.valid() {
            let key = Bytes::from(user_key(cursor.key())?);
            if keys.len() == ROUND_KEYS || seen == ROUND_LOCKS {
                next = Some(key);
                break;
            }
            if Lock::decode(cursor.value())?.start_ts == start_ts {
                keys.push(key);
            }
            seen += 1;
            cursor.next()?;
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok((keys, next))
}

/// A cursor on the first lock of a range.
fn lock_cursor<'a>(
    context: &CommandContext<'a>,
    range: &KeyRange,
) -> engine::Result<Box<dyn Cursor + 'a>> {
    let mut cursor = context.reader.cursor(Cf::Lock, range.options())?;
    if !range.is_empty() {
        cursor.seek_to_first()?;
    }
    Ok(cursor)
}

/// Removes the garbage of the given keys.
pub(super) fn gc(
    context: &CommandContext<'_>,
    keys: &[Bytes],
    safe_point: Timestamp,
) -> Result<Outcome> {
    let mut batch = WriteBatch::new();
    for key in keys {
        collect_key(context.reader, key, safe_point, &mut batch)?;
    }
    Ok(Outcome::write(batch, KvResponse::Done, Effects::default()))
}

/// Removes everything between two user keys. The caller knows that no transaction uses them any more.
pub(super) fn delete_range(
    context: &CommandContext<'_>,
    start: &[u8],
    end: &[u8],
) -> Result<Outcome> {
    let range = context.range.clip(start, end);
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    if range.is_empty() {
        return Ok(Outcome::Reply(KvResponse::Done));
    }
    for cf in [Cf::Lock, Cf::Write, Cf::Default] {
        batch.delete_range(cf, range.lower(), range.upper());
    }
    for (key, entry) in context.locks.range(start, end) {
        effects.release.push((key.clone(), entry.start_ts));
        effects.unlocked.push(key.clone());
    }
    Ok(Outcome::write(batch, KvResponse::Done, effects))
}
