//! May this region serve that request?
//!
//! Requests speak of user keys, regions of encoded ones. Encoding keeps the order, so instead of
//! encoding every key of every request, the two bounds are decoded once and user keys are compared
//! with them.

use bytes::Bytes;

use super::Region;
use crate::storage::api::{KvRequest, RegionContext, RegionError};
use crate::storage::codec::bytes::take_bytes;

/// A region's range in user keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRange {
    start: Bytes,
    end: Option<Bytes>,
}

impl UserRange {
    /// The range of a region; `None` if a bound is not an encoded user key.
    pub fn of(region: &Region) -> Option<UserRange> {
        let start =
            if region.start_key.is_empty() { Bytes::new() } else { decode(&region.start_key)? };
        let end = if region.end_key.is_empty() { None } else { Some(decode(&region.end_key)?) };
        Some(UserRange { start, end })
    }

    /// Its first user key.
    pub fn start(&self) -> &Bytes {
        &self.start
    }

    /// Whether a key is in it.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= &self.start[..] && self.end.as_ref().is_none_or(|end| key < &end[..])
    }

    /// Whether `[start, end)` is in it; an empty `end` has no bound.
    pub fn contains_range(&self, start: &[u8], end: &[u8]) -> bool {
        let end_fits = match &self.end {
            None => true,
            Some(mine) => !end.is_empty() && end <= &mine[..],
        };
        start >= &self.start[..] && end_fits
    }
}

fn decode(encoded: &[u8]) -> Option<Bytes> {
    let mut rest = encoded;
    let key = take_bytes(&mut rest).ok()?;
    rest.is_empty().then(|| key.into())
}

/// Whether an encoded key is a whole encoded user key, and so may bound a region.
pub fn is_valid_bound(encoded: &[u8]) -> bool {
    decode(encoded).is_some()
}

/// Refuses a sender that knows another range of the region.
pub fn check_epoch(region: &Region, context: &RegionContext) -> Result<(), RegionError> {
    if context.region_id != region.id {
        return Err(RegionError::RegionNotFound(context.region_id));
    }
    // Commands only depend on the range: changes of replicas do not disturb them.
    if context.epoch.version != region.epoch.version {
        return Err(RegionError::EpochNotMatch(region.id));
    }
    Ok(())
}

/// Refuses a request with a key outside the region. A forward scan must begin in the region and a
/// backward scan must end in it; the rest of their range is cut off at the region's bound, and the
/// sender goes on in the next region.
pub fn check_keys(
    region: &Region,
    range: &UserRange,
    request: &KvRequest,
) -> Result<(), RegionError> {
    let fits = match request {
        KvRequest::Get { key, .. } => range.contains(key),
        KvRequest::BatchGet { keys, .. }
        | KvRequest::PessimisticRollback { keys, .. }
        | KvRequest::Rollback { keys, .. }
        | KvRequest::CheckSecondaryLocks { keys, .. }
        | KvRequest::ResolveLock { keys, .. } => keys.iter().all(|key| range.contains(key)),
        KvRequest::Commit(commit) => commit.keys.iter().all(|key| range.contains(key)),
        KvRequest::Prewrite(prewrite) => {
            prewrite.mutations.iter().all(|mutation| range.contains(&mutation.key))
        }
        KvRequest::PessimisticLock(lock) => lock.keys.iter().all(|(key, _)| range.contains(key)),
        KvRequest::TxnHeartBeat { primary, .. } => range.contains(primary),
        KvRequest::CheckTxnStatus(check) => range.contains(&check.primary),
        KvRequest::Scan { end, reverse: true, .. } => match &range.end {
            None => true,
            Some(bound) => !end.is_empty() && end <= bound,
        },
        KvRequest::Scan { start, reverse: false, .. }
        | KvRequest::ScanLock { start, .. }
        | KvRequest::Gc { start, .. } => range.contains(start) || *start == range.start,
        KvRequest::DeleteRange { start, end } => range.contains_range(start, end),
    };
    if fits { Ok(()) } else { Err(RegionError::KeyNotInRegion(region.id)) }
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::first_region;
    use super::*;
    use crate::common::{PeerId, RegionId, StoreId, Timestamp};
    use crate::storage::api::RegionEpoch;
    use crate::storage::codec::mvcc::encode_key;

    fn middle() -> (Region, UserRange) {
        let mut region = first_region(RegionId(2), PeerId(3), StoreId(1));
        region.start_key = encode_key(b"b").into();
        region.end_key = encode_key(b"d").into();
        let range = UserRange::of(&region).unwrap();
        (region, range)
    }

    fn scan(start: &'static str, end: &'static str, reverse: bool) -> KvRequest {
        KvRequest::Scan {
            start: start.into(),
            end: end.into(),
            limit: 1,
            ts: Timestamp(1),
            reverse,
            key_only: false,
            resolved: Vec::new(),
        }
    }

    #[test]
    fn keys_are_compared_with_decoded_bounds() {
        let (_, range) = middle();
        for (key, inside) in [("a", false), ("b", true), ("c\u{7f}", true), ("d", false)] {
            assert_eq!(range.contains(key.as_bytes()), inside, "{key}");
        }
        assert!(range.contains_range(b"b", b"d"));
        assert!(!range.contains_range(b"b", b""));
        assert!(!is_valid_bound(b"half a key"));
    }

    #[test]
    fn scans_must_begin_where_their_direction_begins() {
        let (region, range) = middle();
        assert!(check_keys(&region, &range, &scan("b", "", false)).is_ok());
        assert!(check_keys(&region, &range, &scan("a", "c", false)).is_err());
        assert!(check_keys(&region, &range, &scan("", "d", true)).is_ok());
        assert!(check_keys(&region, &range, &scan("", "", true)).is_err());
        assert!(check_keys(&region, &range, &scan("c", "e", true)).is_err());
    }

    #[test]
    fn only_the_version_of_the_range_matters_to_commands() {
        let (region, _) = middle();
        let mut context = region.context();
        context.epoch.conf_ver += 1;
        assert_eq!(check_epoch(&region, &context), Ok(()));
        context.epoch = RegionEpoch { version: 0, ..context.epoch };
        let refused = check_epoch(&region, &context);
        assert_eq!(refused, Err(RegionError::EpochNotMatch(RegionId(2))));
    }
}
