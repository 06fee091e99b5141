//! The client against a cluster in memory.

mod commits;
mod faults;
mod gc;
mod giving_way;
mod locking;
mod reads;
mod recovery;
mod serializable;
mod snapshots;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::memory::{Fault, Faults, MemoryCluster};
use super::{Client, ClientOptions};
use crate::common::SqlResult;
use crate::sql::kv::{
    Isolation, KvStore, LockOptions, ReadFrom, ScanOptions, Transaction, TxnOptions,
};
use crate::storage::txn::KvRequest;

const OPTIMISTIC: TxnOptions = TxnOptions {
    pessimistic: false,
    latest: false,
    isolation: Isolation::RepeatableRead,
    snapshot_at_start: false,
    impatient: false,
    read_from: ReadFrom::Leader,
};
const PESSIMISTIC: TxnOptions = TxnOptions { pessimistic: true, ..OPTIMISTIC };
const LATEST: TxnOptions = TxnOptions { latest: true, ..OPTIMISTIC };

fn key(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A cluster of regions that start at the given keys, and a client of it.
fn cluster(splits: &[&str]) -> (Arc<MemoryCluster>, Client) {
    let cluster = MemoryCluster::new();
    let splits: Vec<&[u8]> = splits.iter().map(|key| key.as_bytes()).collect();
    cluster.split(&splits);
    let client = cluster.client(ClientOptions::default());
    (cluster, client)
}

async fn begin(client: &Client, options: TxnOptions) -> Arc<dyn Transaction> {
    client.begin(options).await.unwrap()
}

/// Commits puts in a transaction of their own.
async fn put_all(client: &Client, pairs: &[(&str, &str)]) {
    let txn = begin(client, OPTIMISTIC).await;
    for (name, value) in pairs {
        txn.put(key(name), key(value));
    }
    txn.commit().await.unwrap();
}

async fn get(txn: &Arc<dyn Transaction>, name: &str) -> Option<String> {
    let value = txn.get(key(name)).await.unwrap();
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// The value a new transaction reads.
async fn now(client: &Client, name: &str) -> Option<String> {
    get(&begin(client, OPTIMISTIC).await, name).await
}

async fn lock(txn: &Arc<dyn Transaction>, names: &[&str], wait_ms: u64) -> SqlResult<()> {
    let options = LockOptions {
        wait: Duration::from_millis(wait_ms),
        return_values: false,
        keep_missing: true,
    };
    txn.lock_keys(names.iter().map(|name| key(name)).collect(), options).await.map(drop)
}

/// A scan's pairs as text, `a=1 b=2`.
async fn scan(txn: &Arc<dyn Transaction>, options: ScanOptions) -> String {
    let mut scanner = txn.scan(options).await.unwrap();
    let mut text = Vec::new();
    loop {
        let batch = scanner.next_batch().await.unwrap();
        if batch.is_empty() {
            return text.join(" ");
        }
        for pair in batch {
            let (key, value) =
                (String::from_utf8_lossy(&pair.key), String::from_utf8_lossy(&pair.value));
            text.push(format!("{key}={value}"));
        }
    }
}

/// Lets background work of ended transactions run.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// A fault for the requests a predicate picks, `times` times.
fn failing(
    fault: Fault,
    mut times: usize,
    picks: impl Fn(&KvRequest) -> bool + Send + 'static,
) -> Option<Faults> {
    Some(Box::new(move |request| {
        if times == 0 || !picks(request) {
            return Fault::None;
        }
        times -= 1;
        fault.clone()
    }))
}

fn is_prewrite(request: &KvRequest) -> bool {
    matches!(request, KvRequest::Prewrite(_))
}

fn is_commit(request: &KvRequest) -> bool {
    matches!(request, KvRequest::Commit(_))
}

/// Has every transaction commit in two phases.
fn two_phases() -> ClientOptions {
    ClientOptions { async_commit_keys: 0, ..ClientOptions::default() }
}
