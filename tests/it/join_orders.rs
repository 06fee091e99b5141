//! Joins give the same rows in every order, and by every way of looking rows up.

use std::fmt::Write as _;

use mysql_async::prelude::*;
use mysql_async::{Conn, Row};

use crate::foreign_keys_peer::Random;
use crate::server::{Server, connect};

const TABLES: u64 = 6;
const QUERIES: usize = 150;
/// Queries with more rows tell no more.
const MOST_ROWS: u64 = 5_000;

/// The rows of a query, in an order of their own.
async fn rows(conn: &mut Conn, sql: &str) -> Vec<String> {
    let rows: Vec<Row> = conn.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut rows: Vec<String> = rows.into_iter().map(|row| format!("{:?}", row.unwrap())).collect();
    rows.sort_unstable();
    rows
}

async fn fill(conn: &mut Conn, random: &mut Random) {
    for table in 0..TABLES {
        let key = random.one(&["KEY (b)", "UNIQUE KEY (c)", "KEY (b, d)", "KEY (d), KEY (b)"]);
        let sql = format!("CREATE TABLE t{table} (a INT PRIMARY KEY, b INT, c INT, d INT, {key})");
        conn.query_drop(sql).await.unwrap();
        let count = [3, 20, 150, 900][table as usize % 4];
        let mut values = Vec::new();
        for id in 0..count {
            let mut below = |most: u64| match random.below(8) {
                0 => "NULL".to_owned(),
                _ => random.below(most).to_string(),
            };
            let (b, d) = (below(count.min(40)), below(5));
            values.push(format!("({id}, {b}, {}, {d})", count - id));
        }
        let sql = format!("INSERT INTO t{table} VALUES {}", values.join(", "));
        conn.query_drop(sql).await.unwrap();
        conn.query_drop(format!("ANALYZE TABLE t{table}")).await.unwrap();
    }
}

fn column(random: &mut Random, table: u64) -> String {
    format!("x{table}.{}", random.one(&["a", "b", "c", "d"]))
}

/// A query of joins, with `{}` where STRAIGHT_JOIN may stand.
fn query(random: &mut Random) -> String {
    let count = 2 + random.below(4);
    let (mut from, mut conditions) = (String::new(), Vec::new());
    for table in 0..count {
        let name = format!("t{} x{table}", random.below(TABLES));
        if table == 0 {
            from = name;
        } else {
            let other = random.below(table);
            let on = format!("{} = {}", column(random, table), column(random, other));
            let kind = match random.below(6) {
                0 => "LEFT JOIN",
                _ => "JOIN",
            };
            write!(from, " {kind} {name} ON {on}").unwrap();
        }
        if random.below(2) == 0 {
            let sign = random.one(&["=", "<", ">=", "<=>"]);
            conditions.push(format!("{} {sign} {}", column(random, table), random.below(12)));
        }
    }
    // One more, which makes a circle; or one that is no equality.
    let (left, right) = (random.below(count), random.below(count));
    let sign = random.one(&["=", "<", "<>"]);
    let (left, right) = (column(random, left), column(random, right));
    conditions.push(format!("{left} {sign} {right}"));
    let list: Vec<String> = (0..count).map(|table| format!("x{table}.a, x{table}.b")).collect();
    format!("SELECT {{}} {} FROM {from} WHERE {}", list.join(", "), conditions.join(" AND "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_of_joins_gives_the_same_rows() {
    let server = Server::start();
    let mut conn = connect(&server).await;
    let mut random = Random(7);
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("USE d").await.unwrap();
    fill(&mut conn, &mut random).await;
    let mut other_plans = 0;
    for _ in 0..QUERIES {
        let query = query(&mut random);
        let (free, straight) = (query.replace("{}", ""), query.replace("{}", "STRAIGHT_JOIN"));
        let from = free.find(" FROM ").unwrap();
        let counted = format!("SELECT COUNT(*){}", &free[from..]);
        let count: u64 = conn.query_first(counted).await.unwrap().unwrap();
        if count > MOST_ROWS {
            continue;
        }
        let explain = |sql: &str| format!("EXPLAIN {sql}");
        let (one, other) = (explain(&free), explain(&straight));
        other_plans += usize::from(rows(&mut conn, &one).await != rows(&mut conn, &other).await);
        assert_eq!(rows(&mut conn, &free).await, rows(&mut conn, &straight).await, "{free}");
    }
    assert!(other_plans > 20, "only {other_plans} queries have another order than the text's");
}
