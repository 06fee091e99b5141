//! Jobs that workers on several nodes take from one table with SKIP LOCKED: each job is done once, and nobody waits.

use std::collections::BTreeMap;

use mysql_async::prelude::*;

use crate::server::{Server, connect, node};

const JOBS: u32 = 120;
const WORKERS: usize = 6;

/// Takes jobs until there are none; answers which.
async fn work(server: &Server, batch: usize) -> Vec<u32> {
    let mut conn = connect(server).await;
    conn.query_drop("SET innodb_lock_wait_timeout = 5").await.unwrap();
    let mut done = Vec::new();
    loop {
        conn.query_drop("BEGIN").await.unwrap();
        let taken: Vec<u32> = conn
            .query(format!(
                "SELECT id FROM d.job WHERE state = 'ready' ORDER BY id LIMIT {batch} FOR UPDATE SKIP LOCKED"
            ))
            .await
            .unwrap();
        for id in &taken {
            let change =
                format!("UPDATE d.job SET state = 'done', times = times + 1 WHERE id = {id}");
            conn.query_drop(change).await.unwrap();
        }
        conn.query_drop("COMMIT").await.unwrap();
        if taken.is_empty() {
            let left = "SELECT COUNT(*) FROM d.job WHERE state = 'ready'";
            if conn.query_first::<u32, _>(left).await.unwrap() == Some(0) {
                return done;
            }
        }
        done.extend(taken);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_on_several_nodes_take_each_job_once() {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let one = node("sql1", "sql,gateway,ddl", Some(&pd));
    let two = node("sql2", "sql,gateway", Some(&pd));
    let mut conn = connect(&one).await;
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop(
        "CREATE TABLE d.job (id INT PRIMARY KEY, state VARCHAR(10), times INT, KEY (state))",
    )
    .await
    .unwrap();
    let rows: Vec<String> = (0..JOBS).map(|id| format!("({id}, 'ready', 0)")).collect();
    conn.query_drop(format!("INSERT INTO d.job VALUES {}", rows.join(", "))).await.unwrap();

    let workers = (0..WORKERS).map(|worker| {
        let server = if worker % 2 == 0 { &one } else { &two };
        work(server, 1 + worker % 3)
    });
    let mut times: BTreeMap<u32, u32> = BTreeMap::new();
    for job in futures::future::join_all(workers).await.into_iter().flatten() {
        *times.entry(job).or_default() += 1;
    }
    assert_eq!(times.len(), JOBS as usize, "{times:?}");
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    let sum: Option<u32> = conn.query_first("SELECT SUM(times) FROM d.job").await.unwrap();
    assert_eq!(sum, Some(JOBS));
}
