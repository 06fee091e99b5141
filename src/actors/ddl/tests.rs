//! The worker over the memory store.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::actors::pd::AlwaysOwner;
use crate::actors::runtime::{ActorRef, System, Thread};
use crate::common::{SqlResult, errno};
use crate::sql::catalog::{
    AddIndex, DatabaseInfo, DdlStatement, DropIndex, SchemaState, TableChange, TableInfo,
};
use crate::sql::ddl::{Submitter, enqueue};
use crate::sql::exec::memory_store::MemoryStore;
use crate::sql::exec::tests::fixture::{Fixture, user, users};
use crate::sql::kv::{KvStore, TxnOptions};
use crate::sql::parser::ast::{IndexDefinition, IndexNotes, IndexPart};
use crate::sql::plan::ConflictAction;
use crate::sql::system;

const DEADLINE: Duration = Duration::from_secs(60);

fn start(store: &MemoryStore, system: &System) -> (ActorRef<DdlWorker>, Arc<SchemaCache>) {
    let cache = SchemaCache::new(system::info_schema(0, Vec::new()));
    let parts = DdlParts {
        store: Arc::new(store.clone()),
        cache: cache.clone(),
        sync: Arc::new(LocalSync::new(cache.clone())),
        owner: Arc::new(AlwaysOwner),
        turns: Arc::default(),
    };
    let worker = system.spawn_root("ddl", Thread::Same, move || {
        DdlWorker::new(parts.clone(), Duration::from_secs(600))
    });
    (worker, cache)
}

async fn submit(worker: &ActorRef<DdlWorker>, statement: DdlStatement) -> SqlResult<JobReport> {
    worker.ask(SubmitJob::new(statement), DEADLINE).await.unwrap()
}

fn create_database() -> DdlStatement {
    let info = DatabaseInfo {
        id: 0,
        name: "test".to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: "utf8mb4_bin".to_owned(),
        state: SchemaState::Absent,
    };
    DdlStatement::CreateDatabase { info, if_not_exists: false }
}

fn create_table() -> DdlStatement {
    let mut table = users();
    table.indexes.clear();
    let table = Box::new(table);
    DdlStatement::CreateTable { database: "test".to_owned(), table, if_not_exists: false }
}

fn create_index() -> DdlStatement {
    add_index("by_age", "age")
}

fn add_index(name: &str, column: &str) -> DdlStatement {
    let parts = vec![IndexPart::column(column)];
    let (name, notes) = (Some(name.to_owned()), IndexNotes::default());
    let definition = IndexDefinition {
        name,
        primary: false,
        unique: false,
        parts,
        notes,
        invisible: false,
        fulltext: None,
    };
    alter(TableChange::AddIndex(AddIndex { definition, if_not_exists: false }))
}

fn alter(change: TableChange) -> DdlStatement {
    let (database, table) = ("test".to_owned(), "users".to_owned());
    let rules = crate::sql::catalog::ConversionRules::default();
    DdlStatement::AlterTable { database, table, changes: vec![change], rules }
}

#[actix::test]
async fn changes_are_seen_when_they_are_answered() {
    let system = System::for_test();
    let store = MemoryStore::default();
    let (worker, cache) = start(&store, &system);
    submit(&worker, create_database()).await.unwrap();
    let report = submit(&worker, create_table()).await.unwrap();
    assert_eq!(cache.current().version(), report.version);
    let mut fixture = Fixture::new(users());
    fixture.store = store;
    fixture.table = cache.current().table("test", "users").unwrap().clone();
    let rows = (1..=3000).map(|id| user(id, "x", id)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    submit(&worker, create_index()).await.unwrap();
    let table = cache.current().table("test", "users").unwrap().clone();
    assert_eq!(table.indexes[0].state, SchemaState::Public);
    let error = submit(&worker, create_table()).await.unwrap_err();
    assert_eq!(error.code, errno::TABLE_EXISTS);
}

#[actix::test]
async fn a_queue_left_behind_is_run_at_start() {
    let system = System::for_test();
    let store = MemoryStore::default();
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    enqueue(&*txn, create_database(), Submitter::default()).await.unwrap();
    enqueue(&*txn, create_table(), Submitter::default()).await.unwrap();
    txn.commit().await.unwrap();
    let (worker, cache) = start(&store, &system);
    // Behind the two in the queue.
    submit(&worker, create_index()).await.unwrap();
    assert!(cache.current().table("test", "users").is_some());
}

/// A database with a table that a transaction has used; the transaction is connection 7's.
async fn with_user(worker: &ActorRef<DdlWorker>, cache: &Arc<SchemaCache>) -> (i64, SchemaGuard) {
    submit(worker, create_database()).await.unwrap();
    submit(worker, create_table()).await.unwrap();
    let table = cache.current().table("test", "users").unwrap().id;
    let user = cache.enter(7);
    user.touch([table]);
    user.note_written(table).unwrap();
    (table, user)
}

fn drop_index() -> DdlStatement {
    alter(TableChange::DropIndex(DropIndex { name: "by_age".to_owned() }))
}

/// Not done within this time.
const A_WHILE: Duration = Duration::from_millis(700);

#[actix::test]
async fn old_transactions_are_waited_for_and_later_ones_refused() {
    let system = System::for_test();
    let store = MemoryStore::default();
    let (worker, cache) = start(&store, &system);
    let (table, user) = with_user(&worker, &cache).await;
    // One that has not used the table is in nobody's way.
    let late = cache.enter(8);
    let building = worker.ask(SubmitJob::new(create_index()), DEADLINE);
    tokio::pin!(building);
    assert!(tokio::time::timeout(A_WHILE, &mut building).await.is_err());
    assert_eq!(cache.wait_drained(&[table], Duration::ZERO).await, [7]);
    // Nor is a change of another table.
    let mut other = users();
    (other.name, other.indexes) = ("other".to_owned(), Vec::new());
    let other = DdlStatement::CreateTable {
        database: "test".to_owned(),
        table: Box::new(other),
        if_not_exists: false,
    };
    submit(&worker, other).await.unwrap();
    // Others see an index that they have to keep; who was there first does not know it, and commits.
    let held = cache.held().remove(&7).unwrap();
    assert_eq!(
        held,
        [HeldTable { database: "test".to_owned(), table: "users".to_owned(), written: true }]
    );
    user.begin_commit(&[table]).unwrap();
    drop(user);
    building.await.unwrap().unwrap();
    // One that comes to the table with a schema of before is refused at once.
    late.touch([table]);
    assert_eq!(late.note_written(table).unwrap_err().code, errno::TABLE_DEF_CHANGED);
    assert_eq!(late.begin_commit(&[table]).unwrap_err().code, errno::INFO_SCHEMA_CHANGED);
}

#[actix::test]
async fn a_change_that_waits_too_long_is_taken_back() {
    let system = System::for_test();
    let store = MemoryStore::default();
    let (worker, cache) = start(&store, &system);
    submit(&worker, create_database()).await.unwrap();
    submit(&worker, create_table()).await.unwrap();
    submit(&worker, create_index()).await.unwrap();
    let definition = || {
        let mut table = TableInfo::clone(cache.current().table("test", "users").unwrap());
        table.version = 0;
        table
    };
    let (before, table) = (definition(), definition().id);
    let named = || ("test".to_owned(), "users".to_owned());
    let (database, name) = named();
    let another = add_index("by_email", "email");
    let changes = [
        drop_index(),
        DdlStatement::TruncateTable { database, table: name },
        DdlStatement::DropTables { tables: vec![named()], if_exists: false, views: false },
        DdlStatement::DropDatabase { name: "test".to_owned(), if_exists: false },
        DdlStatement::LockTables {
            tables: vec![("test".to_owned(), "users".to_owned(), true)],
            owner: 9,
        },
        another,
    ];
    for statement in changes {
        let shown = format!("{statement:?}");
        let user = cache.enter(7);
        user.touch([table]);
        user.note_written(table).unwrap();
        let keeps_index = statement == add_index("by_email", "email");
        let wait = Some(Duration::from_secs(1));
        let job = SubmitJob { connection: 9, lock_wait: wait, ..SubmitJob::new(statement) };
        let error = worker.ask(job, DEADLINE).await.unwrap().unwrap_err();
        assert_eq!(error.code, errno::LOCK_WAIT_TIMEOUT, "{shown}");
        // An index that is not wanted any more goes when the transaction that does not know it has ended.
        if !keeps_index {
            assert_eq!(definition(), before, "{shown}");
        }
        user.begin_commit(&[table]).unwrap();
    }
    submit(&worker, drop_index()).await.unwrap();
    assert!(definition().indexes.is_empty());
}

#[actix::test]
async fn a_change_that_nobody_waits_for_any_more_ends() {
    let system = System::for_test();
    let store = MemoryStore::default();
    let (worker, cache) = start(&store, &system);
    let (_table, user) = with_user(&worker, &cache).await;
    let watch: Arc<JobWatch> = Arc::default();
    let job = SubmitJob { watch: watch.clone(), connection: 9, ..SubmitJob::new(create_index()) };
    let building = worker.ask(job, DEADLINE);
    let given_up = tokio::time::timeout(3 * A_WHILE, building).await;
    assert!(given_up.is_err());
    assert!(watch.waits.load(std::sync::atomic::Ordering::Relaxed));
    tokio::time::sleep(2 * A_WHILE).await;
    drop(user);
    submit(&worker, create_index()).await.unwrap();
    let users = cache.current().table("test", "users").unwrap().clone();
    assert_eq!(users.indexes.len(), 1);
    assert_eq!(users.indexes[0].state, SchemaState::Public);
}

/// As when the node's process stood still: meanwhile the others did not wait for it.
#[actix_rt::test]
async fn who_lost_the_lease_waits_for_another_and_reads_the_schema_before_a_commit() {
    let system = System::for_test();
    let store = MemoryStore::default();
    let (worker, _) = start(&store, &system);
    submit(&worker, create_database()).await.unwrap();
    submit(&worker, create_table()).await.unwrap();
    let cache = SchemaCache::load(&store).await.unwrap();
    let lease = Arc::new(parking_lot::Mutex::new(Some(0)));
    let held = lease.clone();
    cache.commit_only_while(move || *held.lock());
    let table = cache.current().table("test", "users").unwrap().id;
    let (user, late) = (cache.enter(1), cache.enter(2));
    user.touch([table]);
    late.touch([table]);
    user.begin_commit(&[table]).unwrap();

    *lease.lock() = None;
    submit(&worker, create_index()).await.unwrap();
    assert_eq!(user.begin_commit(&[table]).unwrap_err().code, errno::INFO_SCHEMA_EXPIRED);
    // A lease alone is not enough: it knows nothing of the index.
    *lease.lock() = Some(1);
    assert_eq!(user.begin_commit(&[table]).unwrap_err().code, errno::INFO_SCHEMA_EXPIRED);
    *lease.lock() = None;
    let again = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        *lease.lock() = Some(1);
    };
    tokio::join!(cache.until_it_may_commit(&store), again);
    assert_eq!(late.begin_commit(&[table]).unwrap_err().code, errno::INFO_SCHEMA_CHANGED);
    cache.enter(3).begin_commit(&[table]).unwrap();
}

#[tokio::test]
async fn dropped_ranges_go_when_nobody_reads_them() {
    let fixture = Fixture::new(users());
    let store = fixture.store.clone();
    fixture.insert(vec![user(1, "a", 1)], ConflictAction::Error).await.unwrap();
    let (start, end) = crate::sql::table_codec::table_range(fixture.table.id);
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    let range = crate::sql::ddl::DeleteRange {
        job: 1,
        position: 0,
        start: start.to_vec(),
        end: end.to_vec(),
        dropped_ms: 0,
    };
    crate::sql::ddl::Meta::new(&*txn).push_delete_range(&range).unwrap();
    txn.commit().await.unwrap();
    let kept = delete_range::delete_old(&store, Duration::from_secs(600)).await.unwrap();
    assert_eq!((kept, store.dump(&start, &end).len()), (0, 3));
    let gone = delete_range::delete_old(&store, Duration::ZERO).await.unwrap();
    assert_eq!((gone, store.dump(&start, &end).len()), (1, 0));
    assert_eq!(delete_range::delete_old(&store, Duration::ZERO).await.unwrap(), 0);
}
