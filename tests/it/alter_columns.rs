//! Columns come, go and change their names on two SQL nodes, beside writers on both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, Error};
use tokio::task::JoinHandle;

use crate::server::{Server, connect, node};

const PATIENCE: Duration = Duration::from_secs(120);
/// The rows that writers work on.
const ROWS: u64 = 40;

/// Errors that a transaction may meet which has begun with the table as it was, and is to be run again: 1213 and 1412, and 8028, 9007 of
/// those that meet another one only at their commit.
const AGAIN: &[u16] = &[1213, 1412, 8027, 8028, 9007];

/// Whether a statement has succeeded, or is to be run again; what else it says is no error of MySQL's.
fn has_succeeded(outcome: mysql_async::Result<()>, allowed: &[u16], what: &str) -> bool {
    match outcome {
        Ok(()) => true,
        Err(Error::Server(error)) if AGAIN.contains(&error.code) => false,
        Err(Error::Server(error)) if allowed.contains(&error.code) => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

struct Writers {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Writers {
    /// Two on each node: one with statements as texts, one with those that are prepared.
    async fn start(nodes: &[&Server]) -> Writers {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut tasks = Vec::new();
        for (number, server) in nodes.iter().enumerate() {
            for prepares in [false, true] {
                let conn = connect(server).await;
                let first = 1000 + 100_000 * (2 * number as u64 + u64::from(prepares));
                let (stop, written) = (stop.clone(), written.clone());
                tasks.push(tokio::spawn(write(conn, first, prepares, stop, written)));
            }
        }
        Writers { stop, written, tasks }
    }

    /// Until each has written something more.
    async fn go_on(&self) {
        let (begun, before) = (Instant::now(), self.written.load(Ordering::Relaxed));
        while self.written.load(Ordering::Relaxed) < before + 40 {
            assert!(begun.elapsed() < PATIENCE, "the writers stand still");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// Inserts, changes and deletes rows, and looks at them, by columns that stay.
async fn write(
    mut conn: Conn,
    first: u64,
    prepares: bool,
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
) {
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (new, old) = (first + round, round * 7 % ROWS + 1);
        let statements = [
            ("INSERT INTO d.t (id, v) VALUES (?, ?)", (new, round)),
            ("UPDATE d.t SET v = ? WHERE id = ?", (round, old)),
            ("UPDATE d.t SET v = v + ? WHERE id = ?", (1, new)),
            ("DELETE FROM d.t WHERE id = ? - 2 AND id > ?", (new, ROWS)),
        ];
        for (sql, (one, two)) in statements {
            let outcome = match prepares {
                true => conn.exec_drop(sql, (one, two)).await,
                false => {
                    let sql = sql.replacen('?', &one.to_string(), 1);
                    conn.query_drop(sql.replacen('?', &two.to_string(), 1)).await
                }
            };
            if has_succeeded(outcome, &[], sql) {
                written.fetch_add(1, Ordering::Relaxed);
            }
        }
        let rows: Vec<mysql_async::Row> = match prepares {
            true => conn.exec("SELECT * FROM d.t WHERE id = ?", (old,)).await.unwrap(),
            false => conn.query(format!("SELECT * FROM d.t WHERE id = {old}")).await.unwrap(),
        };
        assert_eq!(rows.len(), 1);
    }
}

/// Rows and indexes agree, seen from every node.
async fn assert_sound(nodes: &[&Server], columns: &[&str]) {
    for server in nodes {
        let mut conn = connect(server).await;
        // All in one snapshot: the writers go on.
        conn.query_drop("START TRANSACTION").await.unwrap();
        let rows: Vec<u64> = conn.query("SELECT id FROM d.t ORDER BY id").await.unwrap();
        for column in columns {
            // What the index says of each row, and what the row says.
            let sql = format!(
                "SELECT COUNT(*), COALESCE(SUM(a.id = b.id AND a.{column} <=> b.{column}), 0) FROM \
                 (SELECT id, {column} FROM d.t WHERE {column} IS NULL OR {column} >= -1000000) a \
                 JOIN (SELECT id, {column} FROM d.t WHERE id >= 0) b ON a.id = b.id"
            );
            let counts: Option<(u64, u64)> = conn.query_first(&sql).await.unwrap();
            assert_eq!(counts, Some((rows.len() as u64, rows.len() as u64)), "{column}");
        }
    }
}

async fn table(server: &Server) {
    let mut conn = connect(server).await;
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (id INT PRIMARY KEY, v INT, w INT NOT NULL DEFAULT 5, UNIQUE KEY vid (v, id), KEY wv (w, v))",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    let rows: Vec<String> = (1..=ROWS).map(|id| format!("({id}, {id}, {id})")).collect();
    conn.query_drop(format!("INSERT INTO d.t VALUES {}", rows.join(", "))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_change_beside_writers_on_two_nodes() {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let one = node("sql1", "sql,gateway,ddl", Some(&pd));
    let two = node("sql2", "sql,gateway,ddl", Some(&pd));
    table(&one).await;
    let nodes = [&one, &two];
    let writers = Writers::start(&nodes).await;
    let mut change = connect(&two).await;
    for (sql, indexed) in [
        ("ALTER TABLE d.t ADD COLUMN n INT NOT NULL DEFAULT 7", &["v", "w"][..]),
        (
            "ALTER TABLE d.t ADD COLUMN m INT DEFAULT 3 FIRST, ADD INDEX (m), ADD INDEX nv (n, v)",
            &["m", "n"],
        ),
        ("ALTER TABLE d.t RENAME COLUMN m TO k, RENAME COLUMN n TO m", &["k", "m"]),
        ("ALTER TABLE d.t DROP COLUMN w", &["v", "k", "m"]),
        (
            "ALTER TABLE d.t RENAME COLUMN k TO m, RENAME COLUMN m TO k, DROP INDEX vid, ADD INDEX vk (v, k)",
            &["v", "m"],
        ),
        (
            "ALTER TABLE d.t DROP COLUMN m, DROP COLUMN k, ADD COLUMN m INT NOT NULL DEFAULT 9, ADD INDEX mv (m, v)",
            &["m"],
        ),
        // Rows are converted, there and back.
        ("ALTER TABLE d.t MODIFY v BIGINT NOT NULL DEFAULT 0 FIRST", &["v", "m"]),
        ("ALTER TABLE d.t MODIFY m VARCHAR(10) NOT NULL DEFAULT '9'", &["v"]),
        ("ALTER TABLE d.t MODIFY m INT NOT NULL DEFAULT 9, MODIFY v INT UNSIGNED", &["v", "m"]),
        // They are found by another number, and then by a key again.
        ("ALTER TABLE d.t DROP PRIMARY KEY, ADD UNIQUE KEY uid (id)", &["v", "m"]),
        ("ALTER TABLE d.t ADD PRIMARY KEY (id), DROP INDEX uid", &["v", "m"]),
    ] {
        writers.go_on().await;
        change.query_drop(sql).await.unwrap();
        writers.go_on().await;
        assert_sound(&nodes, indexed).await;
    }
    writers.end().await;
    assert_sound(&nodes, &["v", "m"]).await;
    let mut conn = connect(&one).await;
    let others: Option<u64> =
        conn.query_first("SELECT COUNT(*) FROM d.t WHERE m <> 9").await.unwrap();
    assert_eq!(others, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alteration_goes_on_when_its_owner_is_killed() {
    let actions = "ADD COLUMN n INT NOT NULL DEFAULT 7, DROP COLUMN w, ADD INDEX nv (n, v)";
    goes_on(actions, &["id int", "v int", "n int"], &["v", "n"], ("n", "7")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_converted_on_when_the_owner_is_killed() {
    let actions = "DROP PRIMARY KEY, ADD PRIMARY KEY (id), MODIFY w VARCHAR(12) FIRST, MODIFY v BIGINT UNSIGNED";
    goes_on(actions, &["w varchar", "id int", "v bigint"], &["v"], ("w", "40")).await;
}

/// Kills the owner of an alteration in the middle, and waits until another node has carried it out: the table has these columns then, and one of
/// them has this value in the last row.
async fn goes_on(
    actions: &'static str,
    wanted: &[&str],
    indexed: &[&str],
    (column, value): (&str, &str),
) {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let mut owner = node("sql1", "sql,gateway,ddl", Some(&pd));
    let other = node("sql2", "sql,gateway", Some(&pd));
    table(&owner).await;
    // A transaction that knows the table as it was holds the change up in the middle.
    let mut holder = connect(&other).await;
    holder.query_drop("BEGIN").await.unwrap();
    holder.query_drop("UPDATE d.t SET v = 100 WHERE id = 1").await.unwrap();
    let mut change = connect(&owner).await;
    let changing =
        tokio::spawn(async move { change.query_drop(format!("ALTER TABLE d.t {actions}")).await });
    let begun = Instant::now();
    let mut look = connect(&other).await;
    let pending =
        "SELECT COUNT(*) FROM performance_schema.metadata_locks WHERE LOCK_STATUS = 'PENDING'";
    while look.query_first(pending).await.unwrap() != Some(1) {
        assert!(begun.elapsed() < PATIENCE, "nothing waits");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    owner.kill();
    assert!(changing.await.unwrap().is_err());
    let next = node("sql3", "sql,gateway,ddl", Some(&pd));
    holder.query_drop("COMMIT").await.unwrap();
    let writers = Writers::start(&[&other, &next]).await;
    let begun = Instant::now();
    let columns = "SELECT CONCAT(column_name, ' ', data_type) FROM information_schema.columns \
                   WHERE table_schema = 'd' AND table_name = 't' ORDER BY ordinal_position";
    while look.query::<String, _>(columns).await.unwrap() != wanted {
        assert!(begun.elapsed() < PATIENCE, "the change is not gone on with");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    writers.go_on().await;
    writers.end().await;
    // It has been taken out of its indexes by now, or will be.
    assert_sound(&[&other, &next], indexed).await;
    let last = format!("SELECT CONCAT({column}) FROM d.t WHERE id = {ROWS}");
    let found: Option<String> = look.query_first(last).await.unwrap();
    assert_eq!(found.as_deref(), Some(value));
}
