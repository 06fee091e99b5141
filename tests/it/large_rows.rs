//! Rows of which a few are more than one message between two nodes may carry.

use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::cluster::{Cluster, Shape};

const MIB: usize = 1 << 20;
const ROWS: usize = 8;
const BYTES: usize = 5 * MIB;

#[test]
fn large_rows_are_read_locked_changed_and_indexed_over_the_bridge() {
    let cluster =
        Cluster::prepared(Shape { pds: 1, stores: 3, fronts: 1, gateways: 0 }, |cluster| {
            let nodes = cluster.stores.iter_mut().chain(&mut cluster.fronts);
            for node in nodes.chain([&mut cluster.pd]) {
                node.env.push(("TROUPE_BRIDGE_MAX_MESSAGE", "16MiB"));
                node.env.push(("TROUPE_TRANSACTION_ENTRY_SIZE_LIMIT", "64MiB"));
            }
        });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(work(cluster.ports()[0]));
}

async fn work(port: u16) {
    let opts = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(port).user(Some("root"));
    let mut conn = Conn::new(opts).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("CREATE TABLE d.t (a INT PRIMARY KEY, n INT, v LONGBLOB)").await.unwrap();
    for a in 0..ROWS {
        let sql = format!("INSERT INTO d.t VALUES ({a}, {a}, REPEAT(CHAR(97 + {a}), {BYTES}))");
        conn.query_drop(sql).await.unwrap();
    }
    let whole = "SELECT COUNT(*), SUM(LENGTH(v)), SUM(v LIKE CONCAT('%', CHAR(97 + a))) FROM d.t";
    let all = Some((ROWS, ROWS * BYTES, ROWS));
    assert_eq!(conn.query_first(whole).await.unwrap(), all);
    let down: Vec<usize> = conn.query("SELECT LENGTH(v) FROM d.t ORDER BY a DESC").await.unwrap();
    assert_eq!(down, vec![BYTES; ROWS]);
    let some = "SELECT COUNT(*), SUM(LENGTH(v)) FROM d.t WHERE a IN (0, 1, 2, 3, 5, 6, 7, 99)";
    let read: Option<(usize, usize)> = conn.query_first(some).await.unwrap();
    assert_eq!(read, Some((ROWS - 1, (ROWS - 1) * BYTES)));

    conn.query_drop("BEGIN").await.unwrap();
    let locked: Vec<usize> = conn
        .query("SELECT LENGTH(v) FROM d.t WHERE a IN (0, 1, 2, 3, 5, 6, 7) FOR UPDATE")
        .await
        .unwrap();
    assert_eq!(locked, vec![BYTES; ROWS - 1]);
    conn.query_drop("UPDATE d.t SET n = n + 100 WHERE a < 4").await.unwrap();
    conn.query_drop("COMMIT").await.unwrap();
    conn.query_drop("ALTER TABLE d.t ADD INDEX (n)").await.unwrap();
    let found: Vec<usize> =
        conn.query("SELECT LENGTH(v) FROM d.t WHERE n >= 100 ORDER BY n").await.unwrap();
    assert_eq!(found, vec![BYTES; 4]);

    // What no message can carry is refused at once, and by its name.
    let begun = Instant::now();
    let vast = format!("INSERT INTO d.t VALUES (99, 0, REPEAT('x', {}))", 20 * MIB);
    let error = conn.query_drop(vast).await.unwrap_err().to_string();
    assert!(error.contains("bridge.max-message"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(conn.query_first(whole).await.unwrap(), all);
    conn.query_drop("DELETE FROM d.t").await.unwrap();
    assert_eq!(conn.query_first("SELECT COUNT(*) FROM d.t").await.unwrap(), Some(0));
}
