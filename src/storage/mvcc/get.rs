//! Reads of known keys.

use bytes::Bytes;

use super::Result;
use super::key::data_key;
use super::lock::check_read;
use super::reader::{load_lock, one_key_at, visible_value};
use crate::common::Timestamp;
use crate::storage::codec::mvcc::put_ts;
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
    let mut data_key = data_key(key);
    if let Some(lock) = load_lock(reader, &data_key)? {
        check_read(&lock, key, ts, resolved)?;
    }
    let mut cursor = reader.cursor(Cf::Write, one_key_at(ts))?;
    let key_len = data_key.len();
    put_ts(&mut data_key, ts);
    cursor.seek(&data_key)?;
    data_key.truncate(key_len);
    Ok(visible_value(reader, cursor.as_mut(), &data_key, false)?)
}

/// The pairs of those keys that have a value at `ts`, in the order of `keys`. Needs no snapshot either, as long as `ts` is not
/// `MAX`: then it is what makes the versions of the keys belong together.
pub fn batch_get(
    reader: &dyn Reader,
    keys: &[Bytes],
    ts: Timestamp,
    resolved: &[Timestamp],
) -> Result<Vec<KvPair>> {
    let mut order: Vec<(Vec<u8>, usize)> =
        keys.iter().enumerate().map(|(index, key)| (data_key(key), index)).collect();
    order.sort_unstable();
    // All locks before the cursor: see the module's documentation.
    for (data_key, index) in &order {
        if let Some(lock) = load_lock(reader, data_key)? {
            check_read(&lock, &keys[*index], ts, resolved)?;
        }
    }
    let mut writes = reader.cursor(Cf::Write, one_key_at(ts))?;
    let mut values: Vec<Option<Bytes>> = vec![None; keys.len()];
    for (mut data_key, index) in order {
        let key_len = data_key.len();
        put_ts(&mut data_key, ts);
        writes.seek(&data_key)?;
        data_key.truncate(key_len);
        values[index] = visible_value(reader, writes.as_mut(), &data_key, false)?;
    }
    let pairs = keys.iter().zip(values);
    Ok(pairs
        .filter_map(|(key, value)| value.map(|value| KvPair { key: key.clone(), value }))
        .collect())
}
