//! User keys and the encoded keys that bound regions: [`codec::mvcc`] without the timestamp.
//!
//! [`codec::mvcc`]: crate::storage::codec::mvcc

use bytes::Bytes;

use crate::storage::codec::mvcc;
pub use crate::storage::codec::mvcc::encode_key;

/// The bound of a range given by a user key, where empty means no bound.
pub fn encode_bound(user_key: &[u8]) -> Bytes {
    if user_key.is_empty() { Bytes::new() } else { encode_key(user_key).into() }
}

/// The user key of a region's bound, where empty means no bound; `None` if the bound is not an encoded key.
pub fn decode_bound(bound: &[u8]) -> Option<Bytes> {
    if bound.is_empty() {
        Some(Bytes::new())
    } else {
        mvcc::decode_key(bound).ok().map(Bytes::from)
    }
}
