//! Losing power, and disks that fail.

use std::sync::atomic::Ordering;

use futures::future::join_all;

use super::harness::*;
use crate::actors::runtime::{Actor, OnFailure};
use crate::actors::store::StoreOptions;
use crate::actors::store::applier::Applier;
use crate::actors::store::log_writer::LogWriter;
use crate::actors::store::region_peer::RegionPeer;
use crate::storage::engine::{Cf, Reader};
use crate::storage::raft::RaftOptions;

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

#[actix_rt::test]
async fn those_that_guard_data_escalate() {
    for supervision in [RegionPeer::supervision(), LogWriter::supervision(), Applier::supervision()]
    {
        assert!(matches!(supervision.on_failure, OnFailure::Escalate));
    }
}

#[actix_rt::test]
async fn a_store_of_another_cluster_is_refused() {
    let node = Node::start(StoreOptions::default()).await;
    let reopened = crate::actors::store::open_store(
        &node.system,
        crate::actors::store::OpenStore {
            kv: std::sync::Arc::new(node.kv.clone()),
            raft: std::sync::Arc::new(node.raft.clone()),
            pd: node.pd.clone(),
            transport: std::sync::Arc::new(crate::actors::store::NoTransport),
            options: StoreOptions { cluster_id: 2, ..StoreOptions::default() },
            address: String::new(),
            labels: std::collections::BTreeMap::new(),
        },
    )
    .await;
    let error = reopened.err().expect("cluster 2 is another one").to_string();
    assert!(error.contains("belongs to cluster 1"), "{error}");
}
