//! The three ways to commit, and what stops a commit.

use super::*;
use crate::actors::kv::call::Call;
use crate::common::errno;

/// Runs a transaction over `names` and answers which requests it took, as a word of letters.
async fn requests_of(cluster: &MemoryCluster, client: &Client, names: &[&str]) -> String {
    let seen = Arc::new(parking_lot::Mutex::new(String::new()));
    let log = Arc::clone(&seen);
    cluster.set_faults(Some(Box::new(move |request| {
        log.lock().push(match request {
            KvRequest::Prewrite(_) => 'p',
            KvRequest::Commit(_) => 'c',
            _ => '?',
        });
        Fault::None
    })));
    let txn = begin(client, OPTIMISTIC).await;
    for name in names {
        txn.put(key(name), key("v"));
    }
    assert!(txn.commit().await.unwrap().is_some());
    let at_answer = seen.lock().clone();
    settle().await;
    cluster.set_faults(None);
    let behind = seen.lock()[at_answer.len()..].to_string();
    assert_eq!(cluster.lock_count(), 0);
    format!("{at_answer}|{behind}")
}

#[tokio::test(start_paused = true)]
async fn one_region_commits_in_one_request() {
    let (cluster, client) = cluster(&["m"]);
    assert_eq!(requests_of(&cluster, &client, &["a", "b"]).await, "p|");
    assert_eq!(now(&client, "b").await.as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn few_keys_of_several_regions_commit_when_all_are_locked() {
    let (cluster, client) = cluster(&["m", "t"]);
    assert_eq!(requests_of(&cluster, &client, &["a", "n", "z"]).await, "ppp|ccc");
    assert_eq!(now(&client, "z").await.as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn many_keys_commit_with_their_primary() {
    let (cluster, _) = cluster(&["m"]);
    let client = cluster.client(two_phases());
    assert_eq!(requests_of(&cluster, &client, &["a", "n"]).await, "ppc|c");
    assert_eq!(now(&client, "n").await.as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn nothing_written_is_nothing_to_commit() {
    let (cluster, client) = cluster(&[]);
    let txn = begin(&client, PESSIMISTIC).await;
    assert_eq!(get(&txn, "a").await, None);
    assert_eq!(txn.commit().await.unwrap(), None);
    let txn = begin(&client, PESSIMISTIC).await;
    lock(&txn, &["a"], 0).await.unwrap();
    assert!(!txn.is_clean());
    assert_eq!(txn.commit().await.unwrap(), None);
    assert_eq!(cluster.lock_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_first_committer_wins() {
    let (cluster, client) = cluster(&["m"]);
    for names in [&["a"][..], &["a", "z"]] {
        let (first, second) = (begin(&client, OPTIMISTIC).await, begin(&client, OPTIMISTIC).await);
        for (txn, value) in [(&first, "1"), (&second, "2")] {
            names.iter().for_each(|name| txn.put(key(name), key(value)));
        }
        first.commit().await.unwrap();
        let error = second.commit().await.unwrap_err();
        assert_eq!(error.code, errno::WRITE_CONFLICT);
        let start = format!("Write conflict, txnStartTS={}", second.start_ts());
        assert!(error.message.starts_with(&start), "{}", error.message);
        assert_eq!(now(&client, "a").await.as_deref(), Some("1"));
        settle().await;
        assert_eq!(cluster.lock_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_insert_of_what_exists_is_a_duplicate() {
    let (cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1")]).await;
    for options in [OPTIMISTIC, PESSIMISTIC] {
        let txn = begin(&client, options).await;
        txn.insert(key("a"), key("2"));
        txn.put(key("z"), key("2"));
        let error = txn.commit().await.unwrap_err();
        // With the value that was to be written: what is there is another transaction's.
        let duplicate = crate::common::Fault::DuplicateKey { key: key("a"), value: key("2") };
        assert_eq!((error.code, error.fault()), (errno::DUP_ENTRY, Some(&duplicate)));
        settle().await;
        assert_eq!(cluster.lock_count(), 0);
        assert_eq!(now(&client, "z").await, None);
    }
    let txn = begin(&client, OPTIMISTIC).await;
    txn.delete(key("a"));
    txn.insert(key("a"), key("3"));
    txn.commit().await.unwrap();
    assert_eq!(now(&client, "a").await.as_deref(), Some("3"));
}

#[tokio::test(start_paused = true)]
async fn what_is_inserted_and_deleted_again_leaves_nothing() {
    let (cluster, client) = cluster(&[]);
    for options in [OPTIMISTIC, PESSIMISTIC] {
        let txn = begin(&client, options).await;
        txn.insert(key("a"), key("1"));
        txn.delete(key("a"));
        txn.commit().await.unwrap();
        assert_eq!(now(&client, "a").await, None);
        assert_eq!(cluster.lock_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_optimistic_lock_is_checked_at_commit() {
    let (_cluster, client) = cluster(&[]);
    let txn = begin(&client, OPTIMISTIC).await;
    lock(&txn, &["a"], 0).await.unwrap();
    txn.put(key("b"), key("1"));
    put_all(&client, &[("a", "2")]).await;
    assert_eq!(txn.commit().await.unwrap_err().code, errno::WRITE_CONFLICT);
}

#[tokio::test(start_paused = true)]
async fn a_region_may_split_under_a_commit() {
    let (cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "0")]).await;
    for options in [OPTIMISTIC, PESSIMISTIC] {
        let txn = begin(&client, options).await;
        for name in ["a", "g", "q", "z"] {
            if options.pessimistic {
                lock(&txn, &[name], 0).await.unwrap();
            }
            txn.put(key(name), key("1"));
        }
        let at: &[&[u8]] = if options.pessimistic { &[b"f", b"p"] } else { &[b"c", b"k"] };
        cluster.split(at);
        txn.commit().await.unwrap();
        settle().await;
        assert_eq!(cluster.lock_count(), 0);
        for name in ["a", "g", "q", "z"] {
            assert_eq!(now(&client, name).await.as_deref(), Some("1"));
        }
    }
    assert_eq!(cluster.region_count(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_large_transaction_goes_in_batches() {
    let cluster = MemoryCluster::new();
    let client = cluster.client(ClientOptions { batch_bytes: 4 << 10, ..ClientOptions::default() });
    let txn = begin(&client, PESSIMISTIC).await;
    for number in 0..2000 {
        txn.put(key(&format!("k{number:05}")), key("0123456789"));
    }
    txn.commit().await.unwrap();
    for _ in 0..20 {
        settle().await;
    }
    assert_eq!(cluster.lock_count(), 0);
    let all = scan(&begin(&client, OPTIMISTIC).await, ScanOptions::default()).await;
    assert_eq!(all.split(' ').count(), 2000);
}

#[tokio::test(start_paused = true)]
async fn what_takes_several_requests_is_cut_finer() {
    let (_cluster, client) = cluster(&["k01000"]);
    let sizes = async |keys: std::ops::Range<usize>| {
        let keys: Vec<Bytes> = keys.map(|number| key(&format!("k{number:05}"))).collect();
        let mut call = Call::write(&client);
        let groups = client.group(keys, &mut call.backoff).await.unwrap();
        groups.iter().map(|group| group.items.len()).collect::<Vec<usize>>()
    };
    assert_eq!(sizes(0..1000).await, [1000], "one request may commit in one phase");
    assert_eq!(sizes(0..1600).await, [512, 488, 512, 88]);
    assert_eq!(sizes(0..3).await, [3]);
    assert!(sizes(0..0).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_the_latest_does_not_write() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1")]).await;
    let txn = begin(&client, LATEST).await;
    assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
    assert!(lock(&txn, &["a"], 0).await.is_err());
    txn.put(key("a"), key("2"));
    assert!(txn.commit().await.is_err());
    assert_eq!(now(&client, "a").await.as_deref(), Some("1"));
}
