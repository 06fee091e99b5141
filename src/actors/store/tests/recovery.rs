//! Losing power, and disks that fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future::join_all;

use super::harness::*;
use crate::actors::pd::{LocalPd, PdClient};
use crate::actors::runtime::{Actor, OnFailure};
use crate::actors::store::applier::Applier;
use crate::actors::store::log_writer::LogWriter;
use crate::actors::store::region_peer::RegionPeer;
use crate::actors::store::{NoTransport, OpenStore, StoreOptions, open_store};
use crate::placement::Goals;
use crate::storage::codec::mvcc::encode_key;
use crate::storage::engine::{Cf, Engine as _, MemoryEngine, Reader};
use crate::storage::raft::RaftOptions;
use crate::storage::region::Region;

#[actix_rt::test]
async fn every_acknowledged_write_survives_a_crash() {
    let mut node = Node::start(StoreOptions::default()).await;
    for round in 0..3 {
        let keys: Vec<String> = (0..20).map(|number| format!("{round}-{number}")).collect();
        join_all(keys.iter().map(|key| node.put(key, key))).await;
        node = node.crash().await;
        let ts = node.ts().await;
        for round in 0..=round {
            for number in 0..20 {
                let key = format!("{round}-{number}");
                assert_eq!(node.get(&key, ts), Ok(Some(key.clone())), "{key}");
            }
        }
    }
}

#[actix_rt::test]
async fn the_data_itself_is_not_synced_for_a_write() {
    let node = Node::start(StoreOptions::default()).await;
    let before = node.kv.syncs.load(Ordering::SeqCst);
    node.put("a", "1").await;
    assert_eq!(node.kv.syncs.load(Ordering::SeqCst), before, "the log is what makes it durable");
}

#[actix_rt::test]
async fn a_compacted_log_is_enough_to_recover() {
    let raft = RaftOptions { compact_entries: 10, ..RaftOptions::default() };
    let node = Node::start(StoreOptions { raft, ..StoreOptions::default() }).await;
    for number in 0..40 {
        node.put(&format!("k{number}"), "v").await;
    }
    settle().await;
    let region_id = node.context(b"k").region_id;
    let state = crate::storage::region::state::load_apply_state(&node.kv, region_id);
    let truncated = state.unwrap().unwrap().truncated;
    assert!(truncated.0 > 50, "truncated at {truncated}");
    let gone = crate::storage::codec::keys::raft_log_key(region_id, truncated);
    assert_eq!(node.raft.get(Cf::Raft, &gone).unwrap(), None, "its entry is gone");
    let node = node.crash().await;
    let ts = node.ts().await;
    for number in 0..40 {
        assert_eq!(node.get(&format!("k{number}"), ts), Ok(Some("v".to_owned())));
    }
    node.put("after", "1").await;
    let node = node.crash().await;
    assert_eq!(node.get("after", node.ts().await), Ok(Some("1".to_owned())));
}

#[actix_rt::test]
async fn a_log_that_cannot_be_written_ends_the_process() {
    let node = Node::start(StoreOptions::default()).await;
    node.raft.fails.store(true, Ordering::SeqCst);
    let request = crate::storage::txn::KvRequest::Prewrite(prewrite("a", "1", node.ts().await));
    let reply = node.send(b"a", request).await;
    assert!(reply.is_err(), "nothing was acknowledged: {reply:?}");
    settle().await;
    let aborts = node.aborts.lock().clone();
    assert!(!aborts.is_empty(), "the failure went up to the root");
    let panics = node.system.failures();
    assert!(format!("{panics:?}").contains("the disk is on fire"), "{panics:?}");
}

/// Which actor is made to panic, with which message in hand, by which engine.
struct Blow {
    actor: &'static str,
    message: &'static str,
    switch: fn(&Node) -> &AtomicBool,
}

/// Its panic ends the process, and costs no acknowledged write.
async fn costs_nothing_acknowledged(Blow { actor, message, switch }: Blow) {
    let node = Node::start(StoreOptions::default()).await;
    let keys: Vec<String> = (0..20).map(|number| format!("k{number}")).collect();
    join_all(keys.iter().map(|key| node.put(key, key))).await;
    let request = crate::storage::txn::KvRequest::Prewrite(prewrite("a", "1", node.ts().await));
    switch(&node).store(true, Ordering::SeqCst);
    let reply = node.send(b"a", request).await;
    assert!(reply.is_err(), "{actor}: nothing was acknowledged: {reply:?}");
    settle().await;

    let path = format!("/node-1/store-1/{actor}");
    let failures = node.system.failures();
    assert_eq!(failures.len(), 1, "{actor}: {failures:?}");
    assert_eq!((failures[0].path.as_str(), failures[0].message), (path.as_str(), message));
    assert!(failures[0].panic.starts_with("a bug on the way"), "{failures:?}");
    // The root is what the process ends with, and it says who and why.
    let reason = format!("/node-1/store-1: {path} panicked in {message}: {}", failures[0].panic);
    assert_eq!(*node.aborts.lock(), [reason]);
    assert!(!node.store.actor.is_alive(), "{actor}: nobody limps on");

    let node = node.crash().await;
    let ts = node.ts().await;
    for key in &keys {
        assert_eq!(node.get(key, ts), Ok(Some(key.clone())), "{actor}: {key}");
    }
    node.put("after", "1").await;
    assert!(node.aborts.lock().is_empty());
}

#[actix_rt::test]
async fn a_panic_of_a_region_peer_ends_the_process_and_costs_nothing_acknowledged() {
    costs_nothing_acknowledged(Blow {
        actor: "region-2",
        message: "KvCommand",
        switch: |node| &node.kv.panics_in_reads,
    })
    .await;
}

#[actix_rt::test]
async fn a_panic_of_an_applier_ends_the_process_and_costs_nothing_acknowledged() {
    costs_nothing_acknowledged(Blow {
        actor: "applier-1",
        message: "Apply",
        switch: |node| &node.kv.panics_in_writes,
    })
    .await;
}

#[actix_rt::test]
async fn a_panic_of_the_log_writer_ends_the_process_and_costs_nothing_acknowledged() {
    costs_nothing_acknowledged(Blow {
        actor: "log-writer",
        message: "WriteLog",
        switch: |node| &node.raft.panics_in_writes,
    })
    .await;
}

#[actix_rt::test]
async fn those_that_guard_data_escalate() {
    for supervision in [RegionPeer::supervision(), LogWriter::supervision(), Applier::supervision()]
    {
        assert!(matches!(supervision.on_failure, OnFailure::Escalate));
    }
}

/// Opens a store on these engines; answers why it does not.
async fn refused(
    node: &Node,
    pd: &Arc<LocalPd>,
    (kv, raft): (&TestEngine, &TestEngine),
    cluster_id: u64,
) -> String {
    let open = OpenStore {
        kv: Arc::new(kv.clone()),
        raft: Arc::new(raft.clone()),
        pd: Arc::clone(pd) as Arc<dyn PdClient>,
        transport: Arc::new(NoTransport),
        options: StoreOptions { cluster_id, ..StoreOptions::default() },
        address: String::new(),
        labels: BTreeMap::new(),
    };
    open_store(&node.system, open).await.err().expect("it does not fit").to_string()
}

#[actix_rt::test]
async fn a_store_of_another_cluster_is_refused() {
    let node = Node::start(StoreOptions::default()).await;
    let error = refused(&node, &node.pd, (&node.kv, &node.raft), 2).await;
    assert!(error.contains("belongs to cluster 1"), "{error}");
}

#[actix_rt::test]
async fn engines_that_do_not_belong_together_are_refused_before_anything_starts() {
    let node = Node::start(StoreOptions::default()).await;
    node.put("a", "1").await;
    settle().await;
    let empty = TestEngine::default();
    let error = refused(&node, &node.pd, (&node.kv, &empty), 1).await;
    assert!(error.contains("the raft log of region 2 was lost"), "{error}");
    let error = refused(&node, &node.pd, (&empty, &node.raft), 1).await;
    assert!(error.contains("raft logs of 1 regions, and none of their data"), "{error}");
    let disk = Arc::new(MemoryEngine::new());
    let forgetful = LocalPd::start(&node.system, disk, Goals::default()).unwrap();
    let error = refused(&node, &Arc::new(forgetful), (&node.kv, &node.raft), 1).await;
    assert!(error.contains("the state of the placement driver was lost"), "{error}");
    assert!(node.system.failures().is_empty(), "no actor has met the damage");
}

/// What the placement driver knows, in key order.
async fn known_regions(node: &Node) -> Vec<Region> {
    let routes = node.pd.scan_regions(Bytes::new(), Bytes::new(), 100).await.unwrap();
    routes.into_iter().map(|route| route.region).collect()
}

#[actix_rt::test]
async fn a_restart_goes_on_where_the_placement_driver_was() {
    let mut node = Node::start(StoreOptions::default()).await;
    let mut last = node.ts().await;
    let mut largest = 0;
    for (round, at) in ["m", "t", "x"].into_iter().enumerate() {
        let key = encode_key(at.as_bytes()).into();
        let context = node.context(at.as_bytes());
        node.store.router.split(context, vec![key], DEADLINE).await.unwrap();
        settle().await;
        let before = known_regions(&node).await;
        assert_eq!(before.len(), round + 2);
        let mut ids: Vec<u64> = before
            .iter()
            .flat_map(|region| [region.id.0, region.peers[0].id.0])
            .filter(|id| *id > largest)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        // The first round makes all of them, each later one those of one region more.
        assert_eq!(ids.len(), if round == 0 { 4 } else { 2 }, "an id came twice: {before:?}");
        largest = ids.into_iter().max().unwrap();
        last = last.max(node.ts().await);

        node = node.crash().await;
        assert!(node.pd.is_bootstrapped().await.unwrap());
        assert!(node.ts().await > last, "a timestamp came twice");
        assert_eq!(node.store.store_id.0, 1);
        settle().await;
        assert_eq!(known_regions(&node).await, before, "round {round}");
    }
}

#[actix_rt::test]
async fn the_placement_driver_hears_how_full_the_disk_is() {
    let node = Node::start(StoreOptions::default()).await;
    node.put("a", &"v".repeat(10_000)).await;
    tokio::time::sleep(StoreOptions::default().heartbeat_interval).await;
    settle().await;
    let stats = node.pd.stores().await.unwrap()[0].stats;
    assert_eq!((stats.capacity, stats.available), (DISK.capacity, DISK.available));
    assert!(stats.used >= 10_000, "{stats:?}");
    assert_eq!((stats.region_count, stats.leader_count), (1, 1));
    // Known again right after a restart, though no region has counted anything yet.
    node.kv.inner.sync().unwrap();
    let node = node.crash().await;
    let stats = node.pd.stores().await.unwrap()[0].stats;
    assert!(stats.used >= 10_000, "{stats:?}");
}
