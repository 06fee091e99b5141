//! Groups that sleep when nothing happens, and what wakes them.

use tokio::time::Instant;

use super::cluster::*;
use super::harness::*;
use crate::actors::pd::PdClient;
use crate::actors::store::{StoreNode, StoreOptions};
use crate::common::StoreId;
use crate::storage::codec::mvcc::encode_key;

/// Three stores with four regions, all asleep.
pub(super) async fn asleep() -> Cluster {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    let leader = cluster.wait_leader("a").await;
    let cuts = ["g", "n", "t"].map(|key| encode_key(key.as_bytes()).into()).to_vec();
    let router = &cluster.on(leader.peer.store_id).store.router;
    router.split(leader.region.context(), cuts, DEADLINE).await.unwrap();
    for key in ["a", "g", "n", "t"] {
        cluster.put(key, "1").await;
        cluster.wait_level(key, 3).await;
    }
    sleep_again(&cluster, 12).await;
    cluster
}

fn sleeping(cluster: &Cluster) -> usize {
    cluster.network.stores().iter().map(StoreNode::sleeping).sum()
}

pub(super) async fn sleep_again(cluster: &Cluster, replicas: usize) {
    for _ in 0..200 {
        if sleeping(cluster) == replicas {
            return;
        }
        cluster.settle_for(100).await;
    }
    panic!("{} replicas of {replicas} sleep", sleeping(cluster));
}

#[actix_rt::test]
async fn idle_groups_cost_nothing() {
    let cluster = asleep().await;
    let sent = cluster.network.sent();
    cluster.settle_for(600_000).await;
    assert_eq!(cluster.network.sent(), sent, "nobody has anything to say");
    assert_eq!(sleeping(&cluster), 12);
    for member in cluster.members.values() {
        let store = member.system.actor(&member.store.actor.path().to_string()).await.unwrap();
        assert_eq!(store.observed.unwrap()["awake"], 0);
    }
    // The placement driver still hears of them.
    assert!(cluster.pd.region_by_key(encode_key(b"a").into()).await.unwrap().is_some());
    cluster.check();
}

#[actix_rt::test]
async fn whatever_is_asked_wakes_one_group() {
    let cluster = asleep().await;
    cluster.settle_for(60_000).await;
    let began = Instant::now();
    cluster.put("a", "2").await;
    assert!(began.elapsed().as_millis() < 200, "{:?}", began.elapsed());
    cluster.wait_level("a", 3).await;
    assert_eq!(sleeping(&cluster), 9, "the others sleep on");
    sleep_again(&cluster, 12).await;
    cluster.settle_for(60_000).await;
    // A read by the leader, whose lease is long over, and by others.
    let began = Instant::now();
    assert_eq!(cluster.get("a").await.as_deref(), Some("2"));
    assert!(began.elapsed().as_millis() < 200, "{:?}", began.elapsed());
    sleep_again(&cluster, 12).await;
    let stores: Vec<StoreId> = cluster.members.keys().copied().collect();
    for store in stores {
        let began = Instant::now();
        let ts = cluster.ts().await;
        assert_eq!(cluster.read_replica(store, "g", ts).await, Ok(Some("1".to_owned())));
        assert!(began.elapsed().as_millis() < 200, "{:?}", began.elapsed());
        sleep_again(&cluster, 12).await;
    }
    // An order.
    let leader = cluster.wait_leader("n").await;
    let heir = *leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap();
    let router = &cluster.on(leader.peer.store_id).store.router;
    router.transfer_leader(leader.region.id, heir.id, DEADLINE).await.unwrap();
    assert_eq!(cluster.wait_leader("n").await.peer.id, heir.id);
    sleep_again(&cluster, 12).await;
    cluster.check();
}

#[actix_rt::test]
async fn the_groups_of_a_lost_leader_elect_as_soon_as_if_they_had_been_awake() {
    let mut slowest = 0;
    let mut cluster = asleep().await;
    for _ in 0..5 {
        cluster.settle_for(60_000).await;
        let leader = cluster.wait_leader("a").await.peer.store_id;
        let dead = cluster.kill(leader).await;
        let began = Instant::now();
        // Nobody asks for anything: those that are left notice by themselves.
        for key in ["a", "g", "n", "t"] {
            let new = cluster.wait_leader(key).await;
            assert_ne!(new.peer.store_id, leader);
        }
        let elected = began.elapsed().as_millis();
        for key in ["a", "g", "n", "t"] {
            cluster.put(key, "2").await;
        }
        slowest = slowest.max(elected);
        assert!(elected < 2600, "{elected} ms");
        cluster.revive(dead).await;
        cluster.settle_for(5_000).await;
        sleep_again(&cluster, 12).await;
    }
    cluster.check();
    println!("the slowest of twenty elections took {slowest} ms");
}

#[actix_rt::test]
async fn a_leader_notices_the_loss_of_a_sleeping_follower() {
    let mut cluster = asleep().await;
    cluster.settle_for(60_000).await;
    let lost = cluster.follower_of("a").await;
    let dead = cluster.kill(lost).await;
    cluster.settle_for(90_000).await;
    assert_eq!(sleeping(&cluster), 0, "a group that is not whole stays awake");
    let leader = cluster.wait_leader("a").await;
    assert_eq!(leader.down_peers.iter().map(|peer| peer.store_id).collect::<Vec<_>>(), [lost]);
    cluster.revive(dead).await;
    cluster.settle_for(5_000).await;
    sleep_again(&cluster, 12).await;
    cluster.check();
}

#[actix_rt::test]
async fn a_sleeping_leader_that_is_cut_off_serves_nothing_old() {
    let cluster = asleep().await;
    cluster.settle_for(60_000).await;
    let old = cluster.wait_leader("a").await;
    let reader = cluster.on(old.peer.store_id).store.reader.clone();
    cluster.network.isolate(old.peer.store_id);
    cluster.settle_for(4_000).await;
    cluster.put("a", "2").await;
    let ts = cluster.ts().await;
    assert_eq!(reader.get(&old.region.context(), b"a", ts, &[]), None);
    assert!(cluster.read_replica(old.peer.store_id, "a", ts).await.is_err());
    cluster.network.heal();
    cluster.wait_level("a", 3).await;
    assert_eq!(cluster.get("a").await.as_deref(), Some("2"));
    sleep_again(&cluster, 12).await;
    cluster.check();
}

#[actix_rt::test]
async fn a_lost_word_only_costs_time() {
    let cluster = asleep().await;
    cluster.network.seed(3);
    cluster.network.disturb(300, 120);
    for round in 0..20 {
        cluster.put(["a", "g", "n", "t"][round % 4], &round.to_string()).await;
        cluster.settle_for(10_000).await;
    }
    cluster.network.disturb(0, 0);
    sleep_again(&cluster, 12).await;
    cluster.check();
}
