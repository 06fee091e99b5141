//! Ranges of data keys.

use super::key::data_key;
use crate::storage::codec::keys;
use crate::storage::engine::IterOptions;

/// A range of data keys, `[lower, upper)`, in the engine's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    lower: Vec<u8>,
    upper: Vec<u8>,
}

impl KeyRange {
    /// All data.
    pub fn all() -> KeyRange {
        KeyRange { lower: keys::DATA_MIN.to_vec(), upper: keys::DATA_MAX.to_vec() }
    }

    /// A region's range from its boundaries: memcomparable keys without the data prefix; an empty end has no bound.
    pub fn of_region(start: &[u8], end: &[u8]) -> KeyRange {
        let (lower, upper) = (keys::data_key(start), keys::data_end_key(end));
        assert!(lower < upper, "a region begins before it ends");
        KeyRange { lower, upper }
    }

    /// The part of this range between two user keys; an empty `end` has no bound.
    pub fn clip(&self, start: &[u8], end: &[u8]) -> KeyRange {
        let lower = if start.is_empty() { Vec::new() } else { data_key(start) };
        let upper =
            if end.is_empty() { self.upper.clone() } else { data_key(end).min(self.upper.clone()) };
        KeyRange { lower: lower.max(self.lower.clone()), upper }
    }

    /// Whether there can be nothing in it.
    pub fn is_empty(&self) -> bool {
        self.lower >= self.upper
    }

    /// Whether a data key is in it.
    pub fn contains(&self, data_key: &[u8]) -> bool {
        *self.lower <= *data_key && *data_key < *self.upper
    }

    /// Its first key.
    pub fn lower(&self) -> &[u8] {
        &self.lower
    }

    /// The key past its end.
    pub fn upper(&self) -> &[u8] {
        &self.upper
    }

    /// The bounds of a cursor over it.
    pub(in crate::storage) fn options(&self) -> IterOptions {
        IterOptions {
            lower: Some(self.lower.clone()),
            upper: Some(self.upper.clone()),
            ..IterOptions::default()
        }
    }
}

/// The first key past every version of a data key, and before the next data key's versions.
pub(super) fn after_versions(data_key: &[u8]) -> Vec<u8> {
    let mut target = Vec::with_capacity(data_key.len() + 9);
    put_after_versions(&mut target, data_key);
    target
}

/// Makes `target` [`after_versions`] of a data key.
pub(super) fn put_after_versions(target: &mut Vec<u8>, data_key: &[u8]) {
    target.clear();
    target.extend_from_slice(data_key);
    target.extend_from_slice(&[0xff; 8]);
    target.push(0);
}
