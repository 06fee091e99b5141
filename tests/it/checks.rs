//! Checks and generated columns that come while several SQL nodes write: no row is left that the definition does not allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, Error};

use crate::server::{connect, node};

/// How long everybody writes.
const DURATION: Duration = Duration::from_secs(6);
/// What a statement may meet that is to be run again.
const AGAIN: &[u16] = &[1205, 1213, 1412, 8027, 8028, 9007];
/// What a check says.
const VIOLATED: u16 = 3819;

async fn write(mut conn: Conn, number: u64, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let id = (number << 24) | (n % 40);
        // Now and then one that the check forbids.
        let value = if n % 101 == 0 { -1 } else { (n % 90) as i64 };
        let sql = match n % 3 {
            0 => format!("UPDATE d.t SET a = {value} WHERE id = {id}"),
            1 => format!(
                "INSERT INTO d.t (id, a) VALUES ({id}, {value}) ON DUPLICATE KEY UPDATE a = {value}"
            ),
            _ => format!("REPLACE INTO d.t (id, a) VALUES ({id}, {value})"),
        };
        match conn.query_drop(&sql).await {
            Ok(()) => {
                done.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::Server(error)) if error.code == VIOLATED || AGAIN.contains(&error.code) => {}
            Err(error) => panic!("{sql}: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_is_left_that_a_check_forbids_on_several_nodes() {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let nodes = ["sql1", "sql2"].map(|name| node(name, "sql,gateway,ddl", Some(&pd)));
    let mut conn = connect(&nodes[0]).await;
    for sql in ["CREATE DATABASE d", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, a INT)"] {
        conn.query_drop(sql).await.unwrap();
    }
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = Vec::new();
    for number in 0..4 {
        let conn = connect(&nodes[number as usize % nodes.len()]).await;
        writers.push(tokio::spawn(write(conn, number, stop.clone(), done.clone())));
    }
    let mut other = connect(&nodes[1]).await;
    let (begun, mut added) = (Instant::now(), 0);
    while begun.elapsed() < DURATION || added == 0 {
        conn.query_drop("DELETE FROM d.t WHERE a < 0").await.ok();
        match conn.query_drop("ALTER TABLE d.t ADD CONSTRAINT positive CHECK (a >= 0)").await {
            Ok(()) => {
                added += 1;
                let wrong: Option<u64> =
                    other.query_first("SELECT COUNT(*) FROM d.t WHERE a < 0").await.unwrap();
                assert_eq!(wrong, Some(0));
                tokio::time::sleep(Duration::from_millis(200)).await;
                let wrong: Option<u64> =
                    other.query_first("SELECT COUNT(*) FROM d.t WHERE a < 0").await.unwrap();
                assert_eq!(wrong, Some(0));
                conn.query_drop("ALTER TABLE d.t DROP CHECK positive").await.unwrap();
            }
            Err(Error::Server(error)) if error.code == VIOLATED => {}
            Err(error) => panic!("{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "never added");
    }
    // A generated column with its index comes while they write on.
    conn.query_drop("ALTER TABLE d.t ADD COLUMN g INT AS (a * 2 + 1) VIRTUAL, ADD KEY g (g)")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let wrong: Option<u64> =
        other.query_first("SELECT COUNT(*) FROM d.t WHERE NOT (g <=> a * 2 + 1)").await.unwrap();
    assert_eq!(wrong, Some(0));
    let rows: Option<u64> = other.query_first("SELECT COUNT(*) FROM d.t").await.unwrap();
    let entries: Option<u64> =
        other.query_first("SELECT COUNT(*) FROM d.t FORCE INDEX (g) WHERE g > -100").await.unwrap();
    assert_eq!(rows, entries);
    assert!(done.load(Ordering::Relaxed) > 30);
}
