//! What a store puts in order before its peers start.

use std::collections::BTreeMap;

use bytes::Bytes;
use tracing::info;

use crate::actors::store::shared::StoreParts;
use crate::actors::store::snapshots::install;
use crate::common::RegionId;
use crate::storage::codec::keys;
use crate::storage::engine::{Cf, WriteBatch};
use crate::storage::raft::LogPosition;
use crate::storage::region::Region;
use crate::storage::region::snapshot::{SnapshotHeader, sum_file};
use crate::storage::region::state::{
    PeerState, delete_apply_state, delete_data, load_apply_state, load_states,
};

/// Ends what a crash has interrupted: installs snapshots anew, removes what is left of replicas that
/// are gone. Answers the regions to start.
pub(super) fn recover(parts: &StoreParts) -> Result<Vec<(Region, PeerState)>, String> {
    let states = load_states(&*parts.kv).map_err(|error| error.to_string())?;
    let mut living = Vec::new();
    let mut gone = Vec::new();
    for (region, state) in states {
        match state {
            PeerState::Normal | PeerState::Merging(_) => living.push((region, state)),
            PeerState::Applying => {
                install_again(parts, &region)
                    .map_err(|error| format!("region {}: {error}", region.id))?;
                living.push((region, PeerState::Normal));
            }
            PeerState::Tombstone { .. } => gone.push(region),
        }
    }
    parts.snapshots.clean();
    remove_leftovers(parts, &living, &gone)?;
    Ok(living)
}

/// A crash has interrupted the installation of a snapshot: the data is half the old and half the new.
fn install_again(parts: &StoreParts, region: &Region) -> Result<(), String> {
    let state = load_apply_state(&*parts.kv, region.id)
        .map_err(|error| error.to_string())?
        .ok_or("its snapshot was being installed, and it has no apply state")?;
    let peer = region.peer_on(parts.store_id).ok_or("its snapshot has no peer of this store")?;
    let position = LogPosition { index: state.truncated, term: state.truncated_term };
    let path = parts.snapshots.received(region.id, peer.id, position.term, position.index);
    let mut file = std::fs::File::open(&path).map_err(|error| {
        format!("its snapshot was being installed, and {} is gone: {error}", path.display())
    })?;
    // The file was checked before it got its name.
    let (file_size, checksum) = sum_file(&mut file).map_err(|error| error.to_string())?;
    let header = SnapshotHeader { region: region.clone(), file_size, checksum };
    info!(region_id = %region.id, index = %position.index, "installs a snapshot again");
    install(&*parts.kv, &header, position, None, &path)
}

/// Removes the data and logs of replicas that are gone. A range that a living region has taken since
/// holds that one's data.
fn remove_leftovers(
    parts: &StoreParts,
    living: &[(Region, PeerState)],
    gone: &[Region],
) -> Result<(), String> {
    let mut batch = WriteBatch::new();
    let mut logs = WriteBatch::new();
    let by_start: BTreeMap<&Bytes, &Region> =
        living.iter().map(|(region, _)| (&region.start_key, region)).collect();
    for region in gone {
        if has_log(parts, region.id)? {
            let (start, end) = keys::raft_range(region.id);
            logs.delete_range(Cf::Raft, start, end);
        }
        let state = load_apply_state(&*parts.kv, region.id).map_err(|error| error.to_string())?;
        if state.is_none() {
            continue;
        }
        for (start, end) in gaps(region, &by_start) {
            delete_data(&mut batch, &start, &end);
        }
        delete_apply_state(&mut batch, region.id);
    }
    if !batch.is_empty() {
        parts.kv.write(batch, true).map_err(|error| error.to_string())?;
    }
    if !logs.is_empty() {
        parts.log.engine().write(logs, true).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn has_log(parts: &StoreParts, region_id: RegionId) -> Result<bool, String> {
    let state = parts.log.engine().get(Cf::Raft, &keys::raft_state_key(region_id));
    Ok(state.map_err(|error| error.to_string())?.is_some())
}

/// The parts of a range that no living region has. An empty end has no bound.
fn gaps(range: &Region, living: &BTreeMap<&Bytes, &Region>) -> Vec<(Bytes, Bytes)> {
    let mut gaps = Vec::new();
    let mut at = range.start_key.clone();
    for region in living.values().filter(|region| region.overlaps(range)) {
        if region.start_key > at {
            gaps.push((at, region.start_key.clone()));
        }
        if region.end_key.is_empty() {
            return gaps;
        }
        at = region.end_key.clone();
    }
    if range.end_key.is_empty() || at < range.end_key {
        gaps.push((at, range.end_key.clone()));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: &'static str, end: &'static str) -> Region {
        Region { start_key: start.into(), end_key: end.into(), ..Region::default() }
    }

    #[test]
    fn only_what_nobody_has_is_removed() {
        let gone = region("b", "h");
        let gaps_of = |living: &[Region]| {
            let by_start = living.iter().map(|region| (&region.start_key, region)).collect();
            gaps(&gone, &by_start)
        };
        let range = |start: &'static str, end: &'static str| (Bytes::from(start), Bytes::from(end));
        assert_eq!(gaps_of(&[]), [range("b", "h")]);
        assert_eq!(
            gaps_of(&[region("a", "c"), region("d", "e")]),
            [range("c", "d"), range("e", "h")]
        );
        assert_eq!(gaps_of(&[region("f", "")]), [range("b", "f")]);
        assert_eq!(gaps_of(&[region("", "")]), []);
        assert_eq!(gaps_of(&[region("x", "z")]), [range("b", "h")]);
    }
}
