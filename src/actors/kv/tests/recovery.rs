//! What others do about the locks of a client that vanished.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::common::errno;

/// Commits over two regions with a client whose every request after the first `prewrites` prewrites is lost: it vanishes.
async fn vanish(
    cluster: &Arc<MemoryCluster>,
    options: ClientOptions,
    prewrites: usize,
    commits: usize,
) {
    let client =
        cluster.client(ClientOptions { request_timeout: Duration::from_millis(50), ..options });
    let (mut prewrites, mut commits) = (prewrites, commits);
    cluster.set_faults(Some(Box::new(move |request| {
        let left = match request {
            KvRequest::Prewrite(_) => &mut prewrites,
            KvRequest::Commit(_) => &mut commits,
            _ => return Fault::Lose,
        };
        if *left == 0 {
            return Fault::Lose;
        }
        *left -= 1;
        Fault::None
    })));
    let txn = begin(&client, OPTIMISTIC).await;
    txn.put(key("a"), key("2"));
    txn.put(key("z"), key("2"));
    drop(txn.commit().await);
    tokio::time::sleep(Duration::from_millis(200)).await;
    cluster.set_faults(None);
}

async fn values(client: &Client) -> (Option<String>, Option<String>) {
    (now(client, "a").await, now(client, "z").await)
}

fn both(value: &str) -> (Option<String>, Option<String>) {
    (Some(value.into()), Some(value.into()))
}

#[tokio::test(start_paused = true)]
async fn half_of_a_prewrite_is_rolled_back_after_its_ttl() {
    for options in [two_phases(), ClientOptions::default()] {
        let (cluster, client) = cluster(&["m"]);
        put_all(&client, &[("a", "1"), ("z", "1")]).await;
        settle().await;
        vanish(&cluster, options, 1, 0).await;
        assert_eq!(cluster.lock_count(), 1);
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(values(&client).await, both("1"));
        put_all(&client, &[("a", "3"), ("z", "3")]).await;
        assert_eq!(values(&client).await, both("3"));
        settle().await;
        assert_eq!(cluster.lock_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_prewrite_without_a_commit_is_rolled_back() {
    let (cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1"), ("z", "1")]).await;
    settle().await;
    vanish(&cluster, two_phases(), 2, 0).await;
    assert_eq!(cluster.lock_count(), 2);
    // Until then a commit over both regions gives way: the other might be committing still.
    tokio::time::sleep(ClientOptions::default().lock_ttl).await;
    put_all(&client, &[("a", "3"), ("z", "3")]).await;
    assert_eq!(values(&client).await, both("3"));
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_the_primary_commits_everything() {
    let (cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1"), ("z", "1")]).await;
    settle().await;
    vanish(&cluster, two_phases(), 2, 1).await;
    assert_eq!(cluster.lock_count(), 1);
    // Readers take the lock for the record; it becomes one behind them.
    assert_eq!(values(&client).await, both("2"));
    settle().await;
    assert_eq!(cluster.lock_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_locks_of_an_async_commit_commit_it() {
    let (cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1"), ("z", "1")]).await;
    settle().await;
    vanish(&cluster, ClientOptions::default(), 2, 0).await;
    assert_eq!(cluster.lock_count(), 2);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(values(&client).await, both("2"));
    settle().await;
    assert_eq!(cluster.lock_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_passes_a_live_writer() {
    let (cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1"), ("z", "1")]).await;
    settle().await;
    let writer = cluster.client(two_phases());
    cluster.set_faults(failing(Fault::Delay(Duration::from_secs(1)), 1, is_commit));
    let txn = begin(&writer, OPTIMISTIC).await;
    txn.put(key("a"), key("2"));
    txn.put(key("z"), key("2"));
    let committing = tokio::spawn(async move { txn.commit().await });
    settle().await;
    assert_eq!(cluster.lock_count(), 2);
    let reader = begin(&client, OPTIMISTIC).await;
    let began = tokio::time::Instant::now();
    assert_eq!(get(&reader, "z").await.as_deref(), Some("1"));
    assert_eq!(began.elapsed(), Duration::ZERO, "the commit was pushed behind the reader");
    let commit_ts = committing.await.unwrap().unwrap().unwrap();
    assert!(commit_ts > reader.start_ts());
    assert_eq!(get(&reader, "a").await.as_deref(), Some("1"));
    settle().await;
    assert_eq!(values(&client).await, both("2"));
}

#[tokio::test(start_paused = true)]
async fn pessimistic_locks_of_a_vanished_client_expire() {
    let (cluster, client) = cluster(&["m"]);
    let gone = begin(&cluster.client(ClientOptions::default()), PESSIMISTIC).await;
    lock(&gone, &["a", "z"], 0).await.unwrap();
    let txn = begin(&client, PESSIMISTIC).await;
    assert!(lock(&txn, &["z"], 0).await.is_err());
    lock(&txn, &["z"], 10_000).await.unwrap();
    txn.put(key("z"), key("1"));
    txn.commit().await.unwrap();
    // It comes back, and finds that it lost its lock.
    gone.put(key("z"), key("2"));
    assert_eq!(gone.commit().await.unwrap_err().code, errno::WRITE_CONFLICT);
    assert_eq!(now(&client, "z").await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn live_transactions_keep_their_locks() {
    let (_cluster, client) = cluster(&[]);
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["a"], 0).await.unwrap();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.keep_alive().await;
    }
    let other = begin(&client, PESSIMISTIC).await;
    assert!(lock(&other, &["a"], 0).await.is_err());
    holder.put(key("a"), key("1"));
    holder.commit().await.unwrap();
    assert_eq!(now(&client, "a").await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_large_transaction_is_resolved_key_by_key_at_first() {
    let (cluster, client) = cluster(&["m"]);
    let names: Vec<String> = (10..50).map(|number| format!("n{number}")).collect();
    let gone = cluster.client(two_phases());
    let txn = begin(&gone, OPTIMISTIC).await;
    txn.put(key("a"), key("1"));
    names.iter().for_each(|name| txn.put(key(name), key("1")));
    // The primary commits; what comes behind does not arrive.
    let mut commits = 0;
    cluster.set_faults(Some(Box::new(move |request| match request {
        KvRequest::Commit(_) => {
            commits += 1;
            if commits == 1 { Fault::None } else { Fault::Lose }
        }
        _ => Fault::None,
    })));
    txn.commit().await.unwrap();
    assert_eq!(cluster.lock_count(), 40);
    for (met, name) in (1..).zip(&names) {
        assert_eq!(now(&client, name).await.as_deref(), Some("1"));
        settle().await;
        let left = if met < 16 { 40 - met } else { 0 };
        assert_eq!(cluster.lock_count(), left);
    }
}

/// A large transaction whose locks every reader meets has them settled region by region, by one reader at a time.
#[tokio::test(start_paused = true)]
async fn many_readers_settle_a_large_transaction_once() {
    let (cluster, client) = cluster(&["m"]);
    let vanishing = cluster
        .client(ClientOptions { request_timeout: Duration::from_millis(50), ..two_phases() });
    let mut primary = true;
    cluster.set_faults(Some(Box::new(move |request| match request {
        KvRequest::Prewrite(_) => Fault::None,
        KvRequest::Commit(_) if std::mem::take(&mut primary) => Fault::None,
        _ => Fault::Lose,
    })));
    let txn = begin(&vanishing, OPTIMISTIC).await;
    let keys: Vec<Bytes> = (0..200).map(|number| Bytes::from(format!("k{number:03}"))).collect();
    for key in &keys {
        txn.put(key.clone(), key.clone());
    }
    txn.put(key("z"), key("1"));
    txn.commit().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let left = cluster.lock_count();
    assert!(left >= 100, "{left}");

    let whole_regions = Arc::new(AtomicUsize::new(0));
    let counted = whole_regions.clone();
    cluster.set_faults(Some(Box::new(move |request| match request {
        KvRequest::ResolveLock { keys, .. } if keys.is_empty() => {
            counted.fetch_add(1, Ordering::Relaxed);
            Fault::Delay(Duration::from_secs(1))
        }
        _ => Fault::None,
    })));
    for key in &keys {
        let txn = begin(&client, TxnOptions::default()).await;
        assert_eq!(txn.get(key.clone()).await.unwrap().as_ref(), Some(key));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(whole_regions.load(Ordering::Relaxed), 1, "one region, and one who settles it");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(cluster.lock_count() <= 1, "all that is left is in the other region");
}
