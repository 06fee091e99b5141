//! Jobs over the memory store: their states, what they leave behind, and writers at their side.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::common::errno;
use crate::sql::catalog::{
    DatabaseInfo, DdlContext, DdlStatement, InfoSchema, SchemaState, TableChange, TableInfo,
};
use crate::sql::exec::tests::fixture::{Fixture, user, users};
use crate::sql::expr::EvalContext;
use crate::sql::kv::{KvStore, TxnOptions};
use crate::sql::parser::Statement;
use crate::sql::plan::ConflictAction;
use crate::sql::system;
use crate::sql::table_codec;
use crate::sql::types::{Datum, SqlMode, TimeZone};

/// Takes one step of the oldest job.
pub(super) async fn one_step(store: &dyn KvStore) -> Progress {
    let before = schema(store).await;
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    let job = Meta::new(&*txn).jobs_after(0).await.unwrap().remove(0);
    let progress = step(&*txn, job).await.unwrap();
    txn.commit().await.unwrap();
    for known in [before, system::info_schema(0, Vec::new())] {
        differences_make_the_whole(store, &known).await;
    }
    progress
}

/// What a node knows that reads only what has changed is what one knows that reads everything.
async fn differences_make_the_whole(store: &dyn KvStore, known: &InfoSchema) {
    let all = schema(store).await;
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    let Some((after, changes)) = load_schema_after(&*txn, known).await.unwrap() else {
        return assert_eq!(all.version(), known.version());
    };
    assert_eq!(changes.last().unwrap().version, all.version());
    assert_eq!(after.version(), all.version());
    assert_eq!(listed(&after), listed(&all));
}

/// Everything in a schema, after a check that it is found by its id.
fn listed(schema: &InfoSchema) -> Vec<(DatabaseInfo, Vec<TableInfo>)> {
    let tables = |database: &DatabaseInfo| {
        let tables: Vec<TableInfo> =
            schema.tables(&database.name).map(|table| table.as_ref().clone()).collect();
        for table in &tables {
            let (found, same) = schema.table_by_id(table.id).unwrap();
            assert_eq!((&**found, &**same), (database, table));
        }
        tables
    };
    schema.databases().map(|database| (database.as_ref().clone(), tables(database))).collect()
}

/// Queues a job and runs it to its end.
pub(super) async fn submit(store: &dyn KvStore, statement: DdlStatement) -> Job {
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    let job = enqueue(&*txn, statement, Submitter::default()).await.unwrap();
    txn.commit().await.unwrap();
    job
}

/// Runs a job to its end.
pub(super) async fn run(store: &dyn KvStore, statement: DdlStatement) -> Job {
    submit(store, statement).await;
    loop {
        match one_step(store).await {
            Progress::Stepped(_) => {}
            Progress::Backfill(job) => {
                backfill_batch(store, job.id, 3).await.unwrap();
            }
            Progress::Finished(job) => return job,
        }
    }
}

/// The schema as everybody sees it.
pub(super) async fn schema(store: &dyn KvStore) -> InfoSchema {
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    let (version, databases) = load_schema(&*txn).await.unwrap();
    system::info_schema(version, databases)
}

fn create_database() -> DdlStatement {
    let info = DatabaseInfo {
        id: 0,
        name: "Test".to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: "utf8mb4_bin".to_owned(),
        state: SchemaState::Absent,
    };
    DdlStatement::CreateDatabase { info, if_not_exists: false }
}

fn create_table(if_not_exists: bool) -> DdlStatement {
    let table = TableInfo { id: 0, indexes: Vec::new(), max_index_id: 0, ..users() };
    DdlStatement::CreateTable { database: "test".to_owned(), table: table.into(), if_not_exists }
}

/// ALTER TABLE users, with the actions as they are written, checked by nobody yet.
pub(super) fn alter(actions: &str) -> DdlStatement {
    let sql = format!("ALTER TABLE users {actions}");
    let (sql_mode, eval) = (SqlMode::default(), EvalContext::new());
    let parsed = crate::sql::parser::parse(&sql, sql_mode).unwrap().remove(0);
    let Statement::AlterTable { actions, .. } = parsed.statement else { panic!("{sql}") };
    let schema = InfoSchema::new(0, Vec::new());
    let ctx = DdlContext { schema: &schema, current_db: None, sql_mode, eval: &eval };
    let build = |action| TableChange::build(action, &users(), &ctx).unwrap();
    let changes = actions.iter().flat_map(build).collect();
    let (database, table) = ("test".to_owned(), "USERS".to_owned());
    DdlStatement::AlterTable {
        database,
        table,
        changes,
        rules: crate::sql::catalog::ConversionRules::default(),
    }
}

fn create_index(unique: bool) -> DdlStatement {
    alter(if unique { "ADD UNIQUE by_age (age)" } else { "ADD INDEX by_age (age)" })
}

/// A store with a table, and a fixture that writes to it.
pub(super) async fn with_table() -> Fixture {
    let mut fixture = Fixture::new(users());
    run(&fixture.store, create_database()).await;
    run(&fixture.store, create_table(false)).await;
    reload(&mut fixture).await;
    fixture
}

/// Gives the fixture the table as the schema has it now.
pub(super) async fn reload(fixture: &mut Fixture) {
    let schema = schema(&fixture.store).await;
    fixture.table = schema.table("test", "users").unwrap().clone();
}

/// The handles an index points to, after a check of every entry against its row.
pub(super) async fn indexed(fixture: &Fixture, index: usize) -> BTreeSet<i64> {
    let index = &fixture.table.indexes[index];
    let (start, end) = table_codec::index_range(fixture.table.id, index.id);
    let stored: BTreeSet<_> = fixture.store.dump(&start, &end).into_iter().collect();
    let mut handles = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    for row in fixture.rows().await {
        let Datum::Int(handle) = row[0] else { panic!("an integer key") };
        let entry =
            table_codec::index_entry(&fixture.table, index, &row, handle, &TimeZone::UTC).unwrap();
        if stored.contains(&(entry.key.clone(), entry.value.clone())) {
            handles.insert(handle);
        }
        wanted.insert((entry.key, entry.value));
    }
    let dangling: Vec<_> = stored.difference(&wanted).collect();
    assert!(dangling.is_empty(), "entries without a row: {dangling:?}");
    handles
}

#[tokio::test]
async fn names_that_an_earlier_version_wrote_are_found() {
    let fixture = with_table().await;
    let store = &fixture.store;
    let known = schema(store).await;
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    let id = known.database("test").unwrap().id;
    meta::forget_names(&*txn, &[(0, "Test"), (id, "users")]);
    // It did not say either in which database a table had changed.
    Meta::new(&*txn).bump_schema_version(&[Changed::Other(fixture.table.id)]).await.unwrap();
    Meta::new(&*txn).bump_schema_version(&[Changed::Other(77)]).await.unwrap();
    txn.commit().await.unwrap();
    differences_make_the_whole(store, &known).await;
    let job = run(store, create_table(false)).await;
    assert_eq!(job.error.unwrap().code, errno::TABLE_EXISTS);
    let job = run(store, create_database()).await;
    assert_eq!(job.error.unwrap().code, errno::DB_CREATE_EXISTS);
}

#[tokio::test]
async fn databases_and_tables_come_and_go() {
    let fixture = with_table().await;
    let store = &fixture.store;
    let job = run(store, create_table(false)).await;
    assert_eq!(job.error.unwrap().message, "Table 'users' already exists");
    let job = run(store, create_table(true)).await;
    assert_eq!((job.state, job.notes[0].code), (JobState::Done, errno::TABLE_EXISTS));
    let missing = vec![("test".to_owned(), "nope".to_owned())];
    let drop = |tables, if_exists| DdlStatement::DropTables { tables, if_exists, views: false };
    let job = run(store, drop(missing.clone(), false)).await;
    assert_eq!(job.error.unwrap().message, "Unknown table 'test.nope'");
    let job = run(store, drop(missing, true)).await;
    assert_eq!((job.state, job.notes.len()), (JobState::Done, 1));

    let old = fixture.table.id;
    let truncate = DdlStatement::TruncateTable { database: "test".into(), table: "users".into() };
    assert_eq!(run(store, truncate).await.state, JobState::Done);
    let table = schema(store).await.table("test", "users").unwrap().clone();
    assert_ne!(table.id, old);

    let job = run(store, DdlStatement::DropDatabase { name: "TEST".into(), if_exists: false });
    assert_eq!(job.await.state, JobState::Done);
    assert!(schema(store).await.database("test").is_none());
    let txn = store.begin(TxnOptions::default()).await.unwrap();
    let ranges = Meta::new(&*txn).delete_ranges().await.unwrap();
    let starts: BTreeSet<_> = ranges.into_iter().map(|range| range.start).collect();
    let wanted = [old, table.id].map(|id| table_codec::table_range(id).0.to_vec());
    assert_eq!(starts, BTreeSet::from(wanted));
}

#[tokio::test]
async fn a_dropped_table_is_hidden_before_it_goes() {
    let fixture = with_table().await;
    let tables = vec![("test".to_owned(), "users".to_owned())];
    submit(&fixture.store, DdlStatement::DropTables { tables, if_exists: false, views: false })
        .await;
    let Progress::Stepped(job) = one_step(&fixture.store).await else { panic!("one more step") };
    assert_eq!(job.schema_state, SchemaState::DeleteOnly);
    assert!(schema(&fixture.store).await.table("test", "users").is_none());
    assert!(matches!(one_step(&fixture.store).await, Progress::Finished(_)));
}

/// Writers of the newest and of the previous schema write in every state; in the end the index has every row, once.
#[tokio::test]
async fn an_index_is_built_beside_writers_of_neighbouring_states() {
    let mut fixture = with_table().await;
    let rows = (1..=10).map(|id| user(id, "x", id % 3)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    submit(&fixture.store, create_index(false)).await;
    let mut next = 100;
    let mut states = Vec::new();
    loop {
        let before = fixture.table.clone();
        let progress = one_step(&fixture.store).await;
        reload(&mut fixture).await;
        let after = fixture.table.clone();
        for table in [before, after.clone()] {
            fixture.table = table;
            fixture.insert(vec![user(next, "x", 5)], ConflictAction::Error).await.unwrap();
            let age = crate::sql::expr::Expr::literal(Datum::Int(next % 7));
            fixture.update(Some(next), 2, age).await.unwrap();
            next += 1;
            let old = next % 10 + 1;
            let age = crate::sql::expr::Expr::literal(Datum::Int(next));
            fixture.update(Some(old), 2, age).await.unwrap();
        }
        fixture.table = after;
        match progress {
            Progress::Stepped(job) => states.push(job.schema_state),
            Progress::Backfill(job) => {
                backfill_batch(&fixture.store, job.id, 4).await.unwrap();
            }
            Progress::Finished(_) => break,
        }
    }
    let wanted = [SchemaState::DeleteOnly, SchemaState::WriteOnly, SchemaState::Reorganization];
    assert_eq!(states, wanted);
    assert_eq!(fixture.table.indexes[0].state, SchemaState::Public);
    let all: BTreeSet<i64> = (1..=10).chain(100..next).collect();
    assert_eq!(indexed(&fixture, 0).await, all);
}

/// A backfill that is cut off goes on from its last batch, as the store has it.
#[tokio::test]
async fn a_backfill_goes_on_after_a_restart() {
    let mut fixture = with_table().await;
    let rows = (1..=10).map(|id| user(id, "x", id)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let id = submit(&fixture.store, create_index(true)).await.id;
    while !matches!(one_step(&fixture.store).await, Progress::Backfill(_)) {}
    backfill_batch(&fixture.store, id, 4).await.unwrap();
    // All that was in memory is lost; the store says where to go on.
    let Progress::Backfill(job) = one_step(&fixture.store).await else { panic!("a backfill") };
    assert_eq!((job.reorg.next_handle, job.reorg.rows), (Some(5), 4));
    while let Progress::Backfill(job) = one_step(&fixture.store).await {
        backfill_batch(&fixture.store, job.id, 4).await.unwrap();
    }
    reload(&mut fixture).await;
    assert_eq!(fixture.table.indexes[0].state, SchemaState::Public);
    assert_eq!(indexed(&fixture, 0).await, (1..=10).collect());
}

#[tokio::test]
async fn a_unique_index_over_duplicates_is_rolled_back() {
    let fixture = with_table().await;
    let rows = (1..=10).map(|id| user(id, "x", id % 8)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let job = run(&fixture.store, create_index(true)).await;
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(job.error.unwrap().message, "Duplicate entry '1' for key 'users.by_age'");
    let table = schema(&fixture.store).await.table("test", "users").unwrap().clone();
    assert!(table.indexes.is_empty());
}

/// The public indexes, by name, with their columns.
async fn public_indexes(store: &dyn KvStore) -> Vec<(String, usize)> {
    let table = schema(store).await.table("test", "users").unwrap().clone();
    let public = table.indexes.iter().filter(|index| index.state == SchemaState::Public);
    public.map(|index| (index.name.clone(), index.columns[0].offset)).collect()
}

#[tokio::test]
async fn several_indexes_change_in_one_moment() {
    let mut fixture = with_table().await;
    let rows = (1..=10).map(|id| user(id, "x", id)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    run(&fixture.store, create_index(false)).await;
    let before = public_indexes(&fixture.store).await;
    let change = alter("DROP INDEX BY_AGE, ADD INDEX by_age (email), ADD UNIQUE more (age)");
    submit(&fixture.store, change).await;
    let after = vec![("more".to_owned(), 2), ("by_age".to_owned(), 1)];
    let mut next = 100;
    loop {
        let progress = one_step(&fixture.store).await;
        let seen = public_indexes(&fixture.store).await;
        assert!(seen == before || seen == after, "{seen:?}");
        for _ in 0..2 {
            // With the table as it was before the step, and as it is now.
            fixture.insert(vec![user(next, "y", next)], ConflictAction::Error).await.unwrap();
            reload(&mut fixture).await;
            next += 1;
        }
        match progress {
            Progress::Stepped(_) => {}
            Progress::Backfill(job) => {
                backfill_batch(&fixture.store, job.id, 4).await.unwrap();
            }
            Progress::Finished(job) => break assert_eq!(job.state, JobState::Done),
        }
    }
    assert_eq!(public_indexes(&fixture.store).await, after);
    let all: BTreeSet<i64> = (1..=10).chain(100..next).collect();
    for number in [0, 1] {
        assert_eq!(indexed(&fixture, number).await, all);
    }
    let job = run(&fixture.store, alter("DROP INDEX more, DROP INDEX by_age")).await;
    assert_eq!(job.state, JobState::Done);
    assert!(public_indexes(&fixture.store).await.is_empty());
}

#[tokio::test]
async fn of_several_indexes_one_that_cannot_be_undoes_all() {
    let fixture = with_table().await;
    let rows = (1..=10).map(|id| user(id, "x", id % 8)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    run(&fixture.store, create_index(false)).await;
    let before = public_indexes(&fixture.store).await;
    let change = alter("DROP INDEX by_age, ADD INDEX one (email), ADD UNIQUE two (age)");
    let job = run(&fixture.store, change).await;
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(job.error.unwrap().message, "Duplicate entry '1' for key 'users.two'");
    assert_eq!(public_indexes(&fixture.store).await, before);
    let table = schema(&fixture.store).await.table("test", "users").unwrap().clone();
    assert_eq!(table.indexes.len(), 1);
    for drops in ["DROP INDEX none", "DROP INDEX by_age, DROP INDEX by_age"] {
        let job = run(&fixture.store, alter(drops)).await;
        assert_eq!(job.error.unwrap().code, errno::CANT_DROP_FIELD_OR_KEY);
    }
    let job = run(&fixture.store, alter("ADD INDEX by_age (email)")).await;
    assert_eq!(job.error.unwrap().code, errno::DUP_KEYNAME);
}

#[tokio::test]
async fn an_index_is_dropped_state_by_state() {
    let mut fixture = with_table().await;
    run(&fixture.store, create_index(false)).await;
    let drop = || alter("DROP INDEX BY_AGE");
    submit(&fixture.store, drop()).await;
    let mut states = Vec::new();
    while let Progress::Stepped(job) = one_step(&fixture.store).await {
        states.push(job.schema_state);
        reload(&mut fixture).await;
        let id = 10 + states.len() as i64;
        fixture.insert(vec![user(id, "x", 1)], ConflictAction::Error).await.unwrap();
        fixture.delete(Some(id)).await.unwrap();
        assert_eq!(indexed(&fixture, 0).await, BTreeSet::new());
    }
    assert_eq!(states, [SchemaState::WriteOnly, SchemaState::DeleteOnly]);
    let job = run(&fixture.store, drop()).await;
    assert_eq!(job.error.unwrap().message, "Can't DROP 'BY_AGE'; check that column/key exists");
}

/// Writers and the backfill run at the same time on many tasks.
#[tokio::test]
async fn an_index_is_built_beside_running_writers() {
    let fixture = Arc::new(with_table().await);
    let rows = (1..=200).map(|id| user(id, "x", id)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let id = submit(&fixture.store, create_index(false)).await.id;
    for _ in 0..3 {
        assert!(matches!(one_step(&fixture.store).await, Progress::Stepped(_)));
    }
    let mut writing = Fixture::new(users());
    writing.store = fixture.store.clone();
    reload(&mut writing).await;
    let writing = Arc::new(writing);
    let writer = tokio::spawn({
        let writing = writing.clone();
        async move {
            for round in 0..300_i64 {
                let id = round * 37 % 200 + 1;
                let age = crate::sql::expr::Expr::literal(Datum::Int(1000 + round));
                let _ = writing.update(Some(id), 2, age).await;
                tokio::task::yield_now().await;
            }
        }
    });
    loop {
        match backfill_batch(&fixture.store, id, 8).await.unwrap() {
            BackfillOutcome::Advanced(job) if job.reorg.finished => break,
            BackfillOutcome::GivenUp(_) => panic!("not a unique index"),
            _ => tokio::task::yield_now().await,
        }
    }
    writer.await.unwrap();
    assert_eq!(indexed(&writing, 0).await, (1..=200).collect());
}

/// Row by row, under locks, as where a row is never seen to stand still.
#[tokio::test]
async fn an_index_is_built_row_by_row() {
    let fixture = with_table().await;
    let rows = (1..=5).map(|id| user(id, "x", id * 10)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let id = submit(&fixture.store, create_index(true)).await.id;
    for _ in 0..3 {
        assert!(matches!(one_step(&fixture.store).await, Progress::Stepped(_)));
    }
    let mut filled = 0;
    loop {
        match backfill_row(&fixture.store, id).await.unwrap() {
            BackfillOutcome::Advanced(job) if job.reorg.finished => break,
            BackfillOutcome::Advanced(job) => filled = job.reorg.rows,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(filled, 5);
    let mut reading = Fixture::new(users());
    reading.store = fixture.store.clone();
    reload(&mut reading).await;
    assert_eq!(indexed(&reading, 0).await, (1..=5).collect());
}

#[tokio::test]
async fn a_duplicate_that_is_met_row_by_row_turns_the_job_around() {
    let fixture = with_table().await;
    let rows = vec![user(1, "x", 10), user(2, "y", 10)];
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let id = submit(&fixture.store, create_index(true)).await.id;
    for _ in 0..3 {
        assert!(matches!(one_step(&fixture.store).await, Progress::Stepped(_)));
    }
    assert!(matches!(
        backfill_row(&fixture.store, id).await.unwrap(),
        BackfillOutcome::Advanced(job) if !job.reorg.finished
    ));
    match backfill_row(&fixture.store, id).await.unwrap() {
        BackfillOutcome::GivenUp(job) => {
            assert_eq!(job.error.unwrap().code, crate::common::errno::DUP_ENTRY);
        }
        other => panic!("{other:?}"),
    }
}
