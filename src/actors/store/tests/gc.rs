//! Collecting garbage.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::harness::*;
use crate::actors::pd::PdClient;
use crate::actors::store::StoreOptions;
use crate::storage::engine::{Cf, IterOptions, Reader};

const SECOND: Duration = Duration::from_secs(1);

fn options() -> StoreOptions {
    StoreOptions { gc_interval: SECOND, ..StoreOptions::default() }
}

/// How many versions the store has, of all keys.
fn versions(node: &Node) -> usize {
    let mut cursor = node.kv.cursor(Cf::Write, IterOptions::default()).unwrap();
    cursor.seek_to_first().unwrap();
    let mut count = 0;
    while cursor.valid() {
        count += 1;
        cursor.next().unwrap();
    }
    count
}

/// Moves the safe point to now, and lets a round pass.
async fn collect(node: &Node) {
    let now = node.ts().await;
    node.pd.advance_gc_safe_point(now).await.unwrap();
    tokio::time::sleep(3 * SECOND).await;
}

#[actix_rt::test]
async fn versions_nobody_can_see_go() {
    let node = Node::start(options()).await;
    for round in 0..3 {
        for key in 0..500 {
            node.put(&format!("{key:03}"), &format!("{round}")).await;
        }
    }
    assert_eq!(versions(&node), 1500);
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(versions(&node), 1500, "the safe point has not moved");
    collect(&node).await;
    assert_eq!(versions(&node), 500);
    let now = node.ts().await;
    assert_eq!(node.get("499", now), Ok(Some("2".to_owned())));
}

#[actix_rt::test]
async fn a_region_without_garbage_is_not_written_to_and_not_read_twice() {
    let node = Node::start(options()).await;
    for key in 0..10 {
        node.put(&format!("{key}"), "only").await;
    }
    let applied = || node.store.router.statuses()[0].applied;
    let before = applied();
    collect(&node).await;
    // Whoever reads from now on meets a bug.
    node.kv.panics_in_reads.store(true, Ordering::SeqCst);
    collect(&node).await;
    assert_eq!(applied(), before);
    node.kv.panics_in_reads.store(false, Ordering::SeqCst);
    assert!(node.aborts.lock().is_empty(), "nobody did: {:?}", node.aborts.lock());

    node.put("5", "a second").await;
    collect(&node).await;
    assert_eq!(versions(&node), 10, "it is looked at again when it was written to");
}
