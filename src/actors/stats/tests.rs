//! The actors over the memory store, in time that runs by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokio::time::sleep;

use super::*;
use crate::actors::ddl::SchemaCache;
use crate::actors::pd::{AlwaysOwner, LocalPd, Ownership, PdClient, PdOwnership};
use crate::actors::runtime::{ActorRef, System, Thread};
use crate::common::{SqlError, SqlResult, Timestamp, errno};
use crate::placement::Goals;
use crate::sql::catalog::{DatabaseInfo, SchemaState, TableInfo};
use crate::sql::ddl::Meta;
use crate::sql::exec::memory_store::MemoryStore;
use crate::sql::exec::tests::fixture::{Fixture, user, users};
use crate::sql::kv::{KvStore, LockWaits, Transaction, TxnOptions};
use crate::sql::plan::ConflictAction;
use crate::sql::stats::{Deltas, StatsSource, TableDelta, TableStats};
use crate::sql::table_codec::row_range;
use crate::storage::engine::MemoryEngine;

const DATABASE: i64 = 7;
const EVERY: Duration = Duration::from_secs(60);
const RELOAD: Duration = Duration::from_secs(600);
const ASKED: Duration = Duration::from_secs(30);

/// The memory store, with its transactions counted, and troubles on demand.
#[derive(Default)]
struct Probe {
    store: MemoryStore,
    begun: AtomicU64,
    /// So many more fail to begin.
    failing: AtomicU64,
    /// With this code.
    code: AtomicU64,
    /// The next one panics.
    panics: AtomicBool,
    /// So long each takes to begin.
    slow_ms: AtomicU64,
}

impl Probe {
    fn fail(&self, times: u64, code: u16) {
        self.code.store(code.into(), Ordering::Relaxed);
        self.failing.store(times, Ordering::Relaxed);
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl KvStore for Probe {
    async fn begin(&self, options: TxnOptions) -> SqlResult<Arc<dyn Transaction>> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(self.slow_ms.load(Ordering::Relaxed))).await;
        assert!(!self.panics.swap(false, Ordering::Relaxed), "as the test wanted");
        let less = |left: u64| left.checked_sub(1);
        if self.failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            let code = self.code.load(Ordering::Relaxed);
            return Err(SqlError::new(u16::try_from(code).unwrap(), "no"));
        }
        self.store.begin(options).await
    }

    async fn snapshot(&self, ts: Timestamp) -> SqlResult<Arc<dyn Transaction>> {
        self.store.snapshot(ts).await
    }

    async fn timestamp(&self) -> SqlResult<Timestamp> {
        self.store.timestamp().await
    }

    fn lock_waits(&self) -> LockWaits {
        LockWaits::default()
    }

    async fn split_at(&self, keys: Vec<Bytes>) -> SqlResult<usize> {
        self.store.split_at(keys).await
    }

    async fn delete_range(&self, start: Bytes, end: Bytes) -> SqlResult<()> {
        self.store.delete_range(start, end).await
    }
}

/// The owner as long as it is allowed so many more times.
struct Allowed(AtomicU64);

#[async_trait]
impl Ownership for Allowed {
    async fn acquire(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

struct Node {
    system: System,
    probe: Arc<Probe>,
    schema: Arc<SchemaCache>,
    cache: Arc<StatsCache>,
    has_others: Arc<AtomicBool>,
}

impl Node {
    /// With tables 1 to `tables`, each with so many rows and no record.
    async fn new(tables: i64, rows: i64) -> Node {
        tokio::time::pause();
        let probe = Arc::new(Probe::default());
        let txn = probe.store.begin(TxnOptions::default()).await.unwrap();
        let database = DatabaseInfo {
            id: DATABASE,
            name: "d".to_owned(),
            charset: "utf8mb4".to_owned(),
            collation: "utf8mb4_bin".to_owned(),
            state: SchemaState::Public,
        };
        Meta::new(&*txn).put_database(&database).unwrap();
        Meta::new(&*txn).bump_schema_version(&[]).await.unwrap();
        txn.commit().await.unwrap();
        for id in 1..=tables {
            let table = TableInfo { id, name: format!("t{id}"), indexes: Vec::new(), ..users() };
            let mut fixture = Fixture::new(table);
            fixture.store = probe.store.clone();
            let txn = fixture.begin().await;
            Meta::new(&*txn).put_table(DATABASE, &fixture.table).unwrap();
            txn.commit().await.unwrap();
            let rows = (1..=rows).map(|row| user(row, "someone", row % 10)).collect();
            fixture.insert(rows, ConflictAction::Error).await.unwrap();
        }
        Node {
            system: System::for_test(),
            schema: SchemaCache::load(&probe.store).await.unwrap(),
            probe,
            cache: Arc::default(),
            has_others: Arc::default(),
        }
    }

    fn reporter(&self) -> ActorRef<StatsReporter> {
        let has_others = self.has_others.clone();
        let parts = ReportParts {
            store: self.probe.clone(),
            schema: self.schema.clone(),
            cache: self.cache.clone(),
            has_others: Arc::new(move || has_others.load(Ordering::Relaxed)),
            report_every: Duration::from_secs(3),
            reload_every: RELOAD,
        };
        let factory = move || StatsReporter::new(parts.clone());
        self.system.spawn_root("stats", Thread::Same, factory)
    }

    fn worker(&self, name: &str, owner: impl Ownership) -> ActorRef<StatsWorker> {
        let parts = AnalyzeParts {
            store: self.probe.clone(),
            schema: self.schema.clone(),
            owner: Arc::new(owner),
            cache: Some(self.cache.clone()),
            every: EVERY,
            ratio: 0.5,
            load: 0.5,
        };
        let factory = move || StatsWorker::new(parts.clone());
        self.system.spawn_root(name, Thread::Same, factory)
    }

    async fn put_record(&self, stats: &TableStats) {
        let txn = self.probe.store.begin(TxnOptions::default()).await.unwrap();
        Meta::new(&*txn).put_stats(stats).unwrap();
        txn.commit().await.unwrap();
    }

    async fn record(&self, table: i64) -> Option<TableStats> {
        let txn = self.probe.store.begin(TxnOptions::default()).await.unwrap();
        Meta::new(&*txn).stats(table).await.unwrap()
    }

    /// As a session does after a commit.
    fn wrote(&self, table: i64, rows: i64) {
        let mut deltas = Deltas::default();
        deltas.add(table, TableDelta { rows, modified: rows.unsigned_abs() });
        self.cache.record(&deltas);
    }

    async fn observed(&self, name: &str) -> Value {
        let path = self.system.path().child(name);
        self.system.actor(path.to_string()).await.unwrap().observed.unwrap()
    }
}

#[actix::test]
async fn what_was_written_is_reported_and_at_rest_the_store_is_left_alone() {
    let node = Node::new(1, 0).await;
    node.put_record(&TableStats::empty(1)).await;
    node.reporter();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(node.cache.table(1).unwrap().rows, 0, "records are read at the start");
    node.wrote(1, 20);
    node.wrote(1, -5);
    sleep(Duration::from_secs(4)).await;
    let stored = node.record(1).await.unwrap();
    assert_eq!((stored.rows, stored.modified), (15, 25));
    assert_eq!(*node.cache.table(1).unwrap(), stored, "planned with at once");

    let begun = node.probe.begun();
    sleep(RELOAD * 10).await;
    assert_eq!(node.probe.begun(), begun, "alone and at rest nothing is asked");
    // With others, what they wrote is read from time to time.
    node.has_others.store(true, Ordering::Relaxed);
    node.put_record(&TableStats { rows: 99, ..stored }).await;
    sleep(RELOAD + Duration::from_secs(4)).await;
    assert_eq!(node.cache.table(1).unwrap().rows, 99);
    assert!(node.probe.begun() <= begun + 2);
}

#[actix::test]
async fn what_could_not_be_reported_is_not_forgotten() {
    let node = Node::new(1, 0).await;
    node.put_record(&TableStats::empty(1)).await;
    let reporter = node.reporter();
    sleep(Duration::from_secs(1)).await;
    node.wrote(1, 20);
    node.probe.fail(1, errno::UNKNOWN);
    assert!(!reporter.ask(ReportNow, ASKED).await.unwrap());
    assert!(!node.cache.is_reported());
    assert_eq!(node.observed("stats").await["failures"], 1);
    node.wrote(1, 1);
    // Conflicts with other nodes' reports are no failures.
    node.probe.fail(3, errno::WRITE_CONFLICT);
    assert!(reporter.ask(ReportNow, ASKED).await.unwrap());
    assert_eq!(node.record(1).await.unwrap().rows, 21);
    assert_eq!(node.observed("stats").await["failures"], 1);
}

#[actix::test]
async fn a_panic_in_a_report_loses_nothing() {
    let node = Node::new(1, 0).await;
    node.put_record(&TableStats::empty(1)).await;
    let reporter = node.reporter();
    sleep(Duration::from_secs(1)).await;
    node.wrote(1, 20);
    node.probe.panics.store(true, Ordering::Relaxed);
    assert!(reporter.ask(ReportNow, ASKED).await.is_err());
    sleep(Duration::from_secs(20)).await;
    assert_eq!(node.record(1).await.unwrap().rows, 20);
}

#[actix::test]
async fn tables_without_statistics_are_analyzed_and_then_left_alone() {
    let node = Node::new(2, 50).await;
    node.put_record(&TableStats { rows: 10, ..TableStats::empty(2) }).await;
    node.worker("stats-worker", AlwaysOwner);
    assert_eq!(node.record(1).await, None);
    sleep(EVERY * 2).await;
    let found = node.record(1).await.unwrap();
    assert_eq!((found.rows, found.modified), (50, 0));
    assert_eq!(*node.cache.table(1).unwrap(), found, "this node's statements need not wait");
    assert_eq!(node.record(2).await.unwrap().rows, 10, "nothing was written to it");
    let observed = node.observed("stats-worker").await;
    let progress = &observed["progress"];
    assert_eq!((&progress["analyzed"], &progress["rows_read"]), (&1.into(), &50.into()));

    // Enough has been written.
    let written = TableStats { rows: 1_000, modified: 1_000, ..TableStats::empty(2) };
    node.put_record(&written).await;
    sleep(EVERY * 2).await;
    assert_ne!(node.record(2).await.unwrap().analyzed_ts, 0);
    let begun = node.probe.begun();
    sleep(EVERY * 3).await;
    assert_eq!(node.probe.begun(), begun + 3, "a look is one read");
}

#[actix::test]
async fn one_that_is_not_the_owner_leaves_tables_alone() {
    let node = Node::new(1, 50).await;
    node.worker("stats-worker", Allowed(AtomicU64::new(0)));
    sleep(EVERY * 3).await;
    assert_eq!(node.record(1).await, None);
    assert_eq!(node.observed("stats-worker").await["progress"]["owner"], false);
}

#[actix::test]
async fn an_owner_that_loses_its_lease_in_the_middle_stops() {
    let node = Node::new(2, 50).await;
    // So slow that the lease must be renewed before the first table is read.
    node.probe.slow_ms.store(11_000, Ordering::Relaxed);
    node.worker("stats-worker", Allowed(AtomicU64::new(1)));
    sleep(EVERY * 2).await;
    assert_eq!((node.record(1).await, node.record(2).await), (None, None));
    let observed = node.observed("stats-worker").await;
    let progress = &observed["progress"];
    assert_eq!((&progress["owner"], &progress["failures"]), (&false.into(), &0.into()));
    assert_eq!((&progress["analyzed"], &progress["table"]), (&0.into(), &Value::Null));
}

#[actix::test]
async fn of_two_workers_one_works_until_it_is_gone() {
    let node = Node::new(1, 50).await;
    let pd = LocalPd::start(&node.system, Arc::new(MemoryEngine::new()), Goals::default()).unwrap();
    let pd: Arc<dyn PdClient> = Arc::new(pd);
    let owner = |name: &str| PdOwnership::new(pd.clone(), "stats-owner", name);
    let first = node.worker("first", owner("first"));
    sleep(Duration::from_secs(1)).await;
    node.worker("second", owner("second"));
    sleep(EVERY + Duration::from_secs(5)).await;
    let analyzed = |observed: Value| observed["progress"]["analyzed"].clone();
    assert_eq!(analyzed(node.observed("first").await), 1);
    assert_eq!(analyzed(node.observed("second").await), 0);

    // It goes without a word; its lease ends.
    first.stop();
    first.stopped().await;
    let stored = node.record(1).await.unwrap();
    node.put_record(&TableStats { modified: 1_000, ..stored }).await;
    sleep(EVERY * 2).await;
    assert_eq!(analyzed(node.observed("second").await), 1);
    assert_eq!(node.record(1).await.unwrap().modified, 0);
}

#[actix::test]
async fn a_lease_that_is_given_up_is_free_at_once() {
    let node = Node::new(0, 0).await;
    let pd = LocalPd::start(&node.system, Arc::new(MemoryEngine::new()), Goals::default()).unwrap();
    let pd: Arc<dyn PdClient> = Arc::new(pd);
    let [first, second] = ["first", "second"].map(|name| PdOwnership::new(pd.clone(), "x", name));
    assert!(first.acquire().await);
    assert!(!second.acquire().await);
    second.resign().await;
    assert!(!second.acquire().await, "what one does not have one cannot give up");
    first.resign().await;
    assert!(second.acquire().await);
}

#[actix::test]
async fn a_worker_goes_on_after_failures_and_after_a_panic() {
    let node = Node::new(2, 50).await;
    node.worker("stats-worker", AlwaysOwner);
    node.probe.fail(1, errno::UNKNOWN);
    sleep(EVERY + Duration::from_secs(1)).await;
    let observed = node.observed("stats-worker").await;
    assert_eq!(observed["progress"]["failures"], 1);
    assert!(observed["progress"]["last_error"].as_str().unwrap().contains("no"));

    node.probe.panics.store(true, Ordering::Relaxed);
    sleep(EVERY * 3).await;
    assert_eq!(node.system.failures().len(), 1);
    assert_eq!(node.record(1).await.unwrap().rows, 50);
    assert_eq!(node.record(2).await.unwrap().rows, 50);
}

#[actix::test]
async fn tables_that_cannot_be_read_do_not_hold_others_up_for_long() {
    let node = Node::new(4, 50).await;
    let txn = node.probe.store.begin(TxnOptions::default()).await.unwrap();
    for table in 1..=3 {
        let (start, end) = row_range(table);
        for (key, _) in node.probe.store.dump(&start, &end) {
            txn.put(key, Bytes::from_static(b"\xff\xff\xff"));
        }
    }
    txn.commit().await.unwrap();
    node.worker("stats-worker", AlwaysOwner);
    sleep(EVERY + Duration::from_secs(1)).await;
    let observed = node.observed("stats-worker").await;
    assert_eq!(observed["progress"]["failed_tables"], serde_json::json!([1, 2, 3]));
    assert_eq!(node.record(4).await, None, "after three failures the rest waits");
    sleep(EVERY).await;
    assert_eq!(node.record(4).await.unwrap().rows, 50);
}

#[test]
fn an_older_record_does_not_replace_a_newer_one() {
    let cache = StatsCache::default();
    let record = |rows, updated_ms| TableStats { rows, updated_ms, ..TableStats::empty(1) };
    cache.put([record(5, 50)]);
    cache.replace(vec![record(4, 40), TableStats::empty(2)]);
    assert_eq!((cache.table(1).unwrap().rows, cache.tables().len()), (5, 2));
    cache.put([record(6, 60), record(3, 30)]);
    cache.replace(vec![record(6, 60)]);
    assert_eq!((cache.table(1).unwrap().rows, cache.tables().len()), (6, 1));
}
