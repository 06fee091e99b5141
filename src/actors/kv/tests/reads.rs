//! Snapshots, scans and savepoints.

use futures::FutureExt;

use super::*;

fn range(start: &str, end: &str) -> ScanOptions {
    ScanOptions { start: key(start), end: key(end), ..ScanOptions::default() }
}

fn reverse(options: ScanOptions) -> ScanOptions {
    ScanOptions { reverse: true, ..options }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_stays_as_it_was() {
    let (_cluster, client) = cluster(&["m"]);
    put_all(&client, &[("a", "1"), ("z", "1")]).await;
    let txn = begin(&client, OPTIMISTIC).await;
    let past = client.timestamp().await.unwrap();
    put_all(&client, &[("a", "2"), ("z", "2"), ("b", "2")]).await;
    assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
    let many = txn.batch_get(vec![key("z"), key("b"), key("a")]).await.unwrap();
    assert_eq!(many, [Some(key("1")), None, Some(key("1"))]);
    assert_eq!(scan(&txn, range("", "")).await, "a=1 z=1");
    let snapshot = client.snapshot(past).await.unwrap();
    assert_eq!(scan(&snapshot, range("", "")).await, "a=1 z=1");
    assert_eq!(scan(&begin(&client, LATEST).await, range("", "")).await, "a=2 b=2 z=2");
}

#[tokio::test(start_paused = true)]
async fn read_committed_sees_a_fresh_snapshot_each_statement() {
    let (_cluster, client) = cluster(&[]);
    let txn =
        begin(&client, TxnOptions { isolation: Isolation::ReadCommitted, ..PESSIMISTIC }).await;
    assert_eq!(get(&txn, "a").await, None);
    put_all(&client, &[("a", "1")]).await;
    assert_eq!(get(&txn, "a").await, None, "the same statement, the same snapshot");
    txn.begin_statement();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_current_read_lasts_for_a_statement() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1")]).await;
    let txn = begin(&client, PESSIMISTIC).await;
    put_all(&client, &[("a", "2")]).await;
    txn.begin_statement();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
    txn.begin_statement();
    txn.use_current_read().await.unwrap();
    assert!(txn.for_update_ts() > txn.start_ts());
    assert_eq!(get(&txn, "a").await.as_deref(), Some("2"));
    txn.begin_statement();
    assert_eq!(get(&txn, "a").await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn scans_merge_own_writes_in_both_directions() {
    let (_cluster, client) = cluster(&["c", "e"]);
    put_all(&client, &[("a", "1"), ("b", "1"), ("d", "1"), ("e", "1"), ("g", "1")]).await;
    let txn = begin(&client, OPTIMISTIC).await;
    txn.put(key("b"), key("2"));
    txn.delete(key("d"));
    txn.put(key("f"), key("2"));
    txn.insert(key("h"), key("2"));
    assert_eq!(scan(&txn, range("", "")).await, "a=1 b=2 e=1 f=2 g=1 h=2");
    assert_eq!(scan(&txn, reverse(range("", ""))).await, "h=2 g=1 f=2 e=1 b=2 a=1");
    assert_eq!(scan(&txn, range("b", "f")).await, "b=2 e=1");
    assert_eq!(scan(&txn, reverse(range("b", "f"))).await, "e=1 b=2");
    assert_eq!(scan(&txn, range("x", "")).await, "");
    assert_eq!(scan(&txn, range("f", "b")).await, "");
    let first = ScanOptions { limit: Some(2), ..range("b", "") };
    assert_eq!(scan(&txn, first).await, "b=2 e=1");
    let last = ScanOptions { limit: Some(1), ..reverse(range("", "h")) };
    assert_eq!(scan(&txn, last).await, "g=1");
    let keys = ScanOptions { key_only: true, ..range("e", "g") };
    assert_eq!(scan(&txn, keys).await, "e= f=");
}

#[tokio::test(start_paused = true)]
async fn a_long_scan_survives_splits() {
    let (cluster, client) = cluster(&[]);
    let names: Vec<String> = (0..3000).map(|number| format!("k{number:04}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    put_all(&client, &pairs).await;
    for reverse in [false, true] {
        let txn = begin(&client, OPTIMISTIC).await;
        let mut scanner = txn.scan(ScanOptions { reverse, ..range("", "") }).await.unwrap();
        let mut found = Vec::new();
        loop {
            let batch = scanner.next_batch().await.unwrap();
            if batch.is_empty() {
                break;
            }
            found.extend(
                batch.into_iter().map(|pair| String::from_utf8_lossy(&pair.key).into_owned()),
            );
            let split = format!("k{:04}", (found.len() * 7) % 3000);
            cluster.split(&[split.as_bytes()]);
        }
        if reverse {
            found.reverse();
        }
        assert_eq!(found, names);
    }
    assert!(cluster.region_count() > 4);
}

#[tokio::test(start_paused = true)]
async fn a_statement_is_undone_without_its_transaction() {
    let (_cluster, client) = cluster(&[]);
    let txn = begin(&client, PESSIMISTIC).await;
    txn.put(key("a"), key("1"));
    let savepoint = txn.begin_statement();
    txn.put(key("a"), key("2"));
    lock(&txn, &["b"], 0).await.unwrap();
    txn.put(key("b"), key("2"));
    txn.rollback_to(savepoint);
    assert_eq!(txn.buffered(b"a"), Some(Some(key("1"))));
    assert_eq!(txn.buffered(b"b"), None);
    let other = begin(&client, PESSIMISTIC).await;
    assert!(lock(&other, &["b"], 0).await.is_err(), "the lock stays");
    txn.commit().await.unwrap();
    assert_eq!(now(&client, "a").await.as_deref(), Some("1"));
    assert_eq!(now(&client, "b").await, None);
    other.use_current_read().await.unwrap();
    lock(&other, &["b"], 0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_local_read_does_not_wait() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1")]).await;
    for options in [OPTIMISTIC, LATEST] {
        let txn = begin(&client, options).await;
        let value = txn.get(key("a")).now_or_never();
        assert_eq!(value.expect("done at the first poll").unwrap(), Some(key("1")));
    }
}

#[tokio::test(start_paused = true)]
async fn large_values_come_a_few_at_a_time() {
    let (cluster, _) = cluster(&["k03"]);
    let client =
        cluster.client(ClientOptions { entry_size_limit: 16 << 20, ..ClientOptions::default() });
    let sizes = [100, 5 << 20, 9 << 20, 10, 3 << 20, 3 << 20, 20];
    let name = |at: usize| key(&format!("k{at:02}"));
    let value = |at: usize| Bytes::from(vec![at as u8; sizes[at]]);
    let all = || (0..sizes.len()).map(name).collect::<Vec<_>>();
    let txn = begin(&client, OPTIMISTIC).await;
    for at in 0..sizes.len() {
        txn.put(name(at), value(at));
    }
    txn.commit().await.unwrap();
    let whole = |values: &[Option<Bytes>]| {
        assert_eq!(values.len(), sizes.len());
        assert!(values.iter().enumerate().all(|(at, found)| *found == Some(value(at))));
    };
    let txn = begin(&client, PESSIMISTIC).await;
    whole(&txn.batch_get(all()).await.unwrap());
    let options = LockOptions { wait: Duration::ZERO, return_values: true, keep_missing: true };
    whole(&txn.lock_keys(all(), options).await.unwrap());
    for reverse in [false, true] {
        let options = ScanOptions { reverse, ..range("", "") };
        let mut scanner = txn.scan(options).await.unwrap();
        let mut values = Vec::new();
        loop {
            let batch = scanner.next_batch().await.unwrap();
            if batch.is_empty() {
                break;
            }
            let bytes: usize = batch.iter().map(|pair| pair.value.len()).sum();
            assert!(bytes < (4 + 9) << 20, "{bytes} at once");
            values.extend(batch.into_iter().map(|pair| Some(pair.value)));
        }
        if reverse {
            values.reverse();
        }
        whole(&values);
    }
}

/// Regions with little in them are asked together, which must not be seen in what comes.
#[tokio::test(start_paused = true)]
async fn a_scan_of_many_regions_is_in_order() {
    let cuts: Vec<String> = (0..60).map(|region| format!("{region:02}")).collect();
    let (cluster, client) = cluster(&cuts.iter().map(String::as_str).collect::<Vec<_>>());
    // Most regions have a row or none, some more than come in one answer.
    let rows = |region: usize| match region {
        20 | 41 => 1500,
        other => other % 2,
    };
    let names: Vec<String> = (0..60)
        .flat_map(|region| (0..rows(region)).map(move |row| format!("{region:02}-{row:04}")))
        .collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    put_all(&client, &pairs).await;
    cluster.split(&[b"05-5", b"41-07"]);
    let txn = begin(&client, OPTIMISTIC).await;
    let joined = |names: &[String]| {
        names.iter().map(|name| format!("{name}=1")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(scan(&txn, range("", "")).await, joined(&names));
    let backward: Vec<String> = names.iter().rev().cloned().collect();
    assert_eq!(scan(&txn, reverse(range("", ""))).await, joined(&backward));
    let some: Vec<String> =
        names.iter().filter(|name| ("07".."50").contains(&name.as_str())).cloned().collect();
    assert_eq!(scan(&txn, range("07", "50")).await, joined(&some));
    let first = ScanOptions { limit: Some(7), ..range("07", "50") };
    assert_eq!(scan(&txn, first).await, joined(&some[..7]));
}

#[tokio::test(start_paused = true)]
async fn reads_follow_regions_that_moved() {
    let (cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1"), ("z", "1")]).await;
    cluster.split(&[b"m"]);
    let txn = begin(&client, OPTIMISTIC).await;
    assert_eq!(get(&txn, "z").await.as_deref(), Some("1"));
    cluster.split(&[b"c", b"x"]);
    let many = txn.batch_get(vec![key("a"), key("z")]).await.unwrap();
    assert_eq!(many, [Some(key("1")), Some(key("1"))]);
}

#[tokio::test(start_paused = true)]
async fn splits_and_removes_ranges() {
    let (cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1"), ("g", "1"), ("p", "1"), ("z", "1")]).await;
    let made = client.split_at(vec![key("m"), key("c"), key("m")]).await.unwrap();
    assert_eq!((made, cluster.region_count()), (2, 3));
    assert_eq!(client.split_at(vec![key("c")]).await.unwrap(), 0, "a region starts there");
    client.delete_range(key("b"), key("q")).await.unwrap();
    let txn = begin(&client, OPTIMISTIC).await;
    assert_eq!(scan(&txn, range("", "")).await, "a=1 z=1");
    client.delete_range(key("b"), Bytes::new()).await.unwrap();
    let txn = begin(&client, OPTIMISTIC).await;
    assert_eq!(scan(&txn, range("", "")).await, "a=1");
}
