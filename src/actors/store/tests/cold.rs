//! Peers that are let go while their groups sleep, and made again.

use std::time::Duration;

use tokio::time::Instant;

use super::cluster::*;
use super::harness::*;
use super::sleep::{asleep, sleep_again};
use crate::actors::pd::PdClient;
use crate::actors::runtime::ActorState;
use crate::actors::store::{KvCommand, RegionStatus, StoreOptions};
use crate::common::{StoreId, Term};
use crate::storage::codec::mvcc::encode_key;
use crate::storage::engine::Engine;
use crate::storage::txn::{KvRequest, KvResponse, WaitPolicy};

/// Regions without a peer, over all stores.
fn cold(cluster: &Cluster) -> usize {
    cluster.network.stores().iter().map(|store| store.router.cold()).sum()
}

/// So many of the peers of the four regions live.
async fn wait_cold(cluster: &Cluster, replicas: usize) {
    for _ in 0..200 {
        if cold(cluster) == replicas {
            return;
        }
        cluster.settle_for(100).await;
    }
    panic!("{} replicas of {replicas} are cold", cold(cluster));
}

/// Three stores with four regions, of which all but the first are cold.
async fn all_cold() -> Cluster {
    let cluster = asleep().await;
    wait_cold(&cluster, 9).await;
    cluster
}

fn led(cluster: &Cluster, key: &str) -> RegionStatus {
    cluster.leader_of(key).expect("somebody leads it")
}

#[actix_rt::test]
async fn a_sleeping_region_has_no_actor_and_is_shown_all_the_same() {
    let cluster = all_cold().await;
    for member in cluster.members.values() {
        let actors = member.system.actors();
        let peers: Vec<_> = actors.iter().filter(|actor| actor.kind == "region-peer").collect();
        assert_eq!(peers.len(), 4, "{peers:#?}");
        let asleep: Vec<_> = peers.iter().filter(|peer| peer.state == ActorState::Asleep).collect();
        assert_eq!(asleep.len(), 3);
        let path = asleep[0].path.to_string();
        let detail = member.system.actor(&path).await.expect("it is shown");
        let observed = detail.observed.expect("there is something to say of it");
        assert_eq!(observed["awake"], false);
        assert!(observed["region"]["id"].is_u64(), "{observed}");
        let store = member.system.actor(&member.store.actor.path().to_string()).await.unwrap();
        assert!(store.children.iter().any(|child| child.to_string() == path));
        assert_eq!(store.observed.unwrap()["cold"], 3);
        let applier = format!("{}/applier-1", member.store.actor.path());
        let applier = member.system.actor(&applier).await.unwrap();
        assert_eq!(applier.observed.unwrap()["regions"], 1);
    }
    cluster.check();
}

#[actix_rt::test]
async fn a_region_leads_on_where_it_fell_asleep() {
    let cluster = all_cold().await;
    cluster.settle_for(600_000).await;
    assert_eq!(cold(&cluster), 9);
    let before = led(&cluster, "g");
    let began = Instant::now();
    assert_eq!(cluster.get("g").await.as_deref(), Some("1"));
    assert!(began.elapsed() < Duration::from_millis(50), "{:?}", began.elapsed());
    let after = led(&cluster, "g");
    assert_eq!((after.term, after.peer), (before.term, before.peer), "nobody was elected");
    assert_eq!(after.applied, before.applied, "nothing was written for it");
    assert_eq!(cold(&cluster), 8, "the followers have answered in their sleep");
    cluster.put("g", "2").await;
    cluster.wait_level("g", 3).await;
    assert_eq!(led(&cluster, "g").term, before.term);
    assert_eq!(cold(&cluster), 6, "the others sleep on");
    wait_cold(&cluster, 9).await;
    assert_eq!(cluster.get("g").await.as_deref(), Some("2"));
    cluster.check();
}

#[actix_rt::test]
async fn a_group_that_misses_a_follower_keeps_its_leader() {
    let mut cluster = all_cold().await;
    let before = led(&cluster, "n");
    let lost = cluster.follower_of("n").await;
    let dead = cluster.kill(lost).await;
    cluster.settle_for(90_000).await;
    let after = led(&cluster, "n");
    assert_eq!((after.term, after.peer), (before.term, before.peer));
    assert_eq!(after.down_peers.len(), 1, "{after:?}");
    cluster.put("n", "2").await;
    let back = cluster.revive(dead).await;
    sleep_again(&cluster, 12).await;
    wait_cold(&cluster, 9).await;
    assert_eq!(cluster.get("n").await.as_deref(), Some("2"));
    assert_eq!(led(&cluster, "n").term, before.term);
    cluster.on(back);
    cluster.check();
}

#[actix_rt::test]
async fn orders_wake_cold_regions() {
    let cluster = all_cold().await;
    // A split.
    let region = led(&cluster, "n");
    let router = cluster.on(region.peer.store_id).store.router.clone();
    let cut = encode_key(b"p").into();
    let parts = router.split(region.region.context(), vec![cut], DEADLINE).await.unwrap();
    assert_eq!(parts.len(), 2);
    cluster.put("q", "1").await;
    assert_eq!(cluster.get("n").await.as_deref(), Some("1"));
    sleep_again(&cluster, 15).await;
    wait_cold(&cluster, 12).await;
    // A merge of two that are cold.
    let (left, right) = (led(&cluster, "n"), led(&cluster, "q"));
    let router = cluster.on(left.peer.store_id).store.router.clone();
    router.merge(left.region.id, right.region.clone(), DEADLINE).await.unwrap();
    sleep_again(&cluster, 12).await;
    wait_cold(&cluster, 9).await;
    assert_eq!(cluster.get("n").await.as_deref(), Some("1"));
    assert_eq!(led(&cluster, "n").region.id, led(&cluster, "q").region.id);
    // A change of leader.
    wait_cold(&cluster, 9).await;
    let leader = led(&cluster, "t");
    let heir = *leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap();
    let router = cluster.on(leader.peer.store_id).store.router.clone();
    router.transfer_leader(leader.region.id, heir.id, DEADLINE).await.unwrap();
    assert_eq!(cluster.wait_leader("t").await.peer.id, heir.id);
    assert_eq!(cluster.get("t").await.as_deref(), Some("1"));
    wait_cold(&cluster, 9).await;
    cluster.check();
}

#[actix_rt::test]
async fn locks_in_memory_keep_a_peer() {
    let node = Node::start(StoreOptions::default()).await;
    let cut = encode_key(b"m").into();
    node.store.router.split(node.context(b"a"), vec![cut], DEADLINE).await.unwrap();
    node.put("z", "1").await;
    let ts = node.ts().await;
    let locked = node.send(b"z", lock("z", ts, WaitPolicy::NoWait)).await;
    assert!(locked.is_ok(), "{locked:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(node.store.router.cold(), 0, "who holds the lock is known to nobody else");
    node.send(b"z", unlock("z", ts)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(node.store.router.cold(), 1);
    node.put("z", "2").await;
    assert_eq!(node.get("z", node.ts().await), Ok(Some("2".to_owned())));
}

#[actix_rt::test]
async fn a_store_starts_without_peers_for_what_nobody_asks_for() {
    let node = Node::start(StoreOptions::default()).await;
    let cuts = ["g", "n", "t"].map(|key| encode_key(key.as_bytes()).into()).to_vec();
    node.store.router.split(node.context(b"a"), cuts, DEADLINE).await.unwrap();
    for key in ["a", "g", "n", "t"] {
        node.put(key, "1").await;
    }
    // What was applied is on the disk, as it is some time after the last write.
    node.kv.inner.sync().unwrap();
    let node = node.crash_asleep().await;
    assert_eq!(node.store.router.cold(), 3, "all but the first");
    tokio::time::sleep(Duration::from_secs(60)).await;
    // The placement driver has begun anew, and knows who leads them.
    let route = node.pd.region_by_key(encode_key(b"n").into()).await.unwrap().unwrap();
    assert_eq!(route.leader.map(|peer| peer.store_id), Some(node.store.store_id));
    assert_eq!(node.store.router.cold(), 3);
    let ts = node.ts().await;
    let get = KvRequest::Get { key: bytes("n"), ts, resolved: Vec::new() };
    let command = KvCommand { context: node.context(b"n"), request: get };
    let answer = node.store.router.send(command, DEADLINE).await;
    assert_eq!(answer, Ok(KvResponse::Value(Some(bytes("1")))));
    assert_eq!(node.store.router.cold(), 2);
    node.put("n", "2").await;
    let node = node.crash().await;
    assert_eq!(node.get("n", node.ts().await), Ok(Some("2".to_owned())));
    assert_eq!(node.get("t", node.ts().await), Ok(Some("1".to_owned())));
}

#[actix_rt::test]
async fn a_store_that_starts_again_leaves_to_others_what_they_lead() {
    let mut cluster = all_cold().await;
    let leader = led(&cluster, "n").peer.store_id;
    let follower = cluster.follower_of("n").await;
    assert_ne!(leader, follower);
    cluster.on(follower).kv.inner.sync().unwrap();
    let dead = cluster.kill(follower).await;
    let back = cluster.revive(dead).await;
    assert_eq!(cluster.on(back).store.router.cold(), 3);
    cluster.settle_for(60_000).await;
    sleep_again(&cluster, 12).await;
    wait_cold(&cluster, 9).await;
    for key in ["a", "g", "n", "t"] {
        cluster.put(key, "3").await;
        cluster.wait_level(key, 3).await;
    }
    cluster.check();
}

#[actix_rt::test]
async fn a_cluster_that_starts_again_elects_leaders_for_all() {
    let mut cluster = all_cold().await;
    let terms: Vec<Term> = ["g", "n", "t"].iter().map(|key| led(&cluster, key).term).collect();
    let stores: Vec<StoreId> = cluster.members.keys().copied().collect();
    let mut dead = Vec::new();
    for store in stores {
        cluster.on(store).kv.inner.sync().unwrap();
        dead.push(cluster.kill(store).await);
    }
    for store in dead {
        cluster.revive(store).await;
    }
    for (key, term) in ["g", "n", "t"].iter().zip(terms) {
        let began = Instant::now();
        let leader = cluster.wait_leader(key).await;
        assert!(leader.term > term, "{leader:?}");
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    }
    for key in ["a", "g", "n", "t"] {
        assert_eq!(cluster.get(key).await.as_deref(), Some("1"));
        cluster.put(key, "2").await;
    }
    sleep_again(&cluster, 12).await;
    wait_cold(&cluster, 9).await;
    cluster.check();
}

#[actix_rt::test]
async fn the_leaders_store_is_lost_while_all_is_cold() {
    let mut cluster = all_cold().await;
    cluster.settle_for(60_000).await;
    let lost = led(&cluster, "n").peer.store_id;
    let dead = cluster.kill(lost).await;
    let began = Instant::now();
    let new = cluster.wait_leader("n").await;
    assert_ne!(new.peer.store_id, lost);
    assert!(began.elapsed() < Duration::from_millis(2600), "{:?}", began.elapsed());
    cluster.put("n", "2").await;
    cluster.revive(dead).await;
    sleep_again(&cluster, 12).await;
    wait_cold(&cluster, 9).await;
    assert_eq!(cluster.get("n").await.as_deref(), Some("2"));
    cluster.check();
}

#[actix_rt::test]
async fn a_store_that_leaves_hands_cold_regions_over() {
    let cluster = all_cold().await;
    let store = cluster.on(led(&cluster, "n").peer.store_id).store.clone();
    store.hand_over(Duration::from_secs(10)).await;
    let led_still = store.router.statuses().iter().filter(|status| status.is_leader()).count();
    assert_eq!(led_still, 0);
    for key in ["a", "g", "n", "t"] {
        assert_eq!(cluster.get(key).await.as_deref(), Some("1"));
    }
    cluster.check();
}
