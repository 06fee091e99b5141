//! Foreign keys over several SQL nodes: whatever happens side by side, no row is left without its parent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, Error};

use crate::server::{Server, connect, node};

/// How long everybody writes.
const DURATION: Duration = Duration::from_secs(8);
/// The parents there may be.
const PARENTS: u64 = 12;
/// What a transaction may meet that is to be run again.
const AGAIN: &[u16] = &[1205, 1213, 1412, 8027, 8028, 9007];
/// What foreign keys say.
const FORBIDDEN: &[u16] = &[1062, 1451, 1452];

/// What was done.
#[derive(Default)]
struct Tally {
    done: AtomicU64,
    forbidden: AtomicU64,
}

/// Runs a transaction; whatever fails undoes it.
async fn transact(conn: &mut Conn, statements: &[String], tally: &Tally) {
    for sql in statements {
        match conn.query_drop(sql).await {
            Ok(()) => {
                tally.done.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::Server(error)) if FORBIDDEN.contains(&error.code) => {
                tally.forbidden.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::Server(error)) if AGAIN.contains(&error.code) => {
                conn.query_drop("ROLLBACK").await.unwrap();
                return;
            }
            Err(error) => panic!("{sql}: {error}"),
        }
    }
}

/// A sequence of numbers that differs from client to client and is the same each time.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn statements(number: u64, state: &mut u64) -> Vec<String> {
    let (id, parent) = (random(state), random(state) % PARENTS);
    let change = match random(state) % 8 {
        0 => format!("DELETE FROM d.p WHERE id = {parent}"),
        1 => format!("DELETE FROM d.p WHERE u = 'u{parent}'"),
        2 => format!("UPDATE d.p SET u = CONCAT(u, 'x') WHERE id = {parent} AND LENGTH(u) < 8"),
        3 => format!("INSERT INTO d.p VALUES ({parent}, 'u{parent}', {})", parent % 3),
        4 => format!("INSERT INTO d.c (id, p) VALUES ({}, {parent})", id << 4 | number),
        5 => format!("INSERT INTO d.c (id, u) VALUES ({}, 'u{parent}')", id << 4 | number),
        6 => format!("INSERT INTO d.c (id, n) VALUES ({}, {})", id << 4 | number, parent % 3),
        _ => format!("DELETE FROM d.c WHERE p = {parent} OR u = 'u{parent}' OR n = {}", parent % 3),
    };
    match random(state) % 3 {
        0 => vec![change],
        1 => vec!["BEGIN".to_owned(), change, "COMMIT".to_owned()],
        _ => {
            let isolation = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned();
            let optimistic = random(state).is_multiple_of(2);
            let begin = if optimistic { "BEGIN OPTIMISTIC" } else { "BEGIN" };
            vec![isolation, begin.to_owned(), change, "COMMIT".to_owned()]
        }
    }
}

async fn write(mut conn: Conn, number: u64, stop: Arc<AtomicBool>, tally: Arc<Tally>) {
    let mut state = number + 1;
    while !stop.load(Ordering::Relaxed) {
        let statements = statements(number, &mut state);
        transact(&mut conn, &statements, &tally).await;
    }
}

async fn assert_no_orphans(server: &Server, key: &str) {
    let mut conn = connect(server).await;
    let sql = format!(
        "SELECT c.id FROM d.c LEFT JOIN d.p ON c.{key} = p.{} WHERE c.{key} IS NOT NULL AND p.id IS NULL",
        if key == "p" { "id" } else { key }
    );
    let orphans: Vec<u64> = conn.query(&sql).await.unwrap();
    assert_eq!(orphans, Vec::<u64>::new(), "{key}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_is_left_without_its_parent_on_several_nodes() {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let nodes = ["sql1", "sql2", "sql3"].map(|name| node(name, "sql,gateway,ddl", Some(&pd)));
    let mut conn = connect(&nodes[0]).await;
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.p (id INT PRIMARY KEY, u VARCHAR(10), n INT, UNIQUE KEY (u), KEY (n))",
        "CREATE TABLE d.c (id BIGINT PRIMARY KEY, p INT, u VARCHAR(10), n INT, \
         CONSTRAINT by_id FOREIGN KEY (p) REFERENCES p (id), \
         CONSTRAINT by_u FOREIGN KEY (u) REFERENCES p (u) ON DELETE CASCADE ON UPDATE CASCADE)",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    let (stop, tally) = (Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()));
    let mut writers = Vec::new();
    for number in 0..6 {
        let conn = connect(&nodes[number as usize % nodes.len()]).await;
        writers.push(tokio::spawn(write(conn, number, stop.clone(), tally.clone())));
    }
    // A third key comes and goes meanwhile.
    let (begun, mut added, mut n) = (Instant::now(), 0, 0);
    while begun.elapsed() < DURATION || added == 0 {
        conn.query_drop(
            "UPDATE d.c SET n = NULL WHERE n NOT IN (SELECT n FROM d.p WHERE n IS NOT NULL)",
        )
        .await
        .ok();
        n += 1;
        let add = "ALTER TABLE d.c ADD CONSTRAINT by_n FOREIGN KEY (n) REFERENCES p (n)";
        match conn.query_drop(add).await {
            Ok(()) => {
                added += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
                assert_no_orphans(&nodes[1], "n").await;
                let drop = "ALTER TABLE d.c DROP FOREIGN KEY by_n";
                conn.query_drop(drop).await.unwrap();
            }
            Err(Error::Server(error)) if error.code == 1452 => {}
            Err(error) => panic!("{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "never added in {n} attempts");
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    for key in ["p", "u"] {
        assert_no_orphans(&nodes[2], key).await;
    }
    let (done, forbidden) =
        (tally.done.load(Ordering::Relaxed), tally.forbidden.load(Ordering::Relaxed));
    assert!(done > 50 && forbidden > 5, "{done} statements, {forbidden} forbidden");
}
