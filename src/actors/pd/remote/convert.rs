//! Between the placement driver's values and their form on the wire (`proto/pdpb.proto`).

use std::time::Duration;

use super::wire;
use crate::actors::pd::{PdError, SplitIds};
use crate::common::{PeerId, RegionId, StoreId, Term, Timestamp};
use crate::placement::{
    NodeMeta, RegionOrder, RegionReport, StoreInfo, StoreMeta, StoreState, StoreStats,
};
use crate::storage::proto::{metapb, pdpb};
use crate::storage::region::convert::{
    peer_from_proto, peer_to_proto, region_from_proto, region_to_proto, room_from_proto,
    room_to_proto,
};
use crate::storage::region::membership::PeerChange;
use crate::storage::region::{Peer, PeerRole};
use crate::storage::routing::RegionRoute;

pub(super) fn timestamp_to_proto(ts: Timestamp) -> pdpb::Timestamp {
    pdpb::Timestamp {
        physical: ts.physical_ms().cast_signed(),
        logical: ts.logical().cast_signed(),
    }
}

pub(super) fn timestamp(proto: pdpb::Timestamp) -> Timestamp {
    // Not `compose`: what another node wrote may be out of bounds.
    Timestamp((proto.physical.cast_unsigned() << 18).wrapping_add(proto.logical.cast_unsigned()))
}

pub(super) fn error_to_proto(error: PdError) -> wire::Error {
    let message = error.to_string();
    match error {
        PdError::Unavailable(message) => wire::Error { message, ..wire::Error::default() },
        PdError::NotLeader { leader } => wire::Error {
            message,
            not_leader: true,
            leader: leader.unwrap_or_default(),
            ..wire::Error::default()
        },
        PdError::Refused(message) => {
            wire::Error { refused: true, message, ..wire::Error::default() }
        }
    }
}

pub(super) fn error(proto: wire::Error) -> PdError {
    if proto.not_leader {
        return PdError::NotLeader {
            leader: Some(proto.leader).filter(|leader| !leader.is_empty()),
        };
    }
    match proto.refused {
        true => PdError::Refused(proto.message),
        false => PdError::Unavailable(proto.message),
    }
}

pub(super) fn store_to_proto(store: &StoreMeta) -> metapb::Store {
    let label = |(key, value): (&String, &String)| metapb::StoreLabel {
        key: key.clone(),
        value: value.clone(),
    };
    metapb::Store {
        id: store.id.0,
        address: store.address.clone(),
        state: match store.state {
            StoreState::Up => metapb::StoreState::Up,
            StoreState::Offline => metapb::StoreState::Offline,
            StoreState::Tombstone => metapb::StoreState::Tombstone,
        } as i32,
        labels: store.labels.iter().map(label).collect(),
        version: store.version.clone(),
        ..metapb::Store::default()
    }
}

pub(super) fn store(proto: metapb::Store) -> StoreMeta {
    let state = match proto.state() {
        metapb::StoreState::Up => StoreState::Up,
        metapb::StoreState::Offline => StoreState::Offline,
        metapb::StoreState::Tombstone => StoreState::Tombstone,
    };
    StoreMeta {
        id: StoreId(proto.id),
        address: proto.address,
        version: proto.version,
        labels: proto.labels.into_iter().map(|label| (label.key, label.value)).collect(),
        state,
    }
}

pub(super) fn stats_to_proto(id: StoreId, stats: &StoreStats) -> pdpb::StoreStats {
    pdpb::StoreStats {
        store_id: id.0,
        capacity: stats.capacity,
        available: stats.available,
        region_count: stats.region_count,
        used_size: stats.used,
        leader_count: stats.leader_count,
        started_unix_ms: stats.started_unix_ms,
        heard_unix_ms: 0,
        is_busy: stats.busy,
        is_stopping: stats.stopping,
        disk_room: room_to_proto(stats.room).into(),
    }
}

pub(super) fn stats(proto: &pdpb::StoreStats) -> StoreStats {
    StoreStats {
        capacity: proto.capacity,
        available: proto.available,
        used: proto.used_size,
        region_count: proto.region_count,
        leader_count: proto.leader_count,
        started_unix_ms: proto.started_unix_ms,
        busy: proto.is_busy,
        stopping: proto.is_stopping,
        room: room_from_proto(proto.disk_room()),
    }
}

pub(super) fn stores_to_proto(stores: &[StoreInfo]) -> pdpb::GetAllStoresResponse {
    let stats = |info: &StoreInfo| pdpb::StoreStats {
        heard_unix_ms: info.heard_unix_ms,
        ..stats_to_proto(info.meta.id, &info.stats)
    };
    pdpb::GetAllStoresResponse {
        stores: stores.iter().map(|info| store_to_proto(&info.meta)).collect(),
        stats: stores.iter().map(stats).collect(),
    }
}

pub(super) fn stores(proto: pdpb::GetAllStoresResponse) -> Vec<StoreInfo> {
    let mut figures = proto.stats.into_iter();
    let info = |meta: metapb::Store| {
        let figures = figures.next().unwrap_or_default();
        StoreInfo {
            meta: store(meta),
            stats: stats(&figures),
            heard_unix_ms: figures.heard_unix_ms,
        }
    };
    proto.stores.into_iter().map(info).collect()
}

pub(super) fn report_to_proto(report: &RegionReport) -> pdpb::RegionHeartbeatRequest {
    let down = |peer: &Peer| pdpb::PeerStats { peer: Some(peer_to_proto(*peer)), down_seconds: 0 };
    pdpb::RegionHeartbeatRequest {
        region: Some(region_to_proto(&report.region)),
        leader: Some(peer_to_proto(report.leader)),
        down_peers: report.down_peers.iter().map(down).collect(),
        pending_peers: report.pending_peers.iter().copied().map(peer_to_proto).collect(),
        approximate_size: report.approximate_size,
        approximate_keys: report.approximate_keys,
        term: report.term.0,
        unsplittable: report.unsplittable,
    }
}

pub(super) fn report(proto: pdpb::RegionHeartbeatRequest) -> RegionReport {
    let down = proto.down_peers.into_iter().filter_map(|stats| stats.peer);
    RegionReport {
        region: region_from_proto(proto.region.unwrap_or_default()),
        leader: peer_from_proto(proto.leader.unwrap_or_default()),
        term: Term(proto.term),
        approximate_size: proto.approximate_size,
        approximate_keys: proto.approximate_keys,
        pending_peers: proto.pending_peers.into_iter().map(peer_from_proto).collect(),
        down_peers: down.map(peer_from_proto).collect(),
        unsplittable: proto.unsplittable,
    }
}

pub(super) fn order_to_proto(order: Option<RegionOrder>) -> pdpb::RegionHeartbeatResponse {
    let mut proto = pdpb::RegionHeartbeatResponse::default();
    match order {
        None => {}
        Some(RegionOrder::TransferLeader { to }) => {
            proto.transfer_leader = Some(pdpb::TransferLeader { peer: Some(peer_to_proto(to)) });
        }
        Some(RegionOrder::AddPeer { peer }) => {
            let kind = match peer.role {
                PeerRole::Learner => pdpb::ConfChangeType::AddLearnerNode,
                _ => pdpb::ConfChangeType::AddNode,
            };
            proto.change_peer = Some(change_to_proto(peer, kind));
        }
        Some(RegionOrder::RemovePeer { peer }) => {
            proto.change_peer = Some(change_to_proto(peer, pdpb::ConfChangeType::RemoveNode));
        }
        Some(RegionOrder::ChangePeers { changes }) => {
            let change = |change: PeerChange| match change {
                PeerChange::AddVoter(peer) => change_to_proto(peer, pdpb::ConfChangeType::AddNode),
                PeerChange::AddLearner(peer) => {
                    change_to_proto(peer, pdpb::ConfChangeType::AddLearnerNode)
                }
                PeerChange::Remove(peer) => change_to_proto(peer, pdpb::ConfChangeType::RemoveNode),
            };
            let changes = changes.into_iter().map(change).collect();
            proto.change_peer_v2 = Some(pdpb::ChangePeerV2 { changes });
        }
        Some(RegionOrder::Merge { target }) => {
            proto.merge = Some(pdpb::Merge { target: Some(region_to_proto(&target)) });
        }
        Some(RegionOrder::Split) => proto.split_region = Some(pdpb::SplitRegion {}),
    }
    proto
}

fn change_to_proto(peer: Peer, kind: pdpb::ConfChangeType) -> pdpb::ChangePeer {
    pdpb::ChangePeer { peer: Some(peer_to_proto(peer)), change_type: kind as i32 }
}

fn change(proto: pdpb::ChangePeer) -> Option<PeerChange> {
    let kind = proto.change_type();
    let peer = peer_from_proto(proto.peer?);
    Some(match kind {
        pdpb::ConfChangeType::AddNode => PeerChange::AddVoter(peer),
        pdpb::ConfChangeType::AddLearnerNode => PeerChange::AddLearner(peer),
        pdpb::ConfChangeType::RemoveNode => PeerChange::Remove(peer),
    })
}

pub(super) fn order(proto: pdpb::RegionHeartbeatResponse) -> Option<RegionOrder> {
    if let Some(transfer) = proto.transfer_leader {
        return Some(RegionOrder::TransferLeader { to: peer_from_proto(transfer.peer?) });
    }
    if let Some(changed) = proto.change_peer {
        return Some(match change(changed)? {
            PeerChange::AddVoter(peer) | PeerChange::AddLearner(peer) => {
                RegionOrder::AddPeer { peer }
            }
            PeerChange::Remove(peer) => RegionOrder::RemovePeer { peer },
        });
    }
    if let Some(changed) = proto.change_peer_v2 {
        // One that cannot be read makes it another change: none of it is made.
        let changes = changed.changes.into_iter().map(change).collect::<Option<_>>()?;
        return Some(RegionOrder::ChangePeers { changes });
    }
    if let Some(merge) = proto.merge {
        return Some(RegionOrder::Merge { target: Box::new(region_from_proto(merge.target?)) });
    }
    proto.split_region.map(|_| RegionOrder::Split)
}

pub(super) fn route_to_proto(route: Option<RegionRoute>) -> pdpb::GetRegionResponse {
    match route {
        None => pdpb::GetRegionResponse::default(),
        Some(route) => pdpb::GetRegionResponse {
            region: Some(region_to_proto(&route.region)),
            leader: route.leader.map(peer_to_proto),
        },
    }
}

pub(super) fn route(proto: pdpb::GetRegionResponse) -> Option<RegionRoute> {
    let region = region_from_proto(proto.region?);
    Some(RegionRoute { region, leader: proto.leader.map(peer_from_proto) })
}

pub(super) fn routes_to_proto(routes: &[RegionRoute]) -> pdpb::ScanRegionsResponse {
    let region = |route: &RegionRoute| pdpb::Region {
        region: Some(region_to_proto(&route.region)),
        leader: route.leader.map(peer_to_proto),
    };
    pdpb::ScanRegionsResponse { regions: routes.iter().map(region).collect() }
}

pub(super) fn routes(proto: pdpb::ScanRegionsResponse) -> Vec<RegionRoute> {
    let region = |region: pdpb::Region| {
        route(pdpb::GetRegionResponse { region: region.region, leader: region.leader })
    };
    proto.regions.into_iter().filter_map(region).collect()
}

pub(super) fn split_ids_to_proto(ids: Vec<SplitIds>) -> pdpb::AskBatchSplitResponse {
    let one = |ids: SplitIds| pdpb::SplitId {
        new_region_id: ids.region_id.0,
        new_peer_ids: ids.peer_ids.into_iter().map(|id| id.0).collect(),
    };
    pdpb::AskBatchSplitResponse { ids: ids.into_iter().map(one).collect() }
}

pub(super) fn split_ids(proto: pdpb::AskBatchSplitResponse) -> Vec<SplitIds> {
    let one = |ids: pdpb::SplitId| SplitIds {
        region_id: RegionId(ids.new_region_id),
        peer_ids: ids.new_peer_ids.into_iter().map(PeerId).collect(),
    };
    proto.ids.into_iter().map(one).collect()
}

/// What is recorded of a node: all but what changes from moment to moment.
pub(super) fn node_meta(node: &wire::Node, lease_ms: u64) -> NodeMeta {
    NodeMeta {
        name: node.name.clone(),
        address: node.address.clone(),
        roles: node.roles.clone(),
        version: node.version.clone(),
        services: node.services.clone(),
        started_unix_ms: node.started_unix_ms,
        lease_ms,
    }
}

pub(super) fn node_to_proto(meta: NodeMeta) -> wire::Node {
    wire::Node {
        name: meta.name,
        address: meta.address,
        roles: meta.roles,
        version: meta.version,
        services: meta.services,
        started_unix_ms: meta.started_unix_ms,
        health: String::new(),
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
