//! Reads of known keys.

use bytes::Bytes;

use super::Result;
use super::key::{data_key, version_key};
use super::lock::check_read;
use super::range::KeyRange;
use super::reader::{load_lock, near_seek, visible_value};
use crate::common::Timestamp;
use crate::storage::engine::{Cf, Reader};
use crate::storage::txn::KvPair;

/// The value of a user key at `ts`: one lookup in the lock family and one seek in the write family.
/// Needs no snapshot: the engine itself will do (see the module's documentation).
pub fn get(
    reader: &dyn Reader,
    key: &[u8],
    ts: Timestamp,
    resolved: &[Timestamp],
) -> Result<Option<Bytes>> {
    let data_key = data_key(key);
    if let Some(lock) = load_lock(reader, &data_key)? {
        check_read(&lock, key, ts, resolved)?;
    }
    let mut cursor = reader.cursor(Cf::Write, KeyRange::of_key(&data_key).options())?;
    cursor.seek(&version_key(&data_key, ts))?;
    Ok(visible_value(reader, cursor.as_mut(), &data_key, false)?)
}

/// The pairs of those keys that have a value at `ts`, in the order of `keys`. The cursors go through the keys in their
/// order, so many keys cost less than as many [`get`]s. At `ts` = `MAX` it needs a snapshot.
pub fn batch_get(
    reader: &dyn Reader,
    range: &KeyRange,
    keys: &[Bytes],
    ts: Timestamp,
    resolved: &[Timestamp],
) -> Result<Vec<KvPair>> {
    let mut order: Vec<(Vec<u8>, usize)> =
        keys.iter().enumerate().map(|(index, key)| (data_key(key), index)).collect();
    order.sort_unstable();
    let mut writes = reader.cursor(Cf::Write, range.options())?;
    let mut values: Vec<Option<Bytes>> = vec![None; keys.len()];
    for (position, (data_key, index)) in order.iter().enumerate() {
        // One get each, not a cursor: locks come and go, and a cursor would walk over what is left of the deleted ones.
        if let Some(lock) = load_lock(reader, data_key)? {
            check_read(&lock, &keys[*index], ts, resolved)?;
        }
        // A key given twice sends the write cursor back, so it always seeks from an older key or anew.
        let target = version_key(data_key, ts);
        let seek_anew = position == 0 || order[position - 1].0 == *data_key;
        if seek_anew {
            writes.seek(&target)?
        } else {
            near_seek(writes.as_mut(), &target)?
        };
        values[*index] = visible_value(reader, writes.as_mut(), data_key, false)?;
    }
    let pairs = keys.iter().zip(values);
    Ok(pairs
        .filter_map(|(key, value)| value.map(|value| KvPair { key: key.clone(), value }))
        .collect())
}
