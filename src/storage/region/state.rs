//! What a store remembers about itself and its regions, and its form on disk.
//!
//! The region state and the apply state are only ever written in the same batch as the data they
//! speak of, so that after a crash they are never ahead of it and never behind.

use prost::Message;

use super::{Region, convert};
use crate::common::{LogIndex, RegionId, StoreId, Term};
use crate::storage::codec::keys;
use crate::storage::engine::{Cf, Error, IterOptions, Reader, Result, WriteBatch};
use crate::storage::proto::raft_serverpb;
use crate::storage::raft::log_store::{RAFT_INIT_LOG_INDEX, RAFT_INIT_LOG_TERM};

/// Whose directory this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StoreIdent {
    /// The cluster; a store of another one is never let in.
    pub cluster_id: u64,
    /// The store.
    pub store_id: StoreId,
}

/// How far a region's log has been applied to the data, and where the log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ApplyState {
    /// The last entry whose effects the data shows.
    pub applied: LogIndex,
    /// The last entry that was compacted away.
    pub truncated: LogIndex,
    /// Its term.
    pub truncated_term: Term,
}

impl ApplyState {
    /// The state of a region that was created by bootstrap or by a split.
    pub fn initial() -> ApplyState {
        ApplyState {
            applied: RAFT_INIT_LOG_INDEX,
            truncated: RAFT_INIT_LOG_INDEX,
            truncated_term: RAFT_INIT_LOG_TERM,
        }
    }
}

/// What this store's replica of a region is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Taking part.
    Normal,
    /// Its data is being replaced by a snapshot's; a restart begins that anew.
    Applying,
    /// It takes no writes, and is about to become part of another region.
    Merging(MergeState),
    /// Removed; its ids must not come back.
    Tombstone {
        /// Not the replica was removed, but the region became part of another one.
        merged: bool,
    },
}

impl PeerState {
    /// How the merge stands, if one is under way.
    pub fn merging(&self) -> Option<&MergeState> {
        match self {
            PeerState::Merging(state) => Some(state),
            _ => None,
        }
    }
}

/// What a region that merges into another must not forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeState {
    /// The first index some replica may still lack.
    pub min_index: LogIndex,
    /// The region it merges into, as it was.
    pub target: Region,
    /// The index of the entry that began the merge.
    pub commit: LogIndex,
}

/// Reads the store's identity; `None` in a fresh directory.
pub fn load_ident(reader: &dyn Reader) -> Result<Option<StoreIdent>> {
    let Some(bytes) = reader.get(Cf::Raft, keys::STORE_IDENT)? else { return Ok(None) };
    let ident: raft_serverpb::StoreIdent = decode("store ident", &bytes)?;
    Ok(Some(StoreIdent { cluster_id: ident.cluster_id, store_id: StoreId(ident.store_id) }))
}

/// Writes the store's identity.
pub fn put_ident(batch: &mut WriteBatch, ident: StoreIdent) {
    let ident =
        raft_serverpb::StoreIdent { cluster_id: ident.cluster_id, store_id: ident.store_id.0 };
    batch.put(Cf::Raft, keys::STORE_IDENT, ident.encode_to_vec());
}

/// Reads a region's apply state.
pub fn load_apply_state(reader: &dyn Reader, region_id: RegionId) -> Result<Option<ApplyState>> {
    let Some(bytes) = reader.get(Cf::Raft, &keys::apply_state_key(region_id))? else {
        return Ok(None);
    };
    let state: raft_serverpb::RaftApplyState = decode("apply state", &bytes)?;
    let truncated = state.truncated_state.unwrap_or_default();
    if truncated.index > state.applied_index {
        return Err(Error::Corruption(format!(
            "apply state of region {region_id}: the log is truncated at {} but applied only up to {}",
            truncated.index, state.applied_index
        )));
    }
    Ok(Some(ApplyState {
        applied: LogIndex(state.applied_index),
        truncated: LogIndex(truncated.index),
        truncated_term: Term(truncated.term),
    }))
}

/// Writes a region's apply state.
pub fn put_apply_state(batch: &mut WriteBatch, region_id: RegionId, state: &ApplyState) {
    assert!(state.truncated <= state.applied, "only what is applied may be compacted");
    let state = raft_serverpb::RaftApplyState {
        applied_index: state.applied.0,
        truncated_state: Some(raft_serverpb::RaftTruncatedState {
            index: state.truncated.0,
            term: state.truncated_term.0,
        }),
        commit_index: state.applied.0,
        commit_term: 0,
    };
    batch.put(Cf::Raft, keys::apply_state_key(region_id), state.encode_to_vec());
}

/// Writes a region's descriptor.
pub fn put_region(batch: &mut WriteBatch, region: &Region, state: PeerState) {
    let has_keys = region.end_key.is_empty() || region.start_key < region.end_key;
    assert!(has_keys, "region {} ends behind its beginning", region.id);
    let merge_state = match &state {
        PeerState::Merging(merge) => Some(raft_serverpb::MergeState {
            min_index: merge.min_index.0,
            target: Some(convert::region_to_proto(&merge.target)),
            commit: merge.commit.0,
        }),
        PeerState::Tombstone { merged: true } => Some(raft_serverpb::MergeState::default()),
        PeerState::Normal | PeerState::Applying | PeerState::Tombstone { merged: false } => None,
    };
    let state = raft_serverpb::RegionLocalState {
        state: match state {
            PeerState::Normal => raft_serverpb::PeerState::Normal,
            PeerState::Applying => raft_serverpb::PeerState::Applying,
            PeerState::Merging(_) => raft_serverpb::PeerState::Merging,
            PeerState::Tombstone { .. } => raft_serverpb::PeerState::Tombstone,
        } as i32,
        region: Some(convert::region_to_proto(region)),
        merge_state,
    };
    batch.put(Cf::Raft, keys::region_state_key(region.id), state.encode_to_vec());
}

/// Forgets how far a region was applied: its data is gone, or another region's now.
pub fn delete_apply_state(batch: &mut WriteBatch, region_id: RegionId) {
    batch.delete(Cf::Raft, keys::apply_state_key(region_id));
}

/// Removes all data between two encoded keys; an empty `end` has no bound.
pub fn delete_data(batch: &mut WriteBatch, start: &[u8], end: &[u8]) {
    let (start, end) = (keys::data_key(start), keys::data_end_key(end));
    for cf in [Cf::Default, Cf::Lock, Cf::Write] {
        batch.delete_range(cf, start.clone(), end.clone());
    }
}

/// Reads one region's descriptor.
pub fn load_region(
    reader: &dyn Reader,
    region_id: RegionId,
) -> Result<Option<(Region, PeerState)>> {
    match reader.get(Cf::Raft, &keys::region_state_key(region_id))? {
        Some(bytes) => decode_region(region_id, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Reads every region this store takes part in, by ascending id.
pub fn load_regions(reader: &dyn Reader) -> Result<Vec<Region>> {
    let mut regions = load_states(reader)?;
    regions.retain(|(_, state)| !matches!(state, PeerState::Tombstone { .. }));
    Ok(regions.into_iter().map(|(region, _)| region).collect())
}

/// Reads what this store knows of every region it takes or took part in, by ascending id.
pub fn load_states(reader: &dyn Reader) -> Result<Vec<(Region, PeerState)>> {
    let (lower, upper) = keys::region_meta_range();
    let options = IterOptions {
        lower: Some(lower.to_vec()),
        upper: Some(upper.to_vec()),
        ..IterOptions::default()
    };
    let mut cursor = reader.cursor(Cf::Raft, options)?;
    let mut regions = Vec::new();
    let mut valid = cursor.seek(&lower)?;
    while valid {
        if let Ok(region_id) = keys::decode_region_state_key(cursor.key()) {
            regions.push(decode_region(region_id, cursor.value())?);
        }
        valid = cursor.next()?;
    }
    Ok(regions)
}

fn decode_region(region_id: RegionId, bytes: &[u8]) -> Result<(Region, PeerState)> {
    let state: raft_serverpb::RegionLocalState = decode("region state", bytes)?;
    let missing =
        || Error::Corruption(format!("the state of region {region_id} has no descriptor"));
    let peer_state = match (state.state(), &state.merge_state) {
        (raft_serverpb::PeerState::Normal, _) => PeerState::Normal,
        (raft_serverpb::PeerState::Applying, _) => PeerState::Applying,
        (raft_serverpb::PeerState::Tombstone, merge) => {
            PeerState::Tombstone { merged: merge.is_some() }
        }
        (raft_serverpb::PeerState::Merging, merge) => {
            let merge = merge.as_ref().ok_or_else(missing)?;
            let target = merge.target.clone().ok_or_else(missing)?;
            PeerState::Merging(MergeState {
                min_index: LogIndex(merge.min_index),
                target: convert::region_from_proto(target),
                commit: LogIndex(merge.commit),
            })
        }
    };
    let region = state.region.map(convert::region_from_proto).ok_or_else(missing)?;
    if region.id != region_id {
        return Err(Error::Corruption(format!(
            "the state of region {region_id} describes {}",
            region.id
        )));
    }
    Ok((region, peer_state))
}

fn decode<M: Message + Default>(what: &str, bytes: &[u8]) -> Result<M> {
    M::decode(bytes).map_err(|error| Error::Corruption(format!("{what}: {error}")))
}
