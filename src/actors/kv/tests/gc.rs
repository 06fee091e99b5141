//! The safe point, and what must be out of its way.

use super::*;
use crate::actors::kv::keeper::KvKeeper;
use crate::actors::pd::PdClient;
use crate::actors::runtime::System;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn the_safe_point_follows_ten_minutes_behind_and_waits_for_readers() {
    let (cluster, client) = cluster(&["m"]);
    let reader = begin(&client, OPTIMISTIC).await;
    tokio::time::sleep(30 * MINUTE).await;
    let held = client.move_safe_point("node-1").await.unwrap();
    assert_eq!(held, Some(reader.start_ts()));
    drop(reader);
    let moved = client.move_safe_point("node-1").await.unwrap().unwrap();
    assert_eq!(cluster.gc_safe_point().await.unwrap(), moved);
    let behind = client.timestamp().await.unwrap().physical_ms() - moved.physical_ms();
    assert_eq!(Duration::from_millis(behind), 10 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn one_process_moves_it_and_every_process_holds_it() {
    let (cluster, client) = cluster(&[]);
    let other = cluster.client(ClientOptions::default());
    cluster.campaign("gc-leader", "node-1", 60 * MINUTE).await.unwrap();
    let reader = begin(&other, OPTIMISTIC).await;
    tokio::time::sleep(30 * MINUTE).await;
    assert_eq!(other.move_safe_point("node-2").await.unwrap(), None);
    let held = client.move_safe_point("node-1").await.unwrap();
    assert_eq!(held, Some(reader.start_ts()));
    drop(reader);
    assert_eq!(other.move_safe_point("node-2").await.unwrap(), None);
    assert!(client.move_safe_point("node-1").await.unwrap() > held);
}

#[tokio::test(start_paused = true)]
async fn old_locks_are_resolved_before_it_moves() {
    let (cluster, client) = cluster(&["m"]);
    let writer = cluster
        .client(ClientOptions { request_timeout: Duration::from_millis(50), ..two_phases() });
    cluster.set_faults(failing(Fault::Lose, usize::MAX, is_commit));
    let txn = begin(&writer, OPTIMISTIC).await;
    txn.put(key("a"), key("1"));
    txn.put(key("z"), key("1"));
    assert!(txn.commit().await.is_err());
    cluster.set_faults(None);
    assert_eq!(cluster.lock_count(), 2);
    drop(txn);
    tokio::time::sleep(30 * MINUTE).await;
    client.move_safe_point("node-1").await.unwrap();
    assert_eq!(cluster.lock_count(), 0);
    assert_eq!(now(&client, "a").await, None);
}

#[actix_rt::test]
async fn the_keeper_keeps_locks_alive() {
    tokio::time::pause();
    let system = System::for_test();
    let (_cluster, client) = cluster(&[]);
    let keeper = KvKeeper::start(&system, client.clone());
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["a"], 0).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let other = begin(&client, PESSIMISTIC).await;
    assert!(lock(&other, &["a"], 0).await.is_err());
    let observed = system.actor(keeper.path().to_string()).await.unwrap().observed.unwrap();
    assert!(observed["beats"].as_u64().unwrap() >= 29, "{observed}");
    assert_eq!(observed["live_transactions"], 2);
}
