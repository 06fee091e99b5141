//! Groups and their disks: interrupted snapshots, damaged logs, RocksDB.

use std::sync::Arc;

use super::cluster::*;
use super::harness::*;
use crate::actors::pd::PdClient;
use crate::actors::store::StoreOptions;
use crate::actors::store::snapshots::SnapshotDir;
use crate::common::{LogIndex, PeerId};
use crate::storage::codec::keys;
use crate::storage::engine::{
    Cf, Engine, EngineOptions, IterOptions, Reader, RocksEngine, WriteBatch,
};
use crate::storage::region::membership::PeerChange;
use crate::storage::region::snapshot::write_file;
use crate::storage::region::state::{
    ApplyState, PeerState, delete_data, load_apply_state, put_apply_state, put_region,
};
use crate::storage::region::{Peer, PeerRole};

#[actix_rt::test]
async fn a_snapshot_that_a_crash_has_interrupted_is_installed_at_the_next_start() {
    let mut cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    let away = cluster.follower_of("a").await;
    let dead = cluster.kill(away).await;
    cluster.put("a", "2").await;
    cluster.put("b", "2").await;
    cluster.settle_for(1000).await;

    // As the worker leaves it between its two notes.
    let leader = cluster.wait_leader("a").await;
    let (region, kv) = (&leader.region, &cluster.on(leader.peer.store_id).kv);
    let peer = region.peer_on(away).unwrap();
    let index = load_apply_state(kv, region.id).unwrap().unwrap().applied;
    let dir = SnapshotDir::open(Some(&dead.dir), away).unwrap();
    let path = dir.received(region.id, peer.id, leader.term, index);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_file(&*kv.snapshot(), region, &mut std::fs::File::create(&path).unwrap()).unwrap();
    let mut batch = WriteBatch::new();
    put_region(&mut batch, region, PeerState::Applying);
    let state = ApplyState { applied: index, truncated: index, truncated_term: leader.term };
    put_apply_state(&mut batch, region.id, &state);
    delete_data(&mut batch, &region.start_key, &region.end_key);
    dead.kv.write(batch, true).unwrap();

    cluster.revive(dead).await;
    cluster.wait_level("a", 3).await;
    // Until it has heard of the leader.
    cluster.settle_for(1000).await;
    for key in ["a", "b"] {
        let ts = cluster.ts().await;
        assert_eq!(cluster.read_replica(away, key, ts).await, Ok(Some("2".to_owned())), "{key}");
    }
    cluster.put("a", "3").await;
    cluster.wait_level("a", 3).await;
    assert!(!path.exists(), "it is used up");
    cluster.check();
}

#[actix_rt::test]
async fn a_damaged_log_record_is_refused_with_its_name() {
    let mut cluster = Cluster::start(3, StoreOptions::default()).await;
    cluster.put("a", "1").await;
    cluster.wait_level("a", 3).await;
    let region = cluster.wait_leader("a").await.region.id;
    let away = cluster.follower_of("a").await;
    let dead = cluster.kill(away).await;
    // What was applied was not synced, so the log is to be applied again.
    let applied = load_apply_state(&dead.kv, region).unwrap().unwrap().applied;
    let key = keys::raft_log_key(region, LogIndex(applied.0 + 1));
    let mut record = dead.raft.get(Cf::Raft, &key).unwrap().expect("it is to be applied again");
    *record.last_mut().unwrap() ^= 1;
    let mut batch = WriteBatch::new();
    batch.put(Cf::Raft, key, record);
    dead.raft.write(batch, true).unwrap();
    let opened = cluster.open_engines(Arc::new(dead.kv), Arc::new(dead.raft), &dead.dir).await;
    let error = opened.err().expect("the log is damaged").to_string();
    assert!(error.contains("checksum") && error.contains(&format!("region {region}")), "{error}");
}

fn open_rocks(dir: &std::path::Path) -> (Arc<dyn Engine>, Arc<dyn Engine>) {
    let kv = RocksEngine::open(&dir.join("kv"), &EngineOptions::default()).unwrap();
    let raft = RocksEngine::open(&dir.join("raft"), &EngineOptions::raft()).unwrap();
    (Arc::new(kv), Arc::new(raft))
}

#[actix_rt::test]
async fn rocksdb_takes_a_snapshot_and_remembers_it() {
    let cluster = Cluster::start(1, small_logs()).await;
    for number in 0..60 {
        cluster.put(&format!("k{number}"), "v").await;
    }
    cluster.settle_for(1000).await;
    let directory = tempfile::tempdir().unwrap();
    let (kv, raft) = open_rocks(directory.path());
    let (system, aborts, store) = cluster.open_engines(kv, raft, directory.path()).await.unwrap();
    let region = cluster.wait_leader("k").await.region.id;
    let id = PeerId(cluster.pd.alloc_ids(1).await.unwrap().start);
    let peer = Peer { id, store_id: store.store_id, role: PeerRole::Learner };
    cluster.change(region, vec![PeerChange::AddLearner(peer)]).await;
    cluster.wait_level("k", 2).await;
    let ts = cluster.ts().await;
    let read = cluster.read_replica(peer.store_id, "k59", ts).await;
    assert_eq!(read, Ok(Some("v".to_owned())));
    assert_eq!(*aborts.lock(), Vec::<String>::new());
    system.shutdown(DEADLINE).await;
    cluster.put("after", "1").await;
    let me = store.store_id;
    drop((store, system));
    cluster.forget(me);

    let (kv, raft) = open_rocks(directory.path());
    let mut cursor = kv.cursor(Cf::Write, IterOptions::default()).unwrap();
    assert!(cursor.seek_to_first().unwrap(), "the data is on the disk");
    drop(cursor);
    let (system, aborts, store) = cluster.open_engines(kv, raft, directory.path()).await.unwrap();
    assert_eq!(store.store_id, me);
    cluster.wait_level("after", 2).await;
    let ts = cluster.ts().await;
    let read = cluster.read_replica(peer.store_id, "after", ts).await;
    assert_eq!(read, Ok(Some("1".to_owned())));
    assert_eq!(*aborts.lock(), Vec::<String>::new());
    system.shutdown(DEADLINE).await;
    cluster.check();
}
