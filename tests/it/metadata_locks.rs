//! A change of the schema and transactions that use the table, on two SQL nodes.

use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::*;

use rustix::process::Signal;

use crate::server::{code, connect, node};

const PATIENCE: Duration = Duration::from_secs(60);
/// What is held up by nothing is done by then, on a busy machine as well.
const SOON: Duration = Duration::from_secs(15);

/// Asks until there are rows.
async fn until_there(conn: &mut Conn, sql: &str) -> Vec<(String, u32)> {
    let begun = Instant::now();
    loop {
        let rows: Vec<(String, u32)> = conn.query(sql).await.unwrap();
        if !rows.is_empty() {
            return rows;
        }
        assert!(begun.elapsed() < PATIENCE, "{sql}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_waits_for_transactions_of_all_nodes_and_for_no_dead_ones() {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let two = node("sql2", "sql,gateway,ddl", Some(&pd));
    let one = node("sql1", "sql,gateway", Some(&pd));
    let (mut old, mut look) = (connect(&one).await, connect(&one).await);
    let mut change = connect(&two).await;
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)",
        "CREATE TABLE d.u (id INT PRIMARY KEY, v INT)",
        "INSERT INTO d.t VALUES (1, 1), (2, 2)",
    ] {
        change.query_drop(sql).await.unwrap();
    }
    let (holder, changer) = (old.id(), change.id());
    let pending = "SELECT OBJECT_NAME, OWNER_THREAD_ID FROM performance_schema.metadata_locks \
                   WHERE LOCK_STATUS = 'PENDING'";

    old.query_drop("BEGIN").await.unwrap();
    old.query_drop("UPDATE d.t SET v = 10 WHERE id = 1").await.unwrap();
    let waiting = tokio::spawn(async move {
        let outcome = change.query_drop("CREATE INDEX i ON d.t (v)").await;
        (change, code(outcome))
    });
    assert_eq!(until_there(&mut look, pending).await, [("t".to_owned(), changer)]);
    let granted = "SELECT CONCAT(OBJECT_SCHEMA, '.', OBJECT_NAME, ' ', LOCK_TYPE), OWNER_THREAD_ID FROM \
                   performance_schema.metadata_locks WHERE LOCK_STATUS = 'GRANTED' AND OBJECT_NAME = 't'";
    assert_eq!(until_there(&mut look, granted).await, [("d.t SHARED_WRITE".to_owned(), holder)]);
    let state =
        "SELECT STATE, ID FROM information_schema.PROCESSLIST WHERE STATE LIKE '%metadata%'";
    assert_eq!(
        until_there(&mut look, state).await,
        [("Waiting for table metadata lock".to_owned(), changer)]
    );
    // Nobody else waits: neither for the table nor for the change of another one.
    let begun = Instant::now();
    look.query_drop("INSERT INTO d.t VALUES (3, 3)").await.unwrap();
    look.query_drop("CREATE INDEX i ON d.u (v)").await.unwrap();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    old.query_drop("UPDATE d.t SET v = 20 WHERE id = 2").await.unwrap();
    old.query_drop("COMMIT").await.unwrap();
    let (mut change, outcome) = waiting.await.unwrap();
    assert_eq!(outcome, None);
    // By the index, and by the rows.
    for condition in ["v = 3 OR v = 10 OR v = 20", "id > 0"] {
        let sql = format!("SELECT v FROM d.t WHERE {condition} ORDER BY v");
        let rows: Vec<i32> = change.query(sql).await.unwrap();
        assert_eq!(rows, [3, 10, 20], "{condition}");
    }

    // KILL ends the wait, and nothing has happened; nor has to whoever used the table.
    old.query_drop("BEGIN").await.unwrap();
    old.query_drop("UPDATE d.t SET v = 30 WHERE id = 2").await.unwrap();
    let waiting = tokio::spawn(async move {
        let outcome = change.query_drop("DROP TABLE d.t").await;
        (change, code(outcome))
    });
    until_there(&mut look, pending).await;
    look.query_drop(format!("KILL QUERY {changer}")).await.unwrap();
    let (mut change, outcome) = waiting.await.unwrap();
    assert_eq!(outcome, Some(1317));
    let begun = Instant::now();
    while code(look.query_drop("SELECT * FROM d.t").await).is_some() {
        assert!(begun.elapsed() < SOON, "the table is not back");
    }
    old.query_drop("COMMIT").await.unwrap();

    // A node that is gone has no transactions any more.
    old.query_drop("BEGIN").await.unwrap();
    old.query_drop("SELECT * FROM d.t").await.unwrap();
    one.signal(Signal::KILL);
    change.query_drop("DROP INDEX i ON d.t").await.unwrap();
    let rows: Vec<i32> = change.query("SELECT v FROM d.t ORDER BY v").await.unwrap();
    assert_eq!(rows, [3, 10, 30]);
}
