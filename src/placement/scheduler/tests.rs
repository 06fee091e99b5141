use bytes::Bytes;

use super::*;
use crate::common::Term;
use crate::placement::StoreMeta;
use crate::storage::region::Region;

fn cluster(stores: u64) -> ClusterMap {
    let mut cluster = ClusterMap::default();
    for id in 1..=stores {
        cluster.put_store(StoreMeta { id: StoreId(id), ..StoreMeta::default() });
    }
    cluster
}

/// A region of one key prefix with a voter on each of `stores`, led by the first.
fn report(id: u8, stores: &[u64], size: u64) -> RegionReport {
    let peer = |store: &u64| Peer {
        id: PeerId(u64::from(id) * 100 + store),
        store_id: StoreId(*store),
        role: PeerRole::Voter,
    };
    let peers: Vec<Peer> = stores.iter().map(peer).collect();
    RegionReport {
        leader: peers[0],
        region: Region {
            id: RegionId(u64::from(id)),
            start_key: Bytes::from(vec![id]),
            end_key: Bytes::from(vec![id + 1]),
            peers,
            ..Region::default()
        },
        term: Term(1),
        approximate_size: size,
        ..RegionReport::default()
    }
}

fn goals(replicas: usize) -> Goals {
    Goals { replicas, bytes_tolerance: 10, leader_tolerance: 1, region_max_bytes: 100 }
}

#[test]
fn with_one_store_there_is_nothing_to_do() {
    let mut cluster = cluster(1);
    cluster.observe_region(report(1, &[1], 5));
    for scheduler in [Scheduler::Replica, Scheduler::BalanceLeader, Scheduler::BalanceRegion] {
        assert_eq!(scheduler.decide(&cluster, &goals(1)), nothing("one store"));
    }
    let split = Scheduler::Split.decide(&cluster, &goals(1));
    assert_eq!(split, nothing("every region is within its size"));
}

#[test]
fn a_missing_replica_goes_to_the_emptiest_store() {
    let mut cluster = cluster(3);
    cluster.observe_region(report(1, &[1], 50));
    cluster.observe_region(report(2, &[2, 1, 3], 20));
    cluster.observe_region(report(3, &[2, 1, 3], 20));
    let wanted = add_peer(&report(1, &[1], 50), StoreId(2));
    assert_eq!(Scheduler::Replica.decide(&cluster, &goals(3)), wanted);
}

#[test]
fn of_too_many_replicas_the_one_that_is_down_goes() {
    let mut cluster = cluster(4);
    let mut region = report(1, &[1, 2, 3, 4], 50);
    let down = region.region.peers[2];
    region.down_peers.push(down);
    cluster.observe_region(region.clone());
    assert_eq!(Scheduler::Replica.decide(&cluster, &goals(3)), remove_peer(&region, down));
}

#[test]
fn leaders_move_from_the_busiest_to_the_idlest_store() {
    let mut cluster = cluster(2);
    for id in 1..=3 {
        cluster.observe_region(report(id, &[1, 2], 1));
    }
    let decision = Scheduler::BalanceLeader.decide(&cluster, &goals(2));
    let to = report(1, &[1, 2], 1).region.peers[1];
    let order = RegionOrder::TransferLeader { to };
    assert_eq!(decision, Decision::Do { region: RegionId(1), order });

    cluster.observe_region(report(1, &[2, 1], 1));
    let decision = Scheduler::BalanceLeader.decide(&cluster, &goals(2));
    assert_eq!(decision, nothing("leaders are balanced"));
}

#[test]
fn bytes_move_by_the_largest_region_that_helps() {
    let mut cluster = cluster(2);
    for (id, size) in [(1, 90), (2, 40), (3, 20)] {
        cluster.observe_region(report(id, &[1], size));
    }
    let decision = Scheduler::BalanceRegion.decide(&cluster, &goals(1));
    assert_eq!(decision, add_peer(&report(2, &[1], 40), StoreId(2)), "90 is over half of 150");
}

#[test]
fn a_region_its_store_did_not_split_is_told_to() {
    let mut cluster = cluster(1);
    cluster.observe_region(report(1, &[1], 101));
    let order = RegionOrder::Split;
    let decision = Scheduler::Split.decide(&cluster, &goals(1));
    assert_eq!(decision, Decision::Do { region: RegionId(1), order });
}
