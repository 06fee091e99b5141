//! Reads of known keys.

use bytes::Bytes;

use super::Result;
use super::key::data_key;
use super::lock::{Sight, check_read};
use super::reader::{load_lock, locked_value, one_key_at, visible_value};
use super::room::Room;
use crate::common::Timestamp;
use crate::storage::api::{KvPair, Pass};
use crate::storage::codec::mvcc::put_ts;
use crate::storage::engine::{Cf, Reader};

/// The value of a user key at `ts`: one lookup in the lock family and one seek in the write family.
/// Needs no snapshot: the engine itself will do (see the module's documentation).
pub fn get(
    reader: &dyn Reader,
    key: &[u8],
    ts: Timestamp,
    resolved: &[Pass],
) -> Result<Option<Bytes>> {
    let mut data_key = data_key(key);
    if let Some(lock) = load_lock(reader, &data_key)?
        && check_read(&lock, key, ts, resolved)? == Sight::Committed
    {
        return Ok(locked_value(reader, &data_key, &lock, false)?);
    }
    let mut cursor = reader.cursor(Cf::Write, one_key_at(ts))?;
    let key_len = data_key.len();
    put_ts(&mut data_key, ts);
    cursor.seek(&data_key)?;
    data_key.truncate(key_len);
    Ok(visible_value(reader, cursor.as_mut(), &data_key, false)?)
}

/// The pairs of those keys that have a value at `ts`, in the order of `keys`, which must ascend: when the answer is full
/// ([`is_cut`](super::is_cut)), it ends with the last key it says something of. Needs no snapshot either, as long as `ts` is
/// not `MAX`: then it is what makes the versions of the keys belong together.
pub fn batch_get(
    reader: &dyn Reader,
    keys: &[Bytes],
    ts: Timestamp,
    resolved: &[Pass],
) -> Result<Vec<KvPair>> {
    let data_keys: Vec<Vec<u8>> = keys.iter().map(|key| data_key(key)).collect();
    // All locks before the cursor: see the module's documentation.
    let mut committed = Vec::new();
    for (at, (data_key, key)) in data_keys.iter().zip(keys).enumerate() {
        if let Some(lock) = load_lock(reader, data_key)?
            && check_read(&lock, key, ts, resolved)? == Sight::Committed
        {
            committed.push((at, lock));
        }
    }
    let mut committed = committed.into_iter().peekable();
    let mut writes = reader.cursor(Cf::Write, one_key_at(ts))?;
    let mut pairs = Vec::with_capacity(keys.len());
    let mut room = Room::new();
    for (at, (mut data_key, key)) in data_keys.into_iter().zip(keys).enumerate() {
        let value = if let Some((_, lock)) = committed.next_if(|(locked, _)| *locked == at) {
            locked_value(reader, &data_key, &lock, false)?
        } else {
            let key_len = data_key.len();
            put_ts(&mut data_key, ts);
            writes.seek(&data_key)?;
            data_key.truncate(key_len);
            visible_value(reader, writes.as_mut(), &data_key, false)?
        };
        if let Some(value) = value {
            let left = room.take(key.len() + value.len());
            pairs.push(KvPair { key: key.clone(), value });
            if !left {
                break;
            }
        }
    }
    Ok(pairs)
}
