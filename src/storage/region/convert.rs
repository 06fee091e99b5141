//! Between the domain's regions and the protocol's.

use super::{Peer, PeerRole, Region};
use crate::common::{PeerId, RegionId, StoreId};
use crate::storage::api::RegionEpoch;
use crate::storage::engine::DiskRoom;
use crate::storage::proto::{metapb, raft_serverpb};

/// The protocol's form of a region.
pub fn region_to_proto(region: &Region) -> metapb::Region {
    metapb::Region {
        id: region.id.0,
        start_key: region.start_key.to_vec(),
        end_key: region.end_key.to_vec(),
        region_epoch: Some(epoch_to_proto(region.epoch)),
        peers: region.peers.iter().copied().map(peer_to_proto).collect(),
    }
}

/// A region out of its protocol form.
pub fn region_from_proto(region: metapb::Region) -> Region {
    Region {
        id: RegionId(region.id),
        start_key: region.start_key.into(),
        end_key: region.end_key.into(),
        epoch: epoch_from_proto(region.region_epoch.unwrap_or_default()),
        peers: region.peers.into_iter().map(peer_from_proto).collect(),
    }
}

/// The protocol's form of a peer.
pub fn peer_to_proto(peer: Peer) -> metapb::Peer {
    metapb::Peer {
        id: peer.id.0,
        store_id: peer.store_id.0,
        role: match peer.role {
            PeerRole::Voter => metapb::PeerRole::Voter,
            PeerRole::Learner => metapb::PeerRole::Learner,
            PeerRole::IncomingVoter => metapb::PeerRole::IncomingVoter,
            PeerRole::DemotingVoter => metapb::PeerRole::DemotingVoter,
        } as i32,
    }
}

/// A peer out of its protocol form.
pub fn peer_from_proto(peer: metapb::Peer) -> Peer {
    let role = match peer.role() {
        metapb::PeerRole::Voter => PeerRole::Voter,
        metapb::PeerRole::Learner => PeerRole::Learner,
        metapb::PeerRole::IncomingVoter => PeerRole::IncomingVoter,
        metapb::PeerRole::DemotingVoter => PeerRole::DemotingVoter,
    };
    Peer { id: PeerId(peer.id), store_id: StoreId(peer.store_id), role }
}

/// The protocol's form of an epoch.
pub fn epoch_to_proto(epoch: RegionEpoch) -> metapb::RegionEpoch {
    metapb::RegionEpoch { conf_ver: epoch.conf_ver, version: epoch.version }
}

/// An epoch out of its protocol form.
pub fn epoch_from_proto(epoch: metapb::RegionEpoch) -> RegionEpoch {
    RegionEpoch { conf_ver: epoch.conf_ver, version: epoch.version }
}

/// The protocol's form of the room on a disk.
pub fn room_to_proto(room: DiskRoom) -> raft_serverpb::DiskRoom {
    match room {
        DiskRoom::Enough => raft_serverpb::DiskRoom::Enough,
        DiskRoom::AlmostFull => raft_serverpb::DiskRoom::AlmostFull,
        DiskRoom::Full => raft_serverpb::DiskRoom::Full,
    }
}

/// The room on a disk out of its protocol form.
pub fn room_from_proto(room: raft_serverpb::DiskRoom) -> DiskRoom {
    match room {
        raft_serverpb::DiskRoom::Enough => DiskRoom::Enough,
        raft_serverpb::DiskRoom::AlmostFull => DiskRoom::AlmostFull,
        raft_serverpb::DiskRoom::Full => DiskRoom::Full,
    }
}
