//! Keys with a timestamp.
//!
//! The user key is made memcomparable, so that the timestamp behind it cannot mix with a longer key; the timestamp
//! is inverted, so that the newest version comes first and one seek to (key, snapshot) finds the version to read.

use super::{Error, Result, bytes, number};
use crate::common::Timestamp;

/// How many bytes a timestamp takes.
pub const TS_LEN: usize = 8;

/// The encoded key: without a timestamp, with room for one.
pub fn encode_key(user_key: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(bytes::encoded_len(user_key.len()) + TS_LEN);
    bytes::put_bytes(&mut key, user_key);
    key
}

/// The encoded key of one version.
pub fn encode_versioned_key(user_key: &[u8], ts: Timestamp) -> Vec<u8> {
    let mut key = encode_key(user_key);
    put_ts(&mut key, ts);
    key
}

/// Appends a timestamp to an encoded key.
pub fn put_ts(key: &mut Vec<u8>, ts: Timestamp) {
    number::put_u64_desc(key, ts.0);
}

/// The user key of an encoded key without a timestamp.
pub fn decode_key(encoded: &[u8]) -> Result<Vec<u8>> {
    let mut rest = encoded;
    let key = bytes::take_bytes(&mut rest)?;
    if rest.is_empty() { Ok(key) } else { Err(Error::Malformed("encoded key")) }
}

/// Splits the key of a version into the encoded key and the timestamp, without decoding the key.
pub fn split_ts(versioned: &[u8]) -> Result<(&[u8], Timestamp)> {
    let (key, ts) =
        versioned.split_last_chunk::<TS_LEN>().ok_or(Error::Truncated("versioned key"))?;
    Ok((key, Timestamp(!u64::from_be_bytes(*ts))))
}

/// The user key and the timestamp of a version's key.
pub fn decode_versioned_key(versioned: &[u8]) -> Result<(Vec<u8>, Timestamp)> {
    let (key, ts) = split_ts(versioned)?;
    Ok((decode_key(key)?, ts))
}
