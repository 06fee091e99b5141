//! Writing and reading back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::{join, join_all};

use super::harness::*;
use crate::actors::store::{KvCommand, StoreOptions};
use crate::common::{RegionId, Timestamp};
use crate::storage::txn::{
    KeyError, KvRequest, KvResponse, RegionContext, RegionError, RequestError, WaitPolicy,
};

#[actix_rt::test]
async fn what_is_committed_is_read_back_without_queueing() {
    let node = Node::start(StoreOptions::default()).await;
    let before = node.ts().await;
    node.put("a", "1").await;
    assert_eq!(node.get("a", node.ts().await), Ok(Some("1".to_owned())));
    assert_eq!(node.get("a", before), Ok(None), "an older snapshot");
    assert_eq!(node.get("a", Timestamp::MAX), Ok(Some("1".to_owned())));
    assert_eq!(node.get("b", node.ts().await), Ok(None));
    let scan = KvRequest::Scan {
        start: bytes("a"),
        end: bytes("z"),
        limit: 10,
        ts: node.ts().await,
        reverse: false,
        key_only: false,
        resolved: Vec::new(),
    };
    let here = node.store.reader.read(&node.context(b"a"), &scan).unwrap();
    let through_the_peer = node.send(b"a", scan).await;
    assert_eq!(here, through_the_peer);
    let Ok(KvResponse::Pairs(pairs)) = here else { panic!("a scan answers pairs: {here:?}") };
    assert_eq!(pairs.len(), 1);
}

#[actix_rt::test]
async fn a_reader_stops_at_a_lock() {
    let node = Node::start(StoreOptions::default()).await;
    let start_ts = node.ts().await;
    let request = KvRequest::Prewrite(prewrite("a", "1", start_ts));
    node.send(b"a", request).await.unwrap();
    let ts = node.ts().await;
    let Err(RequestError::Key(KeyError::Locked(lock))) = node.get("a", ts) else {
        panic!("the key is locked")
    };
    assert_eq!(lock.start_ts, start_ts);
}

#[actix_rt::test]
async fn a_transaction_in_one_region_commits_in_one_step() {
    let node = Node::start(StoreOptions::default()).await;
    let syncs = node.raft.syncs.load(Ordering::SeqCst);
    let mut request = prewrite("a", "1", node.ts().await);
    request.try_one_pc = true;
    let reply = node.send(b"a", KvRequest::Prewrite(request)).await;
    let Ok(KvResponse::Prewritten { one_pc_commit_ts: Some(_), .. }) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(node.raft.syncs.load(Ordering::SeqCst), syncs + 1);
    assert_eq!(node.get("a", node.ts().await), Ok(Some("1".to_owned())));
}

#[actix_rt::test]
async fn writers_share_fsyncs() {
    let node = Node::start(StoreOptions::default()).await;
    let before = node.raft.syncs.load(Ordering::SeqCst);
    let keys: Vec<String> = (0..100).map(|number| format!("key-{number:03}")).collect();
    join_all(keys.iter().map(|key| node.put(key, "value"))).await;
    let syncs = node.raft.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs <= 20, "200 writes took {syncs} fsyncs");
    let ts = node.ts().await;
    for key in &keys {
        assert_eq!(node.get(key, ts), Ok(Some("value".to_owned())), "{key}");
    }
}

#[actix_rt::test]
async fn commands_on_one_key_take_turns() {
    let node = Node::start(StoreOptions::default()).await;
    let writers = (0..50).map(|number| {
        let node = &node;
        async move {
            let mut request = prewrite("hot", &number.to_string(), node.ts().await);
            request.try_one_pc = true;
            node.send(b"hot", KvRequest::Prewrite(request)).await
        }
    });
    let replies = join_all(writers).await;
    let committed = replies.iter().filter(|reply| reply.is_ok()).count();
    assert!(committed >= 1, "{replies:?}");
    for reply in &replies {
        let conflict =
            matches!(reply, Ok(_) | Err(RequestError::Key(KeyError::WriteConflict { .. })));
        assert!(conflict, "{reply:?}");
    }
    assert!(node.get("hot", node.ts().await).unwrap().is_some());
}

#[actix_rt::test]
async fn who_asks_the_wrong_region_is_told() {
    let node = Node::start(StoreOptions::default()).await;
    let unknown = RegionContext { region_id: RegionId(999), ..RegionContext::default() };
    let request = KvRequest::Commit(commit("a", Timestamp(1), Timestamp(2)));
    let reply = node.send_to(unknown, request.clone()).await;
    assert_eq!(reply, Err(RegionError::RegionNotFound(RegionId(999)).into()));
    let mut old = node.context(b"a");
    old.epoch.version -= 1;
    let reply = node.send_to(old, request).await;
    assert_eq!(reply, Err(RegionError::EpochNotMatch(old.region_id).into()));
    let here = node.store.reader.get(&old, b"a", Timestamp::MAX, &[]).unwrap();
    assert_eq!(here, Err(RegionError::EpochNotMatch(old.region_id).into()));
}

#[actix_rt::test]
async fn the_router_and_observe_show_the_region() {
    let node = Node::start(StoreOptions::default()).await;
    node.put("a", "1").await;
    settle().await;
    let [status] = &node.store.router.statuses()[..] else { panic!("there is one region") };
    assert!(status.is_leader());
    assert!(status.applied.0 > 6);
    assert!(status.approximate_keys >= 1);
    let path = format!("/node-1/store-{}/region-{}", node.store.store_id, status.region.id);
    let detail = node.system.actor(&path).await.expect("the peer is an actor");
    let shown = serde_json::to_value(&detail).unwrap().to_string();
    assert!(shown.contains("\"leads\":true"), "{shown}");
}

/// Slow is not broken: an answer is waited for as long as the store writes something.
#[actix_rt::test]
async fn who_waits_is_given_up_only_when_nothing_is_written() {
    let node = Node::start(StoreOptions::default()).await;
    let (holder, waiter) = (node.ts().await, node.ts().await);
    node.send(b"a", lock("a", holder, WaitPolicy::NoWait)).await.unwrap();
    let ask = || {
        let request = lock("a", waiter, WaitPolicy::Timeout(15_000));
        let command = KvCommand { context: node.context(b"a"), request };
        node.store.router.send(command, Duration::from_secs(1))
    };
    let begun = tokio::time::Instant::now();
    let lost = ask().await;
    assert!(matches!(lost, Err(RequestError::Region(RegionError::Undetermined(_)))), "{lost:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());

    let writes = node.store.router.writes();
    let progress = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(900)).await;
            writes.fetch_add(1, Ordering::Relaxed);
        }
        node.send(b"a", unlock("a", holder)).await
    };
    let (late, unlocked) = join(ask(), progress).await;
    assert_eq!(unlocked, Ok(KvResponse::Done));
    assert!(matches!(late, Ok(KvResponse::Locked { .. })), "{late:?}");
}
