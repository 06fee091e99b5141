//! What a restart after `kill -9` goes on with: a schema change under way, and what the placement driver gave out; and a clean one.

use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::server::{Options, Server};

/// Long enough that filling its index takes a while.
const ROWS: u64 = 40_960;
const PATIENCE: Duration = Duration::from_secs(120);

fn opts(server: &Server) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"))
}

fn start(dir: &tempfile::TempDir) -> Server {
    Server::with(&Options { data_dir: Some(dir.path()), ..Options::default() })
}

/// The state of an index of `d.t`, as the admin endpoint shows it.
fn index_state(server: &Server, name: &str) -> Option<String> {
    let table = server.json("/schema/d/t");
    let indexes = table["indexes"].as_array().unwrap();
    let found = indexes.iter().find(|index| index["name"] == name)?;
    Some(found["state"].as_str().unwrap().to_owned())
}

fn wait_for(server: &Server, name: &str, state: Option<&str>) {
    let begun = Instant::now();
    while index_state(server, name).as_deref() != state {
        assert!(begun.elapsed() < PATIENCE, "{name} does not get to {state:?}:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(2));
    }
}

async fn explain(conn: &mut Conn, sql: &str) -> String {
    let lines: Vec<(String, String, String, String, String)> =
        conn.query(format!("EXPLAIN {sql}")).await.unwrap();
    lines.into_iter().map(|(id, _, _, object, _)| format!("{id} {object}\n")).collect()
}

/// The index holds an entry for every row and nothing else.
async fn index_agrees(conn: &mut Conn, index: &str) {
    let by_index = "SELECT v, id FROM d.t WHERE v >= 0 ORDER BY v, id";
    let by_table = "SELECT v, id, pad FROM d.t";
    let plan = explain(conn, by_index).await;
    assert!(plan.contains(&format!("index:{index}")), "{plan}");
    let plan = explain(conn, by_table).await;
    assert!(!plan.contains("index:"), "{plan}");
    let entries: Vec<(u64, u64)> = conn.query(by_index).await.unwrap();
    let rows: Vec<(u64, u64, String)> = conn.query(by_table).await.unwrap();
    let mut rows: Vec<(u64, u64)> = rows.into_iter().map(|(v, id, _)| (v, id)).collect();
    rows.sort_unstable();
    assert!(entries == rows, "the index differs from its table");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_was_being_filled_is_finished_after_kill_nine() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&dir);
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("CREATE TABLE d.t (id BIGINT PRIMARY KEY, v BIGINT, pad VARCHAR(20))")
        .await
        .unwrap();
    for chunk in (0..ROWS).collect::<Vec<_>>().chunks(4096) {
        let rows: Vec<String> =
            chunk.iter().map(|id| format!("({id}, {}, 'p{id}')", id * 7919 % ROWS)).collect();
        conn.query_drop(format!("INSERT INTO d.t VALUES {}", rows.join(","))).await.unwrap();
    }
    let creating = tokio::spawn(async move {
        let outcome = conn.query_drop("CREATE UNIQUE INDEX by_v ON d.t (v)").await;
        assert!(outcome.is_err(), "it was killed before it could answer");
    });
    // Killed twice while rows get their entries.
    for kill in 0..2 {
        wait_for(&server, "by_v", Some("Reorganization"));
        std::thread::sleep(Duration::from_millis(60));
        server.kill();
        server = start(&dir);
        let state = index_state(&server, "by_v");
        assert_eq!(state.as_deref(), Some("Reorganization"), "kill {kill} came too late");
    }
    creating.await.unwrap();
    // Who writes meanwhile keeps the index too, whether its row has an entry yet or not.
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    for at in (0..ROWS).step_by(1024) {
        let (gone, new) = (at + 1, ROWS + at);
        conn.query_drop(format!("UPDATE d.t SET v = v + 1000000 WHERE id = {at}")).await.unwrap();
        conn.query_drop(format!("DELETE FROM d.t WHERE id = {gone}")).await.unwrap();
        conn.query_drop(format!("INSERT INTO d.t VALUES ({new}, {new}, 'new')")).await.unwrap();
    }
    wait_for(&server, "by_v", Some("Public"));
    index_agrees(&mut conn, "by_v").await;
    let error = conn.query_drop("INSERT INTO d.t VALUES (-1, 15838, '')").await.unwrap_err();
    assert!(error.to_string().contains("Duplicate entry"), "{error}");
    let error = conn.query_drop("CREATE INDEX by_v ON d.t (v)").await.unwrap_err();
    assert!(error.to_string().contains("Duplicate key name"), "{error}");
    let history = server.json("/actors/node-1/ddl");
    assert_eq!(history["observed"]["waiting_jobs"], serde_json::json!([]), "{history}");
}

/// All ids in use, and the last timestamp given out.
fn given_out(server: &Server) -> (Vec<u64>, u64) {
    let regions = server.json("/regions");
    let mut ids: Vec<u64> = Vec::new();
    for region in regions["regions"].as_array().unwrap() {
        ids.push(region["id"].as_u64().unwrap());
        ids.extend(
            region["peers"].as_array().unwrap().iter().map(|peer| peer["id"].as_u64().unwrap()),
        );
    }
    let pd = server.json("/actors/node-1/pd");
    (ids, pd["observed"]["last_timestamp"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_placement_driver_goes_on_where_it_was_after_kill_nine() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&dir);
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    let (mut known, mut last) = given_out(&server);
    for round in 0..3 {
        let table = format!("d.t{round}");
        conn.query_drop(format!("CREATE TABLE {table} (a INT PRIMARY KEY)")).await.unwrap();
        let split = format!("SPLIT TABLE {table} BETWEEN (0) AND (1000) REGIONS 3");
        conn.query_drop(split).await.unwrap();
        conn.query_drop(format!("INSERT INTO {table} VALUES (1), (500), (999)")).await.unwrap();
        let (ids, timestamp) = given_out(&server);
        let mut new: Vec<u64> = ids.iter().filter(|id| !known.contains(id)).copied().collect();
        let largest = known.iter().max().unwrap();
        assert!(!new.is_empty() && new.iter().all(|id| id > largest), "{known:?}, then {new:?}");
        let fresh = new.len();
        new.sort_unstable();
        new.dedup();
        assert_eq!(new.len(), fresh, "an id came twice");
        assert!(timestamp > last);

        server.kill();
        server = start(&dir);
        conn = Conn::new(opts(&server)).await.unwrap();
        // The regions are routed to again, which takes the map that heartbeats make.
        let sum: Option<i64> =
            conn.query_first(format!("SELECT SUM(a) FROM {table}")).await.unwrap();
        assert_eq!(sum, Some(1500));
        let (after, later) = given_out(&server);
        assert_eq!(after, ids, "the regions are those from before");
        assert!(later > timestamp, "timestamps went back");
        (known, last) = (ids, later);
        let observed = &server.json("/actors/node-1/pd")["observed"];
        assert_eq!(observed["bootstrapped"], true);
        assert_eq!(observed["stores"], 1, "{observed}");
        assert_eq!(observed["regions"], known.len() as u64 / 2, "{observed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_stop_leaves_no_gap_in_generated_values() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&dir);
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)").await.unwrap();
    conn.query_drop("INSERT INTO d.t (v) VALUES (1), (2)").await.unwrap();
    drop(conn);
    assert!(server.terminate().success());
    let server = start(&dir);
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    conn.query_drop("INSERT INTO d.t (v) VALUES (3)").await.unwrap();
    let ids: Vec<u64> = conn.query("SELECT id FROM d.t ORDER BY id").await.unwrap();
    assert_eq!(ids, [1, 2, 3]);
}
