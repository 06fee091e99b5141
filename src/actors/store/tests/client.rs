//! The transactional client over the store over RocksDB, on real threads: everything from a transaction down to the disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::harness::DEADLINE;
use crate::actors::kv::{Client, ClientOptions};
use crate::actors::pd::{LocalPd, PdClient};
use crate::actors::runtime::{System, SystemOptions};
use crate::actors::store::{NoTransport, OpenStore, StoreNode, StoreOptions, open_store};
use crate::common::{SqlResult, errno};
use crate::placement::Goals;
use crate::sql::kv::{KvStore, LockOptions, Transaction, TxnOptions};
use crate::storage::engine::{Engine, EngineOptions, RocksEngine};

const CLIENTS: u64 = 8;
const ROUNDS: u64 = 15;

async fn start(directory: &Path) -> (System, StoreNode, Client) {
    let system = System::start(SystemOptions { core_threads: 2, ..SystemOptions::default() });
    let open = |name: &str, options: EngineOptions| -> Arc<dyn Engine> {
        Arc::new(RocksEngine::open(&directory.join(name), &options).unwrap())
    };
    let pd_engine = open("pd", EngineOptions::default());
    let pd: Arc<dyn PdClient> =
        Arc::new(LocalPd::start(&system, pd_engine, Goals::default()).unwrap());
    let store = OpenStore {
        kv: open("kv", EngineOptions::default()),
        raft: open("raft", EngineOptions::raft()),
        pd: Arc::clone(&pd),
        transport: Arc::new(NoTransport),
        options: StoreOptions::default(),
        address: String::new(),
        labels: BTreeMap::new(),
    };
    let store = open_store(&system, store).await.unwrap();
    let rng = system.rng().stream("kv-client");
    let client = Client::new(pd, Arc::new(store.clone()), ClientOptions::default(), rng);
    (system, store, client)
}

fn counter(number: u64) -> Bytes {
    Bytes::from(format!("counter-{number}"))
}

async fn number(txn: &dyn Transaction, key: Bytes) -> SqlResult<u64> {
    let value = txn.get(key).await?;
    Ok(value.map_or(0, |value| String::from_utf8_lossy(&value).parse().unwrap()))
}

/// Adds one to two counters in one pessimistic transaction.
async fn add_one(client: &Client, first: Bytes, second: Bytes) -> SqlResult<()> {
    let txn = client.begin(TxnOptions { pessimistic: true, ..TxnOptions::default() }).await?;
    for key in [first, second] {
        txn.use_current_read().await?;
        let options =
            LockOptions { wait: Duration::from_secs(20), return_values: false, keep_missing: true };
        if let Err(error) = txn.lock_keys(vec![key.clone()], options).await {
            txn.rollback().await?;
            return Err(error);
        }
        let value = number(&*txn, key.clone()).await? + 1;
        txn.put(key, Bytes::from(value.to_string()));
    }
    txn.commit().await.map(|_| ())
}

async fn work(client: Client, id: u64) {
    let mut done = 0;
    while done < ROUNDS {
        let (first, second) = ((id + done) % 3, (id + done + 1) % 3);
        match add_one(&client, counter(first), counter(second)).await {
            Ok(()) => done += 1,
            Err(error) => assert!(
                [errno::WRITE_CONFLICT, errno::LOCK_DEADLOCK].contains(&error.code),
                "{error}"
            ),
        }
    }
}

async fn total(client: &Client) -> u64 {
    let txn = client.begin(TxnOptions::default()).await.unwrap();
    let mut sum = 0;
    for id in 0..3 {
        sum += number(&*txn, counter(id)).await.unwrap();
    }
    sum
}

/// Waits until nobody has the store's engine open: who turns locks into records, or settles them, behind a client has it a little longer than the node.
async fn is_free(directory: &Path) {
    let until = Instant::now() + DEADLINE;
    while let Err(error) = RocksEngine::open(&directory.join("kv"), &EngineOptions::default()) {
        assert!(Instant::now() < until, "the store is not let go: {error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_rt::test]
async fn transactions_of_many_clients_count_right_across_a_split_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (system, store, client) = start(directory.path()).await;
    let clients: Vec<_> =
        (0..CLIENTS).map(|id| tokio::task::spawn_local(work(client.clone(), id))).collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let made = client.split_at(vec![counter(1), counter(2)]).await.unwrap();
    assert_eq!(made, 2);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(store.router.len(), 3);
    assert_eq!(total(&client).await, 2 * CLIENTS * ROUNDS);
    system.shutdown(DEADLINE).await;
    drop((store, client, system));
    is_free(directory.path()).await;

    let (system, store, client) = start(directory.path()).await;
    assert_eq!(store.router.len(), 3);
    assert_eq!(total(&client).await, 2 * CLIENTS * ROUNDS);
    system.shutdown(DEADLINE).await;
}
