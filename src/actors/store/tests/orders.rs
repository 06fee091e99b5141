//! Orders of the placement driver do not wait for the next round of reports.

use std::time::Duration;

use tokio::time::Instant;

use super::cluster::*;
use crate::actors::pd::PdClient;
use crate::actors::store::StoreOptions;
use crate::common::StoreId;
use crate::placement::{AdminRequest, Goals, OperatorRequest};
use crate::storage::codec::mvcc::encode_key;
use crate::storage::region::{PeerRole, Region};

/// Stores that report on their own accord only once an hour.
async fn taciturn(stores: usize) -> Cluster {
    let options =
        StoreOptions { heartbeat_interval: Duration::from_secs(3600), ..StoreOptions::default() };
    let goals = Goals { replicas: 3, merge_max_bytes: 0, ..Goals::default() };
    Cluster::alone(stores, options, Some(goals)).await
}

/// Until a region looks like this, and for how long that took.
async fn until(cluster: &Cluster, key: &str, is_so: impl Fn(&Region, StoreId) -> bool) -> Duration {
    let began = Instant::now();
    for _ in 0..400 {
        let leader = cluster.wait_leader(key).await;
        if is_so(&leader.region, leader.peer.store_id) {
            return began.elapsed();
        }
        cluster.settle_for(50).await;
    }
    panic!("{:#?}", cluster.statuses());
}

fn has_three_voters(region: &Region, _: StoreId) -> bool {
    region.peers.len() == 3 && region.peers.iter().all(|peer| peer.role == PeerRole::Voter)
}

#[actix_rt::test]
async fn the_replicas_of_a_new_cluster_come_one_after_the_other() {
    let cluster = taciturn(3).await;
    let took = until(&cluster, "a", has_three_voters).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    cluster.check();
}

#[actix_rt::test]
async fn what_an_operator_wants_is_done_while_groups_sleep() {
    let cluster = taciturn(3).await;
    until(&cluster, "a", has_three_voters).await;
    let leader = cluster.wait_leader("a").await;
    cluster.wait_level("a", 3).await;
    cluster.settle_for(8_000).await;
    assert!(cluster.network.stores().iter().all(|store| store.sleeping() == 1));
    let to = cluster.follower_of("a").await;
    let order = OperatorRequest::TransferLeader { region_id: leader.region.id, to_store_id: to };
    cluster.pd.administer(AdminRequest::AddOperator(order)).await.unwrap();
    let took = until(&cluster, "a", |_, leads| leads == to).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[actix_rt::test]
async fn a_split_that_changes_nothing_else_is_reported_once() {
    let cluster = taciturn(3).await;
    until(&cluster, "a", has_three_voters).await;
    let leader = cluster.wait_leader("a").await;
    let cuts = vec![encode_key(b"m").into()];
    let router = &cluster.on(leader.peer.store_id).store.router;
    router.split(leader.region.context(), cuts, super::harness::DEADLINE).await.unwrap();
    cluster.settle_for(1_000).await;
    for key in ["a", "z"] {
        let known = cluster.pd.region_by_key(encode_key(key.as_bytes()).into()).await.unwrap();
        let known = known.expect("every key's region was reported");
        assert_eq!(known.region, cluster.wait_leader(key).await.region, "{key}");
    }
}
