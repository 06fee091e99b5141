//! Regions that grow are split, by their bytes and by their keys, while clients go on.

use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::server::{Options, Server};

const ROWS: u64 = 6_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Fills a table under this setting, until it has several regions; answers how large the largest is.
async fn regions_under(setting: (&str, &str), value: &str) -> serde_json::Value {
    let server = Server::with(&Options { env: &[setting], ..Options::default() });
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"));
    let mut conn = Conn::new(opts).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(1000))").await.unwrap();
    for chunk in (0..ROWS).collect::<Vec<_>>().chunks(250) {
        let rows: Vec<String> = chunk.iter().map(|a| format!("({a}, '{value}')")).collect();
        conn.query_drop(format!("INSERT INTO d.t VALUES {}", rows.join(","))).await.unwrap();
    }
    let begun = Instant::now();
    let regions = loop {
        let regions = server.json("/regions");
        if regions["total"].as_u64().unwrap() >= 3 {
            break regions;
        }
        assert!(begun.elapsed() < PATIENCE, "under {setting:?} there is only {regions}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let sum: Option<u64> = conn.query_first("SELECT SUM(a) FROM d.t").await.unwrap();
    assert_eq!(sum, Some(ROWS * (ROWS - 1) / 2), "no row is lost, none is there twice");
    let a: Option<u64> = conn.query_first("SELECT a FROM d.t WHERE a = 4321").await.unwrap();
    assert_eq!(a, Some(4321));
    conn.query_drop("UPDATE d.t SET b = 'new' WHERE a BETWEEN 100 AND 5000").await.unwrap();
    let new: Option<u64> =
        conn.query_first("SELECT COUNT(*) FROM d.t WHERE b = 'new'").await.unwrap();
    assert_eq!(new, Some(4901));
    regions
}

/// The regions hang together from one end of the key space to the other.
fn are_seamless(regions: &serde_json::Value) {
    let regions = regions["regions"].as_array().unwrap();
    assert_eq!(regions[0]["start"]["key"], "");
    assert_eq!(regions[regions.len() - 1]["end"]["key"], "");
    assert!(regions.windows(2).all(|pair| pair[0]["end"]["key"] == pair[1]["start"]["key"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_of_many_small_rows_is_split() {
    are_seamless(&regions_under(("TROUPE_STORE_REGION_SPLIT_KEYS", "1000"), "x").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_of_many_bytes_is_split() {
    let value = "x".repeat(1000);
    are_seamless(&regions_under(("TROUPE_STORE_REGION_SPLIT_SIZE", "1MiB"), &value).await);
}
