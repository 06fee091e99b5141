//! GET_LOCK and LOCK TABLES with sessions on several SQL nodes, and when such a node is gone.

use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::*;
use rustix::process::Signal;

use crate::server::{code, connect, node};

const LOCK_WAIT_TIMEOUT: u16 = 1205;
/// What a node held is free after half a minute without it.
const AFTER_DEATH: Duration = Duration::from_secs(60);

async fn number(conn: &mut Conn, sql: &str) -> Option<i64> {
    conn.query_first::<Option<i64>, _>(sql).await.unwrap().flatten()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_hold_on_all_nodes_and_end_with_their_node() {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let two = node("sql2", "sql,gateway,ddl", Some(&pd));
    let one = node("sql1", "sql,gateway", Some(&pd));
    let (mut a, mut b) = (connect(&one).await, connect(&two).await);

    assert_eq!(number(&mut a, "SELECT GET_LOCK('migrate', 0)").await, Some(1));
    assert_eq!(number(&mut b, "SELECT GET_LOCK('migrate', 0.2)").await, Some(0));
    let owner = number(&mut b, "SELECT IS_USED_LOCK('migrate')").await;
    assert_eq!(owner, Some(a.id().into()));
    a.disconnect().await.unwrap();
    assert_eq!(number(&mut b, "SELECT GET_LOCK('migrate', 20)").await, Some(1));
    assert_eq!(number(&mut b, "SELECT RELEASE_LOCK('migrate')").await, Some(1));

    let mut a = connect(&one).await;
    b.query_drop("CREATE DATABASE d").await.unwrap();
    b.query_drop("CREATE TABLE d.t (id INT PRIMARY KEY)").await.unwrap();
    b.query_drop("SET lock_wait_timeout = 1").await.unwrap();
    a.query_drop("LOCK TABLES d.t WRITE").await.unwrap();
    a.query_drop("INSERT INTO d.t VALUES (1)").await.unwrap();
    for refused in ["INSERT INTO d.t VALUES (2)", "SELECT * FROM d.t", "TRUNCATE TABLE d.t"] {
        assert_eq!(code(b.query_drop(refused).await), Some(LOCK_WAIT_TIMEOUT), "{refused}");
    }
    a.query_drop("UNLOCK TABLES").await.unwrap();
    b.query_drop("INSERT INTO d.t VALUES (2)").await.unwrap();

    b.query_drop("SET lock_wait_timeout = DEFAULT").await.unwrap();
    assert_eq!(number(&mut a, "SELECT GET_LOCK('forgotten', 0)").await, Some(1));
    a.query_drop("LOCK TABLES d.t WRITE").await.unwrap();
    one.signal(Signal::KILL);
    let begun = Instant::now();
    assert_eq!(number(&mut b, "SELECT GET_LOCK('forgotten', 60)").await, Some(1));
    b.query_drop("INSERT INTO d.t VALUES (3)").await.unwrap();
    assert!(begun.elapsed() < AFTER_DEATH, "{:?}", begun.elapsed());
    assert_eq!(number(&mut b, "SELECT COUNT(*) FROM d.t").await, Some(3));
}
