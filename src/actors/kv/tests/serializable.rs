//! SERIALIZABLE: what was read is as it was when the transaction commits.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::common::{Timestamp, errno};

const LOCKING: TxnOptions = TxnOptions { isolation: Isolation::Serializable, ..PESSIMISTIC };
const CHECKING: TxnOptions = TxnOptions { isolation: Isolation::Serializable, ..OPTIMISTIC };

fn range(start: &str, end: &str) -> ScanOptions {
    ScanOptions { start: key(start), end: key(end), ..ScanOptions::default() }
}

async fn write(txn: &Arc<dyn Transaction>, name: &str, value: &str) {
    txn.begin_statement();
    if txn.is_pessimistic() {
        txn.use_current_read().await.unwrap();
        lock(txn, &[name], 1000).await.unwrap();
    }
    txn.put(key(name), key(value));
}

fn code<T: std::fmt::Debug>(result: SqlResult<T>) -> u16 {
    result.unwrap_err().code
}

#[tokio::test(start_paused = true)]
async fn of_two_that_read_what_the_other_writes_one_commits() {
    for options in [LOCKING, CHECKING] {
        let (cluster, client) = cluster(&["b"]);
        put_all(&client, &[("a", "on"), ("b", "on")]).await;
        let (one, two) = (begin(&client, options).await, begin(&client, options).await);
        for txn in [&one, &two] {
            txn.begin_statement();
            assert_eq!(scan(txn, range("a", "c")).await, "a=on b=on");
        }
        write(&one, "a", "off").await;
        write(&two, "b", "off").await;
        one.commit().await.unwrap();
        assert_eq!(code(two.commit().await), errno::LOCK_DEADLOCK);
        settle().await;
        assert_eq!(cluster.lock_count(), 0);
        assert_eq!(now(&client, "b").await.as_deref(), Some("on"));
        // At the same time: never both.
        let (one, two) = (begin(&client, options).await, begin(&client, options).await);
        for (txn, reads, writes) in [(&one, "a", "b"), (&two, "b", "a")] {
            txn.begin_statement();
            get(txn, reads).await;
            write(txn, writes, "new").await;
        }
        let (first, second) = tokio::join!(one.commit(), two.commit());
        assert!(first.is_err() || second.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_come_and_go_in_what_was_read_are_seen() {
    for change in [("b5", Some("new")), ("b1", None), ("b1", Some("other"))] {
        for reverse in [false, true] {
            let (_cluster, client) = cluster(&["b3", "x"]);
            put_all(&client, &[("b1", "1"), ("b9", "1"), ("c", "1")]).await;
            let txn = begin(&client, LOCKING).await;
            txn.begin_statement();
            scan(&txn, ScanOptions { reverse, ..range("b", "c") }).await;
            write(&txn, "z", "mine").await;
            let other = begin(&client, OPTIMISTIC).await;
            match change {
                (name, Some(value)) => other.put(key(name), key(value)),
                (name, None) => other.delete(key(name)),
            }
            other.commit().await.unwrap();
            assert_eq!(code(txn.commit().await), errno::LOCK_DEADLOCK, "{change:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_read_may_change() {
    let (_cluster, client) = cluster(&["b3"]);
    put_all(&client, &[("b1", "1"), ("b5", "1"), ("b9", "1")]).await;
    for (options, left_alone) in
        [(range("b", "c"), "b7"), (ScanOptions { reverse: true, ..range("b", "c") }, "b3")]
    {
        let txn = begin(&client, LOCKING).await;
        txn.begin_statement();
        let mut scanner = txn.scan(ScanOptions { limit: Some(2), ..options }).await.unwrap();
        while !scanner.next_batch().await.unwrap().is_empty() {}
        get(&txn, "nothing").await;
        write(&txn, "z", "mine").await;
        // Written again by itself: its own locks and writes are not in its way.
        write(&txn, "b5", "mine").await;
        put_all(&client, &[(left_alone, "2"), ("c", "2")]).await;
        txn.commit().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_only_reads_one_snapshot_is_not_in_anybodys_way() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1"), ("b", "1")]).await;
    let txn = begin(&client, LOCKING).await;
    txn.begin_statement();
    get(&txn, "a").await;
    put_all(&client, &[("a", "2"), ("b", "2")]).await;
    txn.begin_statement();
    assert_eq!(get(&txn, "b").await.as_deref(), Some("1"));
    assert_eq!(txn.commit().await.unwrap(), None);
    // One that has also read what is newer was at no moment.
    let txn = begin(&client, LOCKING).await;
    txn.begin_statement();
    get(&txn, "a").await;
    put_all(&client, &[("a", "3"), ("b", "3")]).await;
    txn.begin_statement();
    txn.use_current_read().await.unwrap();
    assert_eq!(get(&txn, "b").await.as_deref(), Some("3"));
    assert_eq!(code(txn.commit().await), errno::LOCK_DEADLOCK);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_is_run_again_has_read_only_once() {
    let (_cluster, client) = cluster(&[]);
    put_all(&client, &[("a", "1")]).await;
    let txn = begin(&client, LOCKING).await;
    let mark = txn.begin_statement();
    txn.use_locked_read();
    get(&txn, "a").await;
    put_all(&client, &[("a", "2")]).await;
    assert_eq!(code(lock(&txn, &["a"], 0).await), errno::WRITE_CONFLICT);
    txn.run_again_from(mark);
    write(&txn, "a", "3").await;
    txn.commit().await.unwrap();
    assert_eq!(now(&client, "a").await.as_deref(), Some("3"));
}

/// What a transaction of the history has read and written.
struct Done {
    at: Timestamp,
    read: Vec<(String, Option<String>)>,
    ranges: Vec<((String, String), String)>,
    wrote: Vec<(String, String)>,
}

/// One transaction of random reads and of writes that depend on them.
async fn random_transaction(client: Client, rng: &mut ChaCha8Rng, number: usize) -> Option<Done> {
    let options = if rng.random_bool(0.5) { LOCKING } else { CHECKING };
    let txn = begin(&client, options).await;
    let name = |rng: &mut ChaCha8Rng| format!("k{:02}", rng.random_range(0..12));
    let (mut read, mut ranges, mut wrote) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..rng.random_range(1..4) {
        txn.begin_statement();
        if rng.random_bool(0.4) {
            let (mut from, mut to) = (name(rng), name(rng));
            if from > to {
                std::mem::swap(&mut from, &mut to);
            }
            let seen = scan(&txn, range(&from, &to)).await;
            ranges.push(((from, to), seen));
        } else {
            let name = name(rng);
            let value = get(&txn, &name).await;
            read.push((name, value));
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..5))).await;
        if wrote.is_empty() || rng.random_bool(0.5) {
            let (name, value) = (name(rng), format!("{number}.{step}"));
            txn.begin_statement();
            if txn.is_pessimistic() {
                txn.use_current_read().await.unwrap();
                if lock(&txn, &[&name], 500).await.is_err() {
                    txn.rollback().await.unwrap();
                    return None;
                }
            }
            txn.put(key(&name), key(&value));
            wrote.push((name, value));
            // From here on it reads its own.
            break;
        }
    }
    let at = txn.commit().await.ok()?.expect("it has written");
    Some(Done { at, read, ranges, wrote })
}

/// The history of many transactions at once is that of one after the other, in the order of their commits.
#[tokio::test(start_paused = true)]
async fn all_are_as_if_one_after_the_other() {
    let (cluster, client) = cluster(&["k04", "k08"]);
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let client = client.clone();
        workers.spawn(async move {
            let mut rng = ChaCha8Rng::seed_from_u64(worker);
            let mut done = Vec::new();
            for number in 0..60 {
                let number = worker as usize * 1000 + number;
                done.extend(random_transaction(client.clone(), &mut rng, number).await);
            }
            done
        });
    }
    let mut history: Vec<Done> = workers.join_all().await.into_iter().flatten().collect();
    history.sort_by_key(|done| done.at);
    assert!(history.len() > 50, "{} have committed", history.len());
    let mut state: BTreeMap<String, String> = BTreeMap::new();
    for done in history {
        for (name, value) in done.read {
            assert_eq!(state.get(&name), value.as_ref(), "{name} as of {:?}", done.at);
        }
        for ((from, to), seen) in done.ranges {
            let pairs: Vec<String> =
                state.range(from..to).map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(pairs.join(" "), seen, "as of {:?}", done.at);
        }
        state.extend(done.wrote);
    }
    settle().await;
    assert_eq!(cluster.lock_count(), 0);
}
