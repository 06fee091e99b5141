//! Keys as the engine sees them: the codec's, with failures to decode told as corruption.

use crate::common::Timestamp;
use crate::storage::codec::{self, keys, mvcc};
use crate::storage::engine::{Error, Result};

/// The key of the lock family, and the prefix of every version of a user key.
pub(in crate::storage) fn data_key(user_key: &[u8]) -> Vec<u8> {
    keys::data_key_of(user_key)
}

/// The key of one version.
pub(in crate::storage) fn version_key(data_key: &[u8], ts: Timestamp) -> Vec<u8> {
    let mut key = Vec::with_capacity(data_key.len() + mvcc::TS_LEN);
    key.extend_from_slice(data_key);
    mvcc::put_ts(&mut key, ts);
    key
}

/// Takes a version's key apart.
pub(in crate::storage) fn split_version(key: &[u8]) -> Result<(&[u8], Timestamp)> {
    mvcc::split_ts(key).map_err(corrupt)
}

/// The user key of a data key.
pub(in crate::storage) fn user_key(data_key: &[u8]) -> Result<Vec<u8>> {
    keys::origin_key(data_key).and_then(mvcc::decode_key).map_err(corrupt)
}

fn corrupt(error: codec::Error) -> Error {
    Error::Corruption(error.to_string())
}
