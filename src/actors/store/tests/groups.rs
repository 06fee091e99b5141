//! Groups of three: elections, reads, who lags and who is gone.

use std::sync::atomic::Ordering;

use super::cluster::*;
use super::harness::*;
use crate::actors::pd::PdClient;
use crate::actors::store::StoreOptions;
use crate::common::StoreId;
use crate::placement::Goals;
use crate::storage::codec::keys;
use crate::storage::codec::mvcc::encode_key;
use crate::storage::engine::{Cf, DiskRoom, Reader};
use crate::storage::region::PeerRole;
use crate::storage::region::membership::PeerChange;
use crate::storage::region::state::{PeerState, load_region};
use crate::storage::txn::{KvRequest, WaitPolicy};

#[actix_rt::test]
async fn a_write_is_on_every_replica() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    for store in cluster.members.keys() {
        let read = cluster.read_replica(*store, "a", cluster.ts().await).await;
        assert_eq!(read, Ok(Some("1".to_owned())), "store {store}");
    }
    cluster.check();
}

#[actix_rt::test]
async fn the_group_goes_on_when_its_leader_dies_and_takes_it_back() {
    let mut cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    let leader = cluster.wait_leader("a").await.peer.store_id;
    let dead = cluster.kill(leader).await;
    let began = tokio::time::Instant::now();
    cluster.put("a", "2").await;
    assert!(began.elapsed().as_millis() < 3000, "{:?}", began.elapsed());
    cluster.revive(dead).await;
    cluster.wait_level("a", 3).await;
    let ts = cluster.ts().await;
    assert_eq!(cluster.read_replica(leader, "a", ts).await, Ok(Some("2".to_owned())));
    cluster.check();
}

#[actix_rt::test]
async fn a_leader_that_is_cut_off_serves_nothing_old() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    let old = cluster.wait_leader("a").await;
    let reader = cluster.on(old.peer.store_id).store.reader.clone();
    let context = old.region.context();
    cluster.network.isolate(old.peer.store_id);
    // The others elect, and write.
    let mut led = false;
    for _ in 0..100 {
        let ts = cluster.ts().await;
        let new = cluster
            .statuses()
            .into_iter()
            .any(|status| status.is_leader() && status.peer.store_id != old.peer.store_id);
        if new && !led {
            led = true;
            assert_eq!(reader.get(&context, b"a", ts, &[]), None, "its lease is over");
        }
        cluster.settle_for(50).await;
    }
    assert!(led, "the majority has a leader");
    cluster.put("a", "2").await;
    let ts = cluster.ts().await;
    assert_eq!(reader.get(&context, b"a", ts, &[]), None);
    assert!(cluster.read_replica(old.peer.store_id, "a", ts).await.is_err());
    cluster.network.heal();
    cluster.wait_level("a", 3).await;
    let ts = cluster.ts().await;
    assert_eq!(cluster.read_replica(old.peer.store_id, "a", ts).await, Ok(Some("2".to_owned())));
    cluster.check();
}

#[actix_rt::test]
async fn a_leader_reads_locally_under_its_lease() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    let leader = cluster.wait_leader("a").await;
    let reader = &cluster.on(leader.peer.store_id).store.reader;
    let ts = cluster.ts().await;
    let read = reader.get(&leader.region.context(), b"a", ts, &[]).expect("the lease holds");
    assert_eq!(read.unwrap().unwrap(), "1");
    cluster.settle_for(5000).await;
    let read = reader.get(&leader.region.context(), b"a", ts, &[]);
    assert_eq!(read, None, "nobody has answered for long");
    assert_eq!(cluster.get("a").await.as_deref(), Some("1"), "so the group is asked");
    let read = reader.get(&leader.region.context(), b"a", ts, &[]);
    assert!(read.is_some(), "which gives the lease anew");
}

#[actix_rt::test]
async fn a_removed_replica_leaves_nothing_but_a_tombstone() {
    let mut cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    let leader = cluster.wait_leader("a").await;
    let gone = *leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap();
    let region = cluster.change(leader.region.id, vec![PeerChange::Remove(gone)]).await;
    assert_eq!(region.peers.len(), 2);
    cluster.settle_for(20_000).await;
    let member = cluster.on(gone.store_id);
    assert!(member.store.router.status(region.id).is_none());
    let (_, state) = load_region(&member.kv, region.id).unwrap().unwrap();
    assert_eq!(state, PeerState::Tombstone { merged: false });
    let key = keys::data_key(&encode_key(b"a"));
    let mut cursor = member.kv.cursor(Cf::Write, Default::default()).unwrap();
    assert!(!cursor.seek(&key).unwrap(), "its data is gone");
    drop(cursor);
    let log = member.raft.get(Cf::Raft, &keys::raft_state_key(region.id)).unwrap();
    assert_eq!(log, None, "and its log");
    // It can come back under another name.
    cluster.put("a", "2").await;
    cluster.add(region.id, gone.store_id).await;
    cluster.wait_level("a", 3).await;
    let ts = cluster.ts().await;
    assert_eq!(cluster.read_replica(gone.store_id, "a", ts).await, Ok(Some("2".to_owned())));
    cluster.check();
}

#[actix_rt::test]
async fn a_replica_removed_while_it_was_away_goes_when_it_is_back() {
    let mut cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    let leader = cluster.wait_leader("a").await;
    let gone = *leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap();
    let dead = cluster.kill(gone.store_id).await;
    let region = cluster.change(leader.region.id, vec![PeerChange::Remove(gone)]).await;
    cluster.revive(dead).await;
    cluster.settle_for(90_000).await;
    let member = cluster.on(gone.store_id);
    assert!(member.store.router.status(region.id).is_none(), "{:#?}", cluster.statuses());
    cluster.put("a", "2").await;
    cluster.check();
}

#[actix_rt::test]
async fn several_replicas_change_at_once() {
    let mut cluster = Cluster::start(3, StoreOptions::default()).await;
    let fourth = cluster.open(TestEngine::default(), TestEngine::default(), None).await;
    cluster.put("a", "1").await;
    let leader = cluster.wait_leader("a").await;
    let old = *leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap();
    let id = crate::common::PeerId(cluster.pd.alloc_ids(1).await.unwrap().start);
    let new = crate::storage::region::Peer { id, store_id: fourth, role: PeerRole::Voter };
    let changes = vec![PeerChange::AddVoter(new), PeerChange::AddLearner(old)];
    let region = cluster.change(leader.region.id, changes).await;
    assert_eq!(region.peer(new.id).unwrap().role, PeerRole::Voter);
    assert_eq!(region.peer(old.id).unwrap().role, PeerRole::Learner);
    cluster.change(region.id, vec![PeerChange::Remove(old)]).await;
    cluster.put("a", "2").await;
    cluster.wait_level("a", 3).await;
    let ts = cluster.ts().await;
    assert_eq!(cluster.read_replica(fourth, "a", ts).await, Ok(Some("2".to_owned())));
    cluster.check();
}

/// A follower is away for so many writes; whether it comes back by a snapshot.
async fn be_away_for(writes: u64) -> bool {
    let mut cluster = Cluster::start(3, small_logs()).await;
    cluster.put("a", "1").await;
    let away = cluster.follower_of("a").await;
    let dead = cluster.kill(away).await;
    for number in 0..writes {
        cluster.put(&format!("k{number}"), "v").await;
    }
    cluster.revive(dead).await;
    cluster.wait_level("a", 3).await;
    let ts = cluster.ts().await;
    let last = format!("k{}", writes - 1);
    assert_eq!(cluster.read_replica(away, &last, ts).await, Ok(Some("v".to_owned())));
    cluster.put("after", "1").await;
    cluster.wait_level("after", 3).await;
    cluster.check();
    cluster.on(away).snapshots_installed().await > 0
}

#[actix_rt::test]
async fn a_store_that_was_away_shortly_catches_up_by_log() {
    assert!(!be_away_for(5).await);
}

#[actix_rt::test]
async fn a_store_that_was_away_for_long_catches_up_by_snapshot() {
    assert!(be_away_for(120).await);
}

#[actix_rt::test]
async fn a_snapshot_replaces_locks_too() {
    let cluster = Cluster::start(3, small_logs()).await;
    let leader = cluster.wait_leader("a").await;
    let away = leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap().store_id;
    // A lock of an unfinished transaction that is gone when the replica comes back, and one that is new.
    let old_ts = cluster.ts().await;
    let request = KvRequest::Prewrite(prewrite("old", "x", old_ts));
    cluster.send("old", request).await.unwrap();
    cluster.wait_level("a", 3).await;
    cluster.network.isolate(away);
    let request = KvRequest::Rollback { keys: vec![bytes("old")], start_ts: old_ts };
    cluster.send("old", request).await.unwrap();
    let new_ts = cluster.ts().await;
    cluster.send("new", KvRequest::Prewrite(prewrite("new", "x", new_ts))).await.unwrap();
    for number in 0..120 {
        cluster.put(&format!("k{number}"), "v").await;
    }
    cluster.network.heal();
    cluster.wait_level("a", 3).await;
    assert!(cluster.on(away).snapshots_installed().await > 0);
    let ts = cluster.ts().await;
    assert_eq!(cluster.read_replica(away, "old", ts).await, Ok(None), "its lock is gone");
    assert!(cluster.read_replica(away, "new", ts).await.is_err(), "the new lock is met");
    cluster.check();
}

#[actix_rt::test]
async fn leadership_moves_with_its_locks() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    let leader = cluster.wait_leader("a").await;
    let heir = *leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap();
    let holder = cluster.ts().await;
    cluster.send("a", lock("a", holder, WaitPolicy::NoWait)).await.unwrap();
    let router = &cluster.on(leader.peer.store_id).store.router;
    router.transfer_leader(leader.region.id, heir.id, DEADLINE).await.unwrap();
    let now = cluster.wait_leader("a").await;
    assert_eq!(now.peer.id, heir.id);
    let other = cluster.ts().await;
    let refused = cluster.send("a", lock("a", other, WaitPolicy::NoWait)).await;
    assert!(format!("{refused:?}").contains("Locked"), "the lock has come along: {refused:?}");
    cluster.send("a", unlock("a", holder)).await.unwrap();
    cluster.send("a", lock("a", other, WaitPolicy::NoWait)).await.unwrap();
    cluster.check();
}

#[actix_rt::test]
async fn a_split_is_applied_on_all_and_a_merge_takes_it_back() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    for key in ["a", "m", "z"] {
        cluster.put(key, "1").await;
    }
    let leader = cluster.wait_leader("a").await;
    let router = &cluster.on(leader.peer.store_id).store.router;
    let keys = vec![encode_key(b"m").into()];
    let parts = router.split(leader.region.context(), keys, DEADLINE).await.unwrap();
    assert_eq!(parts.len(), 2);
    for key in ["a", "z"] {
        cluster.put(key, "2").await;
        cluster.wait_level(key, 3).await;
    }
    let (left, right) = (cluster.wait_leader("a").await, cluster.wait_leader("z").await);
    assert_ne!(left.region.id, right.region.id);
    let router = &cluster.on(left.peer.store_id).store.router;
    router.merge(left.region.id, right.region.clone(), DEADLINE).await.unwrap();
    for _ in 0..100 {
        cluster.settle_for(100).await;
        if cluster.statuses().len() == 3 {
            break;
        }
    }
    for key in ["a", "m", "z"] {
        let expected = if key == "m" { "1" } else { "2" };
        assert_eq!(cluster.get(key).await.as_deref(), Some(expected), "{key}");
        cluster.put(key, "3").await;
    }
    cluster.wait_level("a", 3).await;
    let merged = cluster.wait_leader("a").await;
    assert_eq!(merged.region.id, right.region.id);
    assert!(merged.region.end_key.is_empty() && merged.region.start_key.is_empty());
    cluster.check();
}

#[actix_rt::test]
async fn a_merge_whose_target_changes_is_taken_back() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    let leader = cluster.wait_leader("a").await;
    let router = &cluster.on(leader.peer.store_id).store.router;
    let keys = vec![encode_key(b"m").into()];
    router.split(leader.region.context(), keys, DEADLINE).await.unwrap();
    cluster.put("a", "1").await;
    cluster.put("z", "1").await;
    let (left, right) = (cluster.wait_leader("a").await, cluster.wait_leader("z").await);
    let mut wrong = right.region.clone();
    // As it was before something changed.
    wrong.epoch.version -= 1;
    let router = &cluster.on(left.peer.store_id).store.router;
    router.merge(left.region.id, wrong, DEADLINE).await.unwrap();
    cluster.put("a", "2").await;
    assert_eq!(cluster.get("a").await.as_deref(), Some("2"));
    assert_eq!(cluster.statuses().len(), 6);
    cluster.check();
}

#[actix_rt::test]
async fn a_full_disk_refuses_writes_and_serves_reads() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    let start_ts = cluster.ts().await;
    cluster.send("b", KvRequest::Prewrite(prewrite("b", "1", start_ts))).await.unwrap();
    for member in cluster.members.values() {
        member.store.disk.set_reserve(u64::MAX);
        member.store.disk.look();
    }
    let refused =
        cluster.send("a", KvRequest::Prewrite(prewrite("a", "2", cluster.ts().await))).await;
    assert!(refused.unwrap_err().to_string().contains("is full"));
    assert_eq!(cluster.get("a").await.as_deref(), Some("1"));
    let commit = KvRequest::Commit(commit("b", start_ts, cluster.ts().await));
    cluster.send("b", commit).await.unwrap();
    for member in cluster.members.values() {
        member.store.disk.set_reserve(0);
        member.store.disk.look();
    }
    // Until the leader has heard of it.
    cluster.settle_for(1_000).await;
    cluster.put("a", "2").await;
    cluster.check();
}

/// Has a store's disk look this full.
fn fill(cluster: &Cluster, store: StoreId, room: DiskRoom) {
    let disk = &cluster.on(store).store.disk;
    disk.set_reserve(match room {
        DiskRoom::Enough => 0,
        DiskRoom::AlmostFull => DISK.available + 1,
        DiskRoom::Full => u64::MAX,
    });
    disk.look();
    assert_eq!(disk.room(), room);
}

async fn refusal(cluster: &Cluster, key: &str) -> String {
    let request = KvRequest::Prewrite(prewrite(key, "x", cluster.ts().await));
    cluster.send(key, request).await.expect_err("there is no room").to_string()
}

#[actix_rt::test]
async fn a_group_goes_on_without_a_follower_whose_disk_is_full() {
    let cluster = Cluster::start(3, small_logs()).await;
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    let full = cluster.follower_of("a").await;
    let before = cluster.on(full).snapshots_installed().await;
    fill(&cluster, full, DiskRoom::Full);
    cluster.settle_for(3_000).await;
    // More than is taken however full a disk is, and more entries than are kept for those who lag.
    let long = "x".repeat(20 << 10);
    for _ in 0..60 {
        cluster.put("a", &long).await;
    }
    let ts = cluster.ts().await;
    let read = cluster.read_replica(full, "a", ts).await;
    assert!(read.is_err(), "it does not have that, and says so");
    let installed = cluster.on(full).snapshots_installed().await;
    assert_eq!(installed, before, "nor does it take it another way");

    // Nobody else is there: now it counts, and there is no room for what would need it.
    let leader = cluster.wait_leader("a").await.peer.store_id;
    let other = cluster.members.keys().copied().find(|id| ![leader, full].contains(id)).unwrap();
    cluster.network.isolate(other);
    cluster.settle_for(5_000).await;
    let refused = refusal(&cluster, "b").await;
    assert!(refused.contains(&format!("store {full} is full")), "{refused}");
    assert_eq!(cluster.get("a").await, Some(long.clone()), "it still supports its leader");
    cluster.network.heal();
    cluster.settle_for(2_000).await;
    cluster.put("b", "1").await;

    fill(&cluster, full, DiskRoom::Enough);
    cluster.wait_level("a", 3).await;
    cluster.settle_for(1_000).await;
    let ts = cluster.ts().await;
    assert_eq!(cluster.read_replica(full, "a", ts).await, Ok(Some(long)));
    cluster.check();
}

#[actix_rt::test]
async fn writes_are_refused_when_too_few_replicas_have_room() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    let leader = cluster.wait_leader("a").await.peer.store_id;
    let followers: Vec<StoreId> =
        cluster.members.keys().copied().filter(|id| *id != leader).collect();
    fill(&cluster, followers[0], DiskRoom::AlmostFull);
    cluster.settle_for(3_000).await;
    cluster.put("a", "2").await;
    cluster.wait_level("a", 3).await;
    // Heard of while the group sleeps, too.
    cluster.settle_for(60_000).await;
    fill(&cluster, followers[1], DiskRoom::AlmostFull);
    cluster.settle_for(3_000).await;
    let refused = refusal(&cluster, "a").await;
    assert!(refused.contains("is full"), "{refused}");
    assert_eq!(cluster.get("a").await.as_deref(), Some("2"));
    cluster.settle_for(60_000).await;
    fill(&cluster, followers[0], DiskRoom::Enough);
    cluster.settle_for(3_000).await;
    cluster.put("a", "3").await;
    cluster.wait_level("a", 3).await;
    cluster.check();
}

#[actix_rt::test]
async fn a_lossy_and_slow_network_only_costs_time() {
    let cluster = Cluster::start(3, small_logs()).await;
    cluster.network.seed(7);
    cluster.network.disturb(150, 80);
    for number in 0..60 {
        cluster.put(&format!("k{}", number % 7), &number.to_string()).await;
    }
    cluster.network.disturb(0, 0);
    cluster.wait_level("k", 3).await;
    assert_eq!(cluster.get("k3").await.as_deref(), Some("59"));
    cluster.check();
}

#[actix_rt::test]
async fn the_placement_drivers_orders_make_three_replicas() {
    let three = Goals { replicas: 3, ..Goals::default() };
    let cluster = Cluster::alone(3, StoreOptions::default(), Some(three)).await;
    cluster.put("a", "1").await;
    for _ in 0..600 {
        cluster.settle_for(1000).await;
        let region = cluster.wait_leader("a").await.region;
        if region.peers.iter().filter(|peer| peer.role == PeerRole::Voter).count() == 3 {
            cluster.wait_level("a", 3).await;
            cluster.check();
            return;
        }
    }
    panic!("{:#?}", cluster.statuses());
}

#[actix_rt::test]
async fn three_replicas_sync_no_data_for_a_write() {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    cluster.settle_for(1000).await;
    let syncs = |store: &StoreId| cluster.on(*store).kv.syncs.load(Ordering::SeqCst);
    let before: Vec<u64> = cluster.members.keys().map(syncs).collect();
    cluster.put("a", "2").await;
    cluster.settle_for(1000).await;
    let after: Vec<u64> = cluster.members.keys().map(syncs).collect();
    assert_eq!(before, after);
}
