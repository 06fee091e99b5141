//! User keys and the encoded keys that bound regions.
//!
//! An encoded key is the memcomparable form of a user key: groups of eight bytes, each followed by a marker that tells how
//! many of them are padding. Its order is the order of user keys, and no encoded key is a prefix of another, so a
//! timestamp can follow it.

use bytes::Bytes;

const GROUP: usize = 8;
const MARKER: u8 = 0xff;

/// The encoded form of a user key.
pub fn encode_key(user_key: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity((user_key.len() / GROUP + 1) * (GROUP + 1));
    let mut groups = user_key.chunks_exact(GROUP);
    for group in groups.by_ref() {
        encoded.extend_from_slice(group);
        encoded.push(MARKER);
    }
    let rest = groups.remainder();
    encoded.extend_from_slice(rest);
    let padding = GROUP - rest.len();
    encoded.resize(encoded.len() + padding, 0);
    encoded.push(MARKER - padding as u8);
    encoded
}

/// The bound of a range given by a user key, where empty means no bound.
pub fn encode_bound(user_key: &[u8]) -> Bytes {
    if user_key.is_empty() { Bytes::new() } else { encode_key(user_key).into() }
}

/// The user key of an encoded key; `None` if it is not one.
pub fn decode_key(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut user_key = Vec::with_capacity(encoded.len());
    let (last, full) =
        encoded.split_last_chunk::<{ GROUP + 1 }>().map(|(full, last)| (last, full))?;
    if full.len() % (GROUP + 1) != 0 {
        return None;
    }
    for group in full.chunks_exact(GROUP + 1) {
        let (bytes, marker) = group.split_at(GROUP);
        if marker[0] != MARKER {
            return None;
        }
        user_key.extend_from_slice(bytes);
    }
    let padding = usize::from(MARKER - last[GROUP]);
    if padding == 0 || padding > GROUP || last[GROUP - padding..GROUP].iter().any(|byte| *byte != 0)
    {
        return None;
    }
    user_key.extend_from_slice(&last[..GROUP - padding]);
    Some(user_key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_the_form_tidb_stores() {
        assert_eq!(encode_key(b""), [0, 0, 0, 0, 0, 0, 0, 0, 247]);
        assert_eq!(encode_key(&[1, 2, 3]), [1, 2, 3, 0, 0, 0, 0, 0, 250]);
        let eight = [1, 2, 3, 4, 5, 6, 7, 8, 255, 0, 0, 0, 0, 0, 0, 0, 0, 247];
        assert_eq!(encode_key(&[1, 2, 3, 4, 5, 6, 7, 8]), eight);
        assert_eq!(decode_key(&[1, 2, 3]), None);
        assert_eq!(decode_key(&[]), None);
    }

    proptest! {
        #[test]
        fn keeps_order_and_comes_back(a: Vec<u8>, b: Vec<u8>) {
            prop_assert_eq!(encode_key(&a).cmp(&encode_key(&b)), a.cmp(&b));
            prop_assert_eq!(decode_key(&encode_key(&a)), Some(a));
        }

        #[test]
        fn nonsense_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(key) = decode_key(&bytes) {
                prop_assert_eq!(encode_key(&key), bytes);
            }
        }
    }
}
