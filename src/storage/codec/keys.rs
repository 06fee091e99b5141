//! The key space of a store's engines.
//!
//! ```text
//! 0x01 0x01                              the identity of the store
//! 0x01 0x02 <region id> 0x01 <index>     an entry of a region's log     (raft instance)
//! 0x01 0x02 <region id> 0x02             the region's RaftLocalState    (raft instance)
//! 0x01 0x02 <region id> 0x03             the region's RaftApplyState    (kv instance)
//! 0x01 0x03 <region id> 0x01             the region's RegionLocalState  (kv instance)
//! 'z' <encoded key>                      user data
//! ```
//!
//! Region ids and indexes are eight bytes, big-endian.

use super::{Error, Result, bytes, mvcc};
use crate::common::{LogIndex, RegionId};

const LOCAL: u8 = 0x01;
const RAFT: u8 = 0x02;
const META: u8 = 0x03;
const LOG: u8 = 0x01;
const RAFT_STATE: u8 = 0x02;
const APPLY_STATE: u8 = 0x03;
const REGION_STATE: u8 = 0x01;

/// What every key of user data starts with.
pub const DATA_PREFIX: u8 = b'z';
/// The first key of user data.
pub const DATA_MIN: &[u8] = &[DATA_PREFIX];
/// Past all user data.
pub const DATA_MAX: &[u8] = &[DATA_PREFIX + 1];
/// Where the identity of the store is.
pub const STORE_IDENT: &[u8] = &[LOCAL, 0x01];

/// A key of a region's own data: 11 bytes.
pub type RegionKey = [u8; 11];
/// The key of a log entry: 19 bytes.
pub type LogKey = [u8; 19];

fn region_key(class: u8, region: RegionId, suffix: u8) -> RegionKey {
    let mut key = [0; 11];
    key[0] = LOCAL;
    key[1] = class;
    key[2..10].copy_from_slice(&region.0.to_be_bytes());
    key[10] = suffix;
    key
}

/// Where an entry of a region's log is.
pub fn raft_log_key(region: RegionId, index: LogIndex) -> LogKey {
    let mut key = [0; 19];
    key[..11].copy_from_slice(&region_key(RAFT, region, LOG));
    key[11..].copy_from_slice(&index.0.to_be_bytes());
    key
}

/// The region and the index of a log entry's key.
pub fn decode_raft_log_key(key: &[u8]) -> Result<(RegionId, LogIndex)> {
    let (prefix, index) = key.split_last_chunk().ok_or(Error::Truncated("log key"))?;
    let region = decode_region_key(prefix, RAFT, LOG)?;
    Ok((region, LogIndex(u64::from_be_bytes(*index))))
}

/// Every log entry of a region: `[start, end)`.
pub fn raft_log_range(region: RegionId) -> (RegionKey, RegionKey) {
    (region_key(RAFT, region, LOG), region_key(RAFT, region, LOG + 1))
}

/// Everything under `0x01 0x02` of a region: `[start, end)`.
pub fn raft_range(region: RegionId) -> (RegionKey, RegionKey) {
    (region_key(RAFT, region, 0), region_key(RAFT, region, u8::MAX))
}

/// Where a region's `RaftLocalState` is.
pub fn raft_state_key(region: RegionId) -> RegionKey {
    region_key(RAFT, region, RAFT_STATE)
}

/// The region of a key made by [`raft_state_key`].
pub fn decode_raft_state_key(key: &[u8]) -> Result<RegionId> {
    decode_region_key(key, RAFT, RAFT_STATE)
}

/// Where a region's `RaftApplyState` is.
pub fn apply_state_key(region: RegionId) -> RegionKey {
    region_key(RAFT, region, APPLY_STATE)
}

/// Where a region's `RegionLocalState` is.
pub fn region_state_key(region: RegionId) -> RegionKey {
    region_key(META, region, REGION_STATE)
}

/// The region of a key made by [`region_state_key`].
pub fn decode_region_state_key(key: &[u8]) -> Result<RegionId> {
    decode_region_key(key, META, REGION_STATE)
}

/// Every region's metadata: `[start, end)`.
pub fn region_meta_range() -> ([u8; 2], [u8; 2]) {
    ([LOCAL, META], [LOCAL, META + 1])
}

fn decode_region_key(key: &[u8], class: u8, suffix: u8) -> Result<RegionId> {
    match key {
        [LOCAL, kind, id @ .., last] if *kind == class && *last == suffix => {
            let id = id.try_into().map_err(|_| Error::Malformed("region key"))?;
            Ok(RegionId(u64::from_be_bytes(id)))
        }
        _ => Err(Error::Malformed("region key")),
    }
}

/// Where an encoded key is: under the data prefix.
pub fn data_key(encoded: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + encoded.len() + mvcc::TS_LEN);
    key.push(DATA_PREFIX);
    key.extend_from_slice(encoded);
    key
}

/// Where the end of a range of encoded keys is; an empty end is the end of the data.
pub fn data_end_key(encoded_end: &[u8]) -> Vec<u8> {
    if encoded_end.is_empty() { DATA_MAX.to_vec() } else { data_key(encoded_end) }
}

/// Where a user key is, with room for a timestamp: [`data_key`] of [`mvcc::encode_key`] in one step.
pub fn data_key_of(user_key: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + bytes::encoded_len(user_key.len()) + mvcc::TS_LEN);
    key.push(DATA_PREFIX);
    bytes::put_bytes(&mut key, user_key);
    key
}

/// The encoded key (timestamp and all) without the data prefix.
pub fn origin_key(data_key: &[u8]) -> Result<&[u8]> {
    match data_key {
        [DATA_PREFIX, encoded @ ..] => Ok(encoded),
        _ => Err(Error::Malformed("data key")),
    }
}
