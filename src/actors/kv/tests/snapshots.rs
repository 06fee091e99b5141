//! When a transaction takes its snapshot, and what its limits are.

use super::*;
use crate::common::errno;

const READ_COMMITTED: TxnOptions =
    TxnOptions { isolation: Isolation::ReadCommitted, ..PESSIMISTIC };

/// A key that the first statement locks and writes.
async fn write_first(client: &Client, options: TxnOptions) -> Arc<dyn Transaction> {
    let txn = begin(client, options).await;
    txn.begin_statement();
    lock(&txn, &["mine"], 0).await.unwrap();
    txn.put(key("mine"), key("new"));
    txn
}

#[tokio::test(start_paused = true)]
async fn the_first_read_without_locks_takes_it() {
    let (_cluster, client) = cluster(&["b"]);
    put_all(&client, &[("a", "1"), ("c", "1")]).await;
    let txn = write_first(&client, PESSIMISTIC).await;
    assert!(!txn.has_snapshot());
    put_all(&client, &[("a", "2"), ("c", "2")]).await;
    txn.begin_statement();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("2"));
    assert!(txn.has_snapshot());
    put_all(&client, &[("a", "3"), ("c", "3")]).await;
    txn.begin_statement();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("2"), "from then on it stands");
    assert_eq!(scan(&txn, ScanOptions::default()).await, "a=2 c=2 mine=new");
    txn.commit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_is_that_of_the_start_where_that_was_asked_for_or_is_needed() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1")]).await;
    let from_start = TxnOptions { snapshot_at_start: true, ..PESSIMISTIC };
    for options in [from_start, OPTIMISTIC] {
        let txn = write_first(&client, options).await;
        put_all(&client, &[("a", "2")]).await;
        txn.begin_statement();
        assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
        txn.rollback().await.unwrap();
        put_all(&client, &[("a", "1")]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_locks_does_not_take_it() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1")]).await;
    let txn = begin(&client, PESSIMISTIC).await;
    txn.begin_statement();
    txn.use_locked_read();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
    txn.use_current_read().await.unwrap();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
    put_all(&client, &[("a", "2")]).await;
    txn.begin_statement();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn read_committed_keeps_no_lock_on_a_key_that_is_not_there() {
    let (cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1")]).await;
    let reads = LockOptions { wait: Duration::ZERO, return_values: true, keep_missing: false };
    let keys = |names: &[&str]| names.iter().map(|name| key(name)).collect::<Vec<_>>();
    for (options, kept) in [(READ_COMMITTED, 0), (PESSIMISTIC, 1)] {
        let txn = begin(&client, options).await;
        assert_eq!(txn.lock_keys(keys(&["z"]), reads).await.unwrap(), [None]);
        assert_eq!(cluster.lock_count(), kept);
        // What is there stays locked, and keeps the transaction alive.
        let values = txn.lock_keys(keys(&["a", "y"]), reads).await.unwrap();
        assert_eq!(values, [Some(key("1")), None]);
        assert_eq!(cluster.lock_count(), 1 + 2 * kept);
        let other = begin(&client, PESSIMISTIC).await;
        assert_eq!(lock(&other, &["a"], 0).await.unwrap_err().code, 3572);
        assert_eq!(lock(&other, &["y"], 0).await.is_ok(), kept == 0);
        other.rollback().await.unwrap();
        txn.put(key("a"), key("1"));
        txn.commit().await.unwrap();
        settle().await;
        assert_eq!(cluster.lock_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_told_at_once_and_again_at_the_commit() {
    let (cluster, _) = cluster(&[]);
    let client = cluster.client(ClientOptions {
        entry_size_limit: 100,
        total_size_limit: 400,
        ..ClientOptions::default()
    });
    let value = |bytes: usize| Bytes::from(vec![b'v'; bytes]);
    let txn = begin(&client, OPTIMISTIC).await;
    let mark = txn.begin_statement();
    txn.put(key("a"), value(100));
    let error = txn.check_size().unwrap_err();
    assert_eq!(error.code, errno::ENTRY_TOO_LARGE);
    assert_eq!(
        error.message,
        "entry too large, the max entry size is 100, the size of data is 101"
    );
    txn.rollback_to(mark);
    txn.check_size().unwrap();
    // What a row was before counts as long as it may have to be that again.
    for _ in 0..4 {
        txn.put(key("a"), value(98));
    }
    txn.check_size().unwrap();
    txn.put(key("a"), value(98));
    let error = txn.check_size().unwrap_err();
    assert_eq!((error.code, &*error.message), (8004, "Transaction is too large, size: 495"));
    assert_eq!(txn.commit().await.unwrap_err().code, errno::TXN_TOO_LARGE);
    assert_eq!(now(&client, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_large_commit_that_nobody_waits_for_goes_on() {
    let (cluster, client) = cluster(&["k10", "k20"]);
    let txn = begin(&client, PESSIMISTIC).await;
    let names: Vec<String> = (10..40).map(|number| format!("k{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    lock(&txn, &names, 0).await.unwrap();
    for name in &names {
        txn.put(key(name), key("1"));
    }
    cluster.set_faults(failing(Fault::Delay(Duration::from_millis(50)), 2, is_prewrite));
    let cancelled = tokio::time::timeout(Duration::from_millis(10), txn.commit()).await;
    assert!(cancelled.is_err());
    drop(txn);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(cluster.lock_count(), 0);
    assert_eq!(now(&client, "k39").await.as_deref(), Some("1"));
    assert_eq!(client.oldest_live(), None);
}
