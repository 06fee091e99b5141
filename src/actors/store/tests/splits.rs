//! Splits: by request, and by size.

use super::harness::*;
use crate::actors::pd::PdClient;
use crate::actors::store::StoreOptions;
use crate::storage::codec::mvcc::encode_key;
use crate::storage::region::SplitOptions;
use crate::storage::txn::{KvRequest, KvResponse, RegionError, RequestError, WaitPolicy};

async fn split(node: &Node, keys: &[&str]) -> Vec<crate::storage::region::Region> {
    let encoded = keys.iter().map(|key| encode_key(key.as_bytes()).into()).collect();
    let context = node.context(keys[0].as_bytes());
    node.store.router.split(context, encoded, DEADLINE).await.unwrap()
}

#[actix_rt::test]
async fn a_region_splits_where_it_is_told() {
    let node = Node::start(StoreOptions::default()).await;
    node.put("a", "1").await;
    node.put("m", "2").await;
    let old = node.context(b"a");
    let regions = split(&node, &["m", "t"]).await;
    assert_eq!(regions.len(), 3);
    assert_eq!(regions[0].end_key, regions[1].start_key);
    assert_eq!(regions[2].id, old.region_id, "the old region keeps the rightmost part");
    let request = KvRequest::Prewrite(prewrite("a", "x", node.ts().await));
    let reply = node.send_to(old, request).await;
    assert_eq!(reply, Err(RegionError::EpochNotMatch(old.region_id).into()));
    settle().await;
    let ts = node.ts().await;
    assert_eq!(node.get("a", ts), Ok(Some("1".to_owned())));
    assert_eq!(node.get("m", ts), Ok(Some("2".to_owned())));
    for key in ["a", "m", "z"] {
        node.put(key, "new").await;
        assert_eq!(node.get(key, node.ts().await), Ok(Some("new".to_owned())));
    }
    let [a, m, z] = ["a", "m", "z"].map(|key| node.context(key.as_bytes()).region_id);
    assert!(a != m && m != z && a != z);

    let node = node.crash().await;
    assert_eq!(node.store.router.len(), 3);
    for key in ["a", "m", "z"] {
        assert_eq!(node.get(key, node.ts().await), Ok(Some("new".to_owned())));
        node.put(key, "newer").await;
    }
}

#[actix_rt::test]
async fn splitting_at_a_bound_changes_nothing() {
    let node = Node::start(StoreOptions::default()).await;
    split(&node, &["m"]).await;
    settle().await;
    let again = split(&node, &["m"]).await;
    assert_eq!(again.len(), 1);
    assert_eq!(node.store.router.len(), 2);
    let context = node.context(b"a");
    let outside = vec![encode_key(b"x").into()];
    let refused = node.store.router.split(context, outside, DEADLINE).await;
    let expected: RequestError = RegionError::KeyNotInRegion(context.region_id).into();
    assert_eq!(refused, Err(expected.clone()));
    let broken = node.store.router.split(context, vec![bytes("half")], DEADLINE).await;
    assert_eq!(broken, Err(expected));
}

#[actix_rt::test]
async fn the_placement_driver_hears_of_every_part() {
    let node = Node::start(StoreOptions::default()).await;
    split(&node, &["m"]).await;
    settle().await;
    for key in [b"a", b"z"] {
        let route = node.pd.region_by_key(encode_key(key).into()).await.unwrap().unwrap();
        assert_eq!(route.region.context(), node.context(key));
        assert!(route.leader.is_some());
    }
}

#[actix_rt::test]
async fn a_region_that_grows_is_split() {
    let split = SplitOptions { split_size: 4000, max_size: 6000, ..SplitOptions::default() };
    let node = Node::start(StoreOptions { split, ..StoreOptions::default() }).await;
    let value = "v".repeat(200);
    for number in 0..100 {
        let key = format!("key-{number:03}");
        // A split in between is answered with an epoch error; the harness looks the region up each
        // time.
        node.put(&key, &value).await;
        settle().await;
    }
    let statuses = node.store.router.statuses();
    assert!(statuses.len() >= 3, "{} regions", statuses.len());
    let ts = node.ts().await;
    for number in 0..100 {
        assert_eq!(node.get(&format!("key-{number:03}"), ts), Ok(Some(value.clone())));
    }
}

#[actix_rt::test]
async fn a_region_with_many_keys_is_split_however_small_they_are() {
    let split = SplitOptions { split_keys: 20, max_keys: 30, ..SplitOptions::default() };
    let node = Node::start(StoreOptions { split, ..StoreOptions::default() }).await;
    for number in 0..100 {
        node.put(&format!("key-{number:03}"), "").await;
        settle().await;
    }
    assert!(node.store.router.len() >= 3, "{} regions", node.store.router.len());
}

#[actix_rt::test]
async fn pessimistic_locks_move_with_their_keys() {
    let node = Node::start(StoreOptions::default()).await;
    let holder = node.ts().await;
    for key in ["a", "z"] {
        node.send(key.as_bytes(), lock(key, holder, WaitPolicy::NoWait)).await.unwrap();
    }
    split(&node, &["m"]).await;
    settle().await;
    let other = node.ts().await;
    for key in ["a", "z"] {
        let reply = node.send(key.as_bytes(), lock(key, other, WaitPolicy::NoWait)).await;
        assert!(reply.is_err(), "{key} is still locked: {reply:?}");
        let reply = node.send(key.as_bytes(), unlock(key, holder)).await;
        assert_eq!(reply, Ok(KvResponse::Done));
        node.send(key.as_bytes(), lock(key, other, WaitPolicy::NoWait)).await.unwrap();
    }
}
