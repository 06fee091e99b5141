//! The queue for timestamps, the table of nodes, and values on the wire.

use std::collections::BTreeMap;
use std::time::Duration;

use super::convert;
use super::nodes::{Heard, NodeTable};
use super::wire::{Announce, Node};
use crate::actors::bridge::Wired;
use crate::actors::pd::{GroupStep, PdError};
use crate::common::{PeerId, RegionId, StoreId, Term, Timestamp};
use crate::placement::{
    GroupMessage, NodeMeta, RegionOrder, RegionReport, StoreInfo, StoreMeta, StoreState, StoreStats,
};
use crate::storage::engine::DiskRoom;
use crate::storage::region::membership::PeerChange;
use crate::storage::region::{Peer, PeerRole, Region};
use crate::storage::txn::RegionEpoch;

fn peer(id: u64, role: PeerRole) -> Peer {
    Peer { id: PeerId(id), store_id: StoreId(id + 10), role }
}

fn region() -> Region {
    Region {
        id: RegionId(7),
        start_key: "a".into(),
        end_key: "b".into(),
        epoch: RegionEpoch { conf_ver: 2, version: 3 },
        peers: vec![peer(1, PeerRole::Voter), peer(2, PeerRole::Learner)],
    }
}

#[test]
fn values_survive_the_wire() {
    let orders = [
        RegionOrder::TransferLeader { to: peer(1, PeerRole::Voter) },
        RegionOrder::AddPeer { peer: peer(1, PeerRole::Voter) },
        RegionOrder::AddPeer { peer: peer(1, PeerRole::Learner) },
        RegionOrder::RemovePeer { peer: peer(1, PeerRole::Voter) },
        RegionOrder::ChangePeers {
            changes: vec![
                PeerChange::AddVoter(peer(1, PeerRole::Voter)),
                PeerChange::AddLearner(peer(2, PeerRole::Learner)),
                PeerChange::Remove(peer(3, PeerRole::Voter)),
            ],
        },
        RegionOrder::Merge { target: Box::new(region()) },
        RegionOrder::Split,
    ];
    for order in orders {
        assert_eq!(convert::order(convert::order_to_proto(Some(order.clone()))), Some(order));
    }
    assert_eq!(convert::order(convert::order_to_proto(None)), None);
    let report = RegionReport {
        region: region(),
        leader: peer(1, PeerRole::Voter),
        term: Term(5),
        approximate_size: 6,
        approximate_keys: 7,
        pending_peers: vec![peer(2, PeerRole::Learner)],
        down_peers: vec![peer(1, PeerRole::Voter)],
        unsplittable: true,
    };
    assert_eq!(convert::report(convert::report_to_proto(&report)), report);
    let store = StoreInfo {
        meta: StoreMeta {
            id: StoreId(3),
            address: "a:1".into(),
            version: "0.1.0".into(),
            labels: [("zone".into(), "z".into())].into(),
            state: StoreState::Offline,
        },
        stats: StoreStats {
            capacity: 1,
            available: 2,
            used: 3,
            room: DiskRoom::AlmostFull,
            ..StoreStats::default()
        },
        heard_unix_ms: 9,
    };
    let stores = vec![store];
    assert_eq!(convert::stores(convert::stores_to_proto(&stores)), stores);
    let ts = Timestamp::compose(1_700_000_000_000, 77);
    assert_eq!(convert::timestamp(convert::timestamp_to_proto(ts)), ts);
    for error in [
        PdError::Unavailable("x".into()),
        PdError::Refused("y".into()),
        PdError::NotLeader { leader: None },
        PdError::NotLeader { leader: Some("a:1".into()) },
    ] {
        assert_eq!(convert::error(convert::error_to_proto(error.clone())), error);
    }
}

fn announce(name: &str, address: &str, services: &[&str], cluster_id: u64) -> Announce {
    let node = Node {
        name: name.into(),
        address: address.into(),
        services: services.iter().map(ToString::to_string).collect(),
        ..Node::default()
    };
    Announce { node: Some(node), ttl_ms: 1000, cluster_id }
}

fn table() -> NodeTable {
    NodeTable::new(7, &BTreeMap::new(), ("me", "h:0"), Duration::ZERO)
}

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn names(table: &NodeTable) -> Vec<String> {
    table.names().into_iter().cloned().collect()
}

#[test]
fn nodes_are_there_until_their_lease_ends() {
    let mut table = table();
    let heard = table.announce(announce("a", "h:1", &[], 0), at(0)).unwrap();
    let Heard::Changed(meta, true) = heard else { panic!("{heard:?}") };
    let members = table.members(String::new());
    assert_eq!((members.cluster_id, members.nodes.len()), (7, 1));
    let before = members.generation;
    // As long as it is not recorded, it is to be recorded.
    let again = table.announce(announce("a", "h:1", &[], 7), at(100)).unwrap();
    assert_eq!(again, Heard::Changed(meta.clone(), false));
    table.recorded(meta);
    let known = table.announce(announce("a", "h:1", &[], 7), at(900)).unwrap();
    assert_eq!(known, Heard::Nothing);
    assert_eq!(table.members(String::new()).generation, before, "nothing has changed");
    table.announce(announce("b", "h:2", &["/store/3"], 7), at(1800)).unwrap();
    assert!(table.forget(at(1899)).is_empty());
    let gone = table.forget(at(1900));
    assert_eq!(gone[0].name, "a", "it has not been heard of");
    assert_eq!(names(&table), ["b"]);
    let bye = Announce { ttl_ms: 0, ..announce("b", "h:2", &[], 7) };
    assert!(matches!(table.announce(bye.clone(), at(1950)), Ok(Heard::Left(_))));
    assert_eq!(table.announce(bye, at(1950)), Ok(Heard::Nothing));
    assert!(names(&table).is_empty());
}

#[test]
fn a_new_leader_takes_nobody_for_gone_that_it_has_not_heard_of() {
    let node = |name: &str, address: &str| NodeMeta {
        name: name.into(),
        address: address.into(),
        lease_ms: 1000,
        ..NodeMeta::default()
    };
    let nodes = [node("a", "h:1"), node("b", "h:2"), node("me", "h:9"), node("once", "h:0")];
    let recorded = nodes.map(|node| (node.name.clone(), node)).into();
    let mut table = NodeTable::new(7, &recorded, ("me", "h:0"), at(5000));
    assert_eq!(names(&table), ["a", "b"], "earlier lives of its own are over");
    assert_eq!(table.announce(announce("a", "h:1", &[], 7), at(5500)), Ok(Heard::Nothing));
    assert!(table.forget(at(5999)).is_empty());
    assert_eq!(table.forget(at(6000)), [NodeMeta { lease_ms: 0, ..node("b", "h:2") }]);
}

#[test]
fn who_does_not_belong_is_refused() {
    let mut table = table();
    table.announce(announce("a", "h:1", &["/store/5"], 7), at(0)).unwrap();
    let mut refused = |announce| table.announce(announce, at(1)).err().unwrap_or_default();
    assert!(
        refused(announce("b", "h:2", &[], 8)).contains("belongs to cluster 8, not to cluster 7")
    );
    assert!(refused(announce("a", "h:2", &[], 7)).contains("called a too, at h:1"));
    assert!(refused(announce("b", "h:2", &["/store/5"], 7)).contains("a copy of it"));
    assert_eq!(refused(announce("a", "h:1", &["/store/5"], 7)), "");
}

#[test]
fn messages_of_the_group_survive_the_wire() {
    let step = GroupMessage { from: 1, to: 2, bytes: vec![0, 255, 7], founders: "a:1, b:2".into() };
    let wire = GroupStep(step.clone()).into_wire();
    assert_eq!(GroupStep::from_wire(wire.clone()).unwrap().0, step);
    assert!(GroupStep::from_wire(super::wire::GroupStep { to: 0, ..wire }).is_err());
    assert_eq!(super::member_path("h:1").as_str(), "/h:1/pd");
}
