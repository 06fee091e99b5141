//! The first region of a cluster: the whole key space, one replica.

use bytes::Bytes;

use super::state::{self, ApplyState, PeerState};
use super::{Peer, PeerRole, Region};
use crate::common::{PeerId, RegionId, StoreId};
use crate::storage::api::RegionEpoch;
use crate::storage::engine::WriteBatch;

/// The epoch that the first region starts with.
pub const INITIAL_EPOCH: RegionEpoch = RegionEpoch { conf_ver: 1, version: 1 };

/// The first region: everything, on one store. More replicas join by membership changes.
pub fn first_region(region_id: RegionId, peer_id: PeerId, store_id: StoreId) -> Region {
    Region {
        id: region_id,
        start_key: Bytes::new(),
        end_key: Bytes::new(),
        epoch: INITIAL_EPOCH,
        peers: vec![Peer { id: peer_id, store_id, role: PeerRole::Voter }],
    }
}

/// Writes what a new region needs on a store (kv engine): its descriptor and its apply state.
pub fn put_new_region(batch: &mut WriteBatch, region: &Region) {
    assert!(!region.peers.is_empty(), "a region has replicas");
    state::put_region(batch, region, PeerState::Normal);
    state::put_apply_state(batch, region.id, &ApplyState::initial());
}
