//! Commits that meet other transactions' locks: they wait for nobody who may be waiting for them.

use super::*;
use crate::common::errno;

/// Nothing here may take as long as a lock's life or a request's.
const AT_ONCE: Duration = Duration::from_millis(100);

async fn writing(client: &Client, options: TxnOptions, names: &[&str]) -> Arc<dyn Transaction> {
    let txn = begin(client, options).await;
    for name in names {
        txn.put(key(name), key("new"));
    }
    txn
}

/// Delays the prewrites of a transaction in the region of a key.
fn slowly(delays: Vec<(u64, &'static str)>) -> Option<Faults> {
    Some(Box::new(move |request| match request {
        KvRequest::Prewrite(prewrite) => {
            let is_met = |(start_ts, name): &&(u64, &str)| {
                prewrite.start_ts.0 == *start_ts
                    && prewrite.mutations.iter().any(|mutation| mutation.key == name.as_bytes())
            };
            match delays.iter().find(is_met) {
                Some(_) => Fault::Delay(Duration::from_millis(10)),
                None => Fault::None,
            }
        }
        _ => Fault::None,
    }))
}

#[tokio::test(start_paused = true)]
async fn an_optimistic_commit_over_regions_does_not_wait_for_a_pessimistic_lock() {
    let (cluster, client) = cluster(&["m"]);
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["z"], 0).await.unwrap();
    let began = tokio::time::Instant::now();
    let optimistic = writing(&client, OPTIMISTIC, &["a", "z"]).await;
    let error = optimistic.commit().await.unwrap_err();
    assert_eq!(error.code, errno::LOCK_DEADLOCK);
    lock(&holder, &["a"], 50_000).await.unwrap();
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    holder.put(key("a"), key("1"));
    holder.commit().await.unwrap();
    settle().await;
    assert_eq!(now(&client, "a").await.as_deref(), Some("1"));
    assert_eq!(cluster.lock_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn in_one_region_it_waits_as_it_holds_nothing() {
    let (_cluster, client) = cluster(&["m"]);
    let holder = begin(&client, PESSIMISTIC).await;
    lock(&holder, &["a"], 0).await.unwrap();
    let optimistic = writing(&client, OPTIMISTIC, &["a", "b"]).await;
    let commit = tokio::spawn(async move { optimistic.commit().await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!commit.is_finished());
    lock(&holder, &["b"], 50_000).await.unwrap();
    holder.rollback().await.unwrap();
    commit.await.unwrap().unwrap();
    assert_eq!(now(&client, "b").await.as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn of_two_optimistic_commits_that_cross_one_goes_through() {
    for phases in [ClientOptions::default(), two_phases()] {
        let (cluster, _) = cluster(&["m"]);
        let client = cluster.client(phases);
        let began = tokio::time::Instant::now();
        let older = writing(&client, OPTIMISTIC, &["a", "z"]).await;
        let younger = writing(&client, OPTIMISTIC, &["a", "z"]).await;
        let (first, second) = (older.start_ts().0, younger.start_ts().0);
        cluster.set_faults(slowly(vec![(first, "z"), (second, "a")]));
        let (older, younger) = tokio::join!(older.commit(), younger.commit());
        older.unwrap();
        assert_eq!(younger.unwrap_err().code, errno::LOCK_DEADLOCK);
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
        assert_eq!(now(&client, "a").await.as_deref(), Some("new"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pessimistic_commit_goes_before_an_optimistic_one() {
    let (cluster, client) = cluster(&["m"]);
    // "z" is like an entry of an index, which is protected by the lock on its row.
    let optimistic = writing(&client, OPTIMISTIC, &["a", "z"]).await;
    let pessimistic = writing(&client, PESSIMISTIC, &["a", "z"]).await;
    lock(&pessimistic, &["a"], 0).await.unwrap();
    cluster.set_faults(slowly(vec![(optimistic.start_ts().0, "a")]));
    let began = tokio::time::Instant::now();
    let (optimistic, pessimistic) = tokio::join!(optimistic.commit(), pessimistic.commit());
    pessimistic.unwrap();
    let error = optimistic.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}
