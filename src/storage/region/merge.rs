//! Merging: two neighbours whose replicas are on the same stores become one region.
//!
//! The *source* first commits `PrepareMerge`: from there on it takes no writes, so its data is final,
//! and what its log holds up to there can be handed over. The *target* then commits `CommitMerge`.
//! Each replica of the target applies it only after the source's replica on the same store is applied
//! up to the `PrepareMerge`; what that one may lack comes along in the entry. If the target has changed
//! in between, `CommitMerge` is void on every replica, and the source commits `RollbackMerge`.
//!
//! Every step moves versions up, so of two descriptors that share a key the one with the higher
//! version is the newer.

use super::Region;

/// Why two regions cannot become one. Every replica finds the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is something between them, or they overlap.
    #[error("the regions are not neighbours")]
    NotNeighbours,
    /// Each store must hold either both or none.
    #[error("the regions have their replicas on different stores")]
    OtherStores,
    /// Membership changes come to their end first.
    #[error("a joint membership change is under way")]
    Joint,
}

/// Whether the source can become part of the target.
pub fn check(target: &Region, source: &Region) -> Result<(), MergeError> {
    let before = !source.end_key.is_empty() && source.end_key == target.start_key;
    let behind = !target.end_key.is_empty() && target.end_key == source.start_key;
    if !before && !behind {
        return Err(MergeError::NotNeighbours);
    }
    let homes = |region: &Region| {
        let mut homes: Vec<_> =
            region.peers.iter().map(|peer| (peer.store_id, peer.role.votes())).collect();
        homes.sort_unstable();
        homes
    };
    if homes(target) != homes(source) {
        return Err(MergeError::OtherStores);
    }
    if target.peers.iter().chain(&source.peers).any(|peer| peer.role.is_joint()) {
        return Err(MergeError::Joint);
    }
    Ok(())
}

/// The source once it takes no more writes.
pub fn prepared(source: &Region) -> Region {
    let mut prepared = source.clone();
    prepared.epoch.version += 1;
    prepared.epoch.conf_ver += 1;
    prepared
}

/// The source once it goes on by itself.
pub fn rolled_back(source: &Region) -> Region {
    let mut source = source.clone();
    source.epoch.version += 1;
    source
}

/// The target with the source's range.
pub fn merged(target: &Region, source: &Region) -> Result<Region, MergeError> {
    check(target, source)?;
    let mut merged = target.clone();
    if source.end_key == target.start_key && !source.end_key.is_empty() {
        merged.start_key = source.start_key.clone();
    } else {
        merged.end_key = source.end_key.clone();
    }
    merged.epoch.version = target.epoch.version.max(source.epoch.version) + 1;
    assert!(merged.covers(target) && merged.covers(source), "a merge loses no key");
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::first_region;
    use super::*;
    use crate::common::{PeerId, RegionId, StoreId};

    fn region(id: u64, start: &'static str, end: &'static str) -> Region {
        let mut region = first_region(RegionId(id), PeerId(id * 10), StoreId(1));
        region.start_key = start.into();
        region.end_key = end.into();
        region
    }

    #[test]
    fn neighbours_merge_in_both_directions() {
        let (left, right) = (region(1, "", "m"), region(2, "m", ""));
        let merged_right = merged(&right, &left).unwrap();
        assert_eq!((&merged_right.start_key[..], &merged_right.end_key[..]), (&b""[..], &b""[..]));
        let merged_left = merged(&left, &right).unwrap();
        assert_eq!(merged_left.end_key, "");
        assert!(merged_left.epoch.version > right.epoch.version);
    }

    #[test]
    fn strangers_do_not_merge() {
        assert_eq!(
            merged(&region(1, "a", "b"), &region(2, "c", "d")),
            Err(MergeError::NotNeighbours)
        );
        let mut elsewhere = region(2, "b", "c");
        elsewhere.peers[0].store_id = StoreId(2);
        assert_eq!(merged(&region(1, "a", "b"), &elsewhere), Err(MergeError::OtherStores));
    }
}
