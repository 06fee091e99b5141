//! Pessimistic locks: who waits, who is told what, and who gives up.

use super::*;
use crate::common::errno;

#[tokio::test(start_paused = true)]
async fn a_waiter_goes_on_when_the_holder_ends() {
    let (cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1")]).await;
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["a", "z"], 0).await.unwrap();
    let waiter = begin(&client, PESSIMISTIC).await;
    let waiting = tokio::spawn({
        let waiter = Arc::clone(&waiter);
        async move { lock(&waiter, &["a"], 10_000).await }
    });
    settle().await;
    assert!(!waiting.is_finished());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(client.lock_waits().waits, 0, "it is counted when it is over");
    holder.rollback().await.unwrap();
    waiting.await.unwrap().unwrap();
    let waits = client.lock_waits();
    assert_eq!(waits.waits, 1);
    assert!(waits.total >= Duration::from_secs(1) && waits.longest == waits.total, "{waits:?}");
    waiter.put(key("a"), key("2"));
    waiter.commit().await.unwrap();
    assert_eq!(now(&client, "a").await.as_deref(), Some("2"));
    assert_eq!(cluster.lock_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_1205_and_nowait_with_3572() {
    let (_cluster, client) = cluster(&[]);
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["a"], 0).await.unwrap();
    let other = begin(&client, PESSIMISTIC).await;
    let began = tokio::time::Instant::now();
    assert_eq!(lock(&other, &["a"], 0).await.unwrap_err().code, 3572);
    assert_eq!(began.elapsed(), Duration::ZERO);
    // Longer than a lock's ttl: the holder must be kept alive meanwhile.
    let keeper = tokio::spawn({
        let client = client.clone();
        async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                client.keep_alive().await;
            }
        }
    });
    let error = lock(&other, &["b", "a"], 8_000).await.unwrap_err();
    keeper.abort();
    assert_eq!(error.code, errno::LOCK_WAIT_TIMEOUT);
    assert_eq!(error.message, "Lock wait timeout exceeded; try restarting transaction");
    let waited = began.elapsed().as_millis();
    assert!((8_000..9_000).contains(&waited), "{waited}");
    let waits = client.lock_waits();
    assert_eq!((waits.waits, waits.longest.as_secs()), (1, 8), "NOWAIT is no wait");
    lock(&holder, &["b"], 0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_two_that_wait_for_each_other_one_is_told() {
    let (_cluster, client) = cluster(&["m"]);
    let (one, two) = (begin(&client, PESSIMISTIC).await, begin(&client, PESSIMISTIC).await);
    lock(&one, &["a"], 0).await.unwrap();
    lock(&two, &["z"], 0).await.unwrap();
    let waiting = tokio::spawn({
        let one = Arc::clone(&one);
        async move { lock(&one, &["z"], 50_000).await }
    });
    settle().await;
    let error = lock(&two, &["a"], 50_000).await.unwrap_err();
    assert_eq!(error.code, errno::LOCK_DEADLOCK);
    let text = "Deadlock found when trying to get lock; try restarting transaction";
    assert_eq!(error.message, text);
    two.rollback().await.unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_newer_commit_asks_for_a_newer_read() {
    let (_cluster, client) = cluster(&[]);
    let txn = begin(&client, PESSIMISTIC).await;
    put_all(&client, &[("a", "2")]).await;
    assert_eq!(lock(&txn, &["a"], 0).await.unwrap_err().code, errno::WRITE_CONFLICT);
    txn.use_current_read().await.unwrap();
    let options = LockOptions { wait: Duration::ZERO, return_values: true, keep_missing: true };
    let keys = vec![key("b"), key("a"), key("a")];
    let values = txn.lock_keys(keys, options).await.unwrap();
    assert_eq!(values, [None, Some(key("2")), Some(key("2"))]);
    txn.put(key("a"), key("3"));
    let values = txn.lock_keys(vec![key("a"), key("b")], options).await.unwrap();
    assert_eq!(values, [Some(key("3")), None], "own writes, and keys locked before");
    txn.commit().await.unwrap();
    assert_eq!(now(&client, "a").await.as_deref(), Some("3"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_locking_keeps_nothing_of_itself() {
    let (cluster, client) = cluster(&["m"]);
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["z"], 0).await.unwrap();
    let txn = begin(&client, PESSIMISTIC).await;
    lock(&txn, &["b"], 0).await.unwrap();
    assert!(lock(&txn, &["a", "z"], 0).await.is_err());
    lock(&holder, &["a"], 0).await.unwrap();
    assert!(lock(&holder, &["b"], 0).await.is_err(), "an earlier statement's lock stays");
    holder.rollback().await.unwrap();
    txn.rollback().await.unwrap();
    assert_eq!(cluster.lock_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_transaction_gives_its_locks_up() {
    let (cluster, client) = cluster(&["m"]);
    let txn = begin(&client, PESSIMISTIC).await;
    lock(&txn, &["a", "z"], 0).await.unwrap();
    assert_eq!(cluster.lock_count(), 2);
    assert_eq!(client.oldest_live(), Some(txn.start_ts()));
    drop(txn);
    settle().await;
    assert_eq!(cluster.lock_count(), 0);
    assert_eq!(client.oldest_live(), None);
}

#[tokio::test(start_paused = true)]
async fn a_locking_cancelled_half_way_is_cleaned_up() {
    let (cluster, client) = cluster(&["m"]);
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["z"], 0).await.unwrap();
    let txn = begin(&client, PESSIMISTIC).await;
    let cancelled =
        tokio::time::timeout(Duration::from_millis(500), lock(&txn, &["a", "z"], 10_000)).await;
    assert!(cancelled.is_err());
    txn.rollback().await.unwrap();
    holder.rollback().await.unwrap();
    settle().await;
    assert_eq!(cluster.lock_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn readers_do_not_wait_for_pessimistic_locks() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1")]).await;
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["a"], 0).await.unwrap();
    holder.put(key("a"), key("2"));
    assert_eq!(now(&client, "a").await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn counters_under_locks_lose_nothing() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("n", "0")]).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    let txn = begin(&client, PESSIMISTIC).await;
                    loop {
                        txn.begin_statement();
                        txn.use_current_read().await.unwrap();
                        match lock(&txn, &["n"], 60_000).await {
                            Ok(()) => break,
                            Err(error) => assert_eq!(error.code, errno::WRITE_CONFLICT),
                        }
                    }
                    let number: u64 = get(&txn, "n").await.unwrap().parse().unwrap();
                    txn.put(key("n"), key(&(number + 1).to_string()));
                    txn.commit().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(now(&client, "n").await.as_deref(), Some("80"));
}
