//! `kill -9` in the middle of a write load: every acknowledged row is there afterwards.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::server::{Options, Server};

/// Clients that write at the same time.
const WRITERS: u64 = 8;
/// How long so many rows may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is killed.
const KILLS: u64 = 10;

fn opts(server: &Server) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"))
}

/// Inserts rows, alone and in transactions of two tables, until told to stop or the server is gone.
async fn write(
    opts: OptsBuilder,
    writer: u64,
    round: u64,
    acknowledged: Arc<Mutex<Vec<u64>>>,
    stop: Arc<AtomicBool>,
) {
    let Ok(mut conn) = Conn::new(opts.db_name(Some("crash"))).await else { return };
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = (round * WRITERS + writer) * 1_000_000 + n;
        let outcome = if n % 3 == 0 {
            async {
                conn.query_drop("BEGIN").await?;
                conn.query_drop(format!("INSERT INTO a VALUES ({id}, 'a{id}')")).await?;
                conn.query_drop(format!("INSERT INTO b VALUES ({id}, 'b{id}')")).await?;
                conn.query_drop("COMMIT").await
            }
            .await
        } else {
            conn.query_drop(format!("INSERT INTO a VALUES ({id}, 'a{id}')")).await
        };
        match outcome {
            Ok(()) => acknowledged.lock().unwrap().push(id),
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_rows_survive_kill_nine_ten_times() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::with(&Options { data_dir: Some(dir.path()), ..Options::default() });
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    for sql in [
        "CREATE DATABASE crash",
        "CREATE TABLE crash.a (id BIGINT PRIMARY KEY, v VARCHAR(40), KEY by_v (v))",
        "CREATE TABLE crash.b (id BIGINT PRIMARY KEY, v VARCHAR(40))",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    drop(conn);
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..KILLS {
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                tokio::spawn(write(
                    opts(&server),
                    writer,
                    round,
                    acknowledged.clone(),
                    stop.clone(),
                ))
            })
            .collect();
        // Killed in the middle, wherever that is.
        let (before, more) = (acknowledged.lock().unwrap().len(), 20 + 13 * round as usize);
        let begun = Instant::now();
        while acknowledged.lock().unwrap().len() < before + more {
            assert!(begun.elapsed() < PATIENCE, "round {round}: nothing is acknowledged");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
        server = Server::with(&Options { data_dir: Some(dir.path()), ..Options::default() });
        let rows = acknowledged.lock().unwrap().clone();
        check(&server, &rows, round).await;
    }
    let total = acknowledged.lock().unwrap().len();
    assert!(total > 100, "only {total} rows were written: nothing was tried");
}

async fn check(server: &Server, acknowledged: &[u64], round: u64) {
    let mut conn = Conn::new(opts(server)).await.unwrap();
    let in_a: Vec<u64> = conn.query("SELECT id FROM crash.a ORDER BY id").await.unwrap();
    let in_b: Vec<u64> = conn.query("SELECT id FROM crash.b ORDER BY id").await.unwrap();
    let by_index: Vec<String> =
        conn.query("SELECT v FROM crash.a WHERE v > '' ORDER BY v").await.unwrap();
    for id in acknowledged {
        assert!(in_a.binary_search(id).is_ok(), "round {round}: row {id} of a is lost");
        let in_both = id % 1_000_000 % 3 == 0;
        assert!(!in_both || in_b.binary_search(id).is_ok(), "round {round}: row {id} of b is lost");
    }
    // What was not acknowledged may be there, but whole: a row in b has its row in a, and the index agrees.
    for id in &in_b {
        assert!(in_a.binary_search(id).is_ok(), "round {round}: half a transaction: {id}");
    }
    let mut expected: Vec<String> = in_a.iter().map(|id| format!("a{id}")).collect();
    expected.sort();
    assert_eq!(by_index, expected, "round {round}: the index differs from its table");
}
