//! Statements that compute for long keep nobody waiting, and end when they are told to.

use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::*;
use tokio::task::JoinHandle;

use crate::server::{Options, Server, code, connect};

const INTERRUPTED: u16 = 1317;
const TIMEOUT: u16 = 3024;
/// Measured: some milliseconds. This is what a machine that does much else needs.
const PROMPT: Duration = Duration::from_secs(5);

/// Each of them takes minutes or more.
const LONG: [&str; 5] = [
    "SELECT COUNT(*) FROM big p, big q, h r WHERE p.a + q.a + r.a < SQRT(p.a * q.a)",
    "SELECT COUNT(*) FROM big p JOIN big q ON p.a < q.a + 5 JOIN big r ON q.a < r.a + 5",
    "SELECT COUNT(*), MAX(p.a) FROM big p, big q, big r",
    "SELECT MAX(LENGTH(REPEAT(p.a, 100))) FROM big p, big q, h r",
    "SELECT COUNT(*) FROM big p, big q, h r WHERE CONCAT(p.a, 'x', q.a) LIKE '%9x9%z'",
];
/// Operators that gather many rows before they give one; 400,000 here, so that the machine of a test has something to do.
const GATHERING: [&str; 9] = [
    "SELECT COUNT(*), MAX(x.k) FROM (SELECT p.a * 40 + q.a k FROM big p, forty q) x JOIN \
     (SELECT p.a * 40 + q.a k FROM big p, forty q) y ON x.k = y.k JOIN big z ON z.a < x.k",
    "SELECT COUNT(*), MAX(k) FROM (SELECT CONCAT(p.a * 40 + q.a) k FROM big p, forty q ORDER BY k DESC LIMIT 1000000000) x, big y",
    "SELECT COUNT(*), MAX(n) FROM (SELECT p.a * 40 + q.a k, COUNT(*) n FROM big p, forty q GROUP BY k) x, big y",
    "SELECT COUNT(*) FROM (SELECT CONCAT('x', p.a * 40 + q.a) k, MAX(p.a) FROM big p, forty q GROUP BY k) x, big y",
    "SELECT COUNT(*) FROM (SELECT DISTINCT p.a * 40 + q.a k FROM big p, forty q) x, big y",
    "SELECT COUNT(*) FROM (SELECT p.a * 40 + q.a k FROM big p, forty q UNION SELECT p.a * 40 + q.a + 1 FROM big p, forty q) x, big y",
    "SELECT COUNT(DISTINCT p.a * 40 + q.a) FROM big p, forty q, big r",
    "SELECT COUNT(*) FROM (SELECT x.a * 40 + y.a + 200000 k FROM big x, forty y \
     WHERE x.a * 40 + y.a + 200000 NOT IN (SELECT p.a * 40 + q.a FROM big p, forty q)) w, big z WHERE w.k + z.a < 0",
    "WITH c AS (SELECT p.a * 40 + q.a k FROM big p, forty q) SELECT COUNT(*) FROM c x, c y WHERE x.k + y.k < 0",
];
/// One long call of a function.
const CALL: &str = "DO REPEAT('a', 120000) LIKE CONCAT('%', REPEAT('a', 60000), 'b')";

/// A client in the database that [`start`] has made.
async fn enter(server: &Server) -> Conn {
    let mut conn = connect(server).await;
    conn.query_drop("USE d").await.unwrap();
    conn
}

async fn start() -> Server {
    let server = Server::with(&Options::default());
    let mut conn = connect(&server).await;
    for sql in [
        "CREATE DATABASE d",
        "USE d",
        "CREATE TABLE h (a INT PRIMARY KEY)",
        "CREATE TABLE big (a INT PRIMARY KEY)",
        "INSERT INTO h VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
        "CREATE TABLE forty (a INT PRIMARY KEY)",
        "INSERT INTO forty SELECT p.a + 10 * q.a FROM h p, h q WHERE q.a < 4",
        "INSERT INTO big SELECT p.a + 10 * q.a + 100 * r.a + 1000 * s.a FROM h p, h q, h r, h s",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    server
}

/// Runs a statement beside the test; its connection's number, and what comes of it.
async fn beside(server: &Server, sql: &'static str) -> (u32, JoinHandle<Option<u16>>) {
    let mut conn = enter(server).await;
    let id = conn.id();
    (id, tokio::spawn(async move { code(conn.query_drop(sql).await) }))
}

/// The numbers of those that run one of the long statements.
async fn running(conn: &mut Conn) -> Vec<u32> {
    let rows: Vec<mysql_async::Row> = conn.query("SHOW FULL PROCESSLIST").await.unwrap();
    let info = |row: &mysql_async::Row| row.get::<Option<String>, _>("Info").unwrap();
    let runs =
        |row: &&mysql_async::Row| info(row).is_some_and(|info| LONG.contains(&info.as_str()));
    rows.iter().filter(runs).map(|row| row.get("Id").unwrap()).collect()
}

/// Wherever they are when they are told to: while they gather, in between, while they give.
#[tokio::test(flavor = "multi_thread")]
async fn operators_that_gather_end_when_they_are_told_to() {
    let server = start().await;
    let mut conn = enter(&server).await;
    for sql in GATHERING {
        for pause in [50, 700] {
            let (id, outcome) = beside(&server, sql).await;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            conn.query_drop(format!("KILL QUERY {id}")).await.unwrap();
            let ended = prompt(sql, outcome).await.unwrap();
            assert_eq!(ended, Some(INTERRUPTED), "{sql}");
        }
    }
}

/// A statement is ended while it is planned, too: this one took minutes.
#[tokio::test(flavor = "multi_thread")]
async fn planning_ends_when_it_is_told_to() {
    let server = start().await;
    let mut conn = enter(&server).await;
    let mut planned = enter(&server).await;
    let id = planned.id();
    let parts: Vec<String> = (0..100_000).map(|number| format!("p.a <> {number}")).collect();
    let sql =
        format!("EXPLAIN SELECT 1 FROM big p, big q WHERE p.a = q.a AND {}", parts.join(" AND "));
    let outcome = tokio::spawn(async move { code(planned.query_drop(sql).await) });
    let in_hand = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {id} AND COMMAND = 'Query'"
    );
    while conn.query_first::<u32, _>(&in_hand).await.unwrap() == Some(0) {
        assert!(!outcome.is_finished(), "it was not seen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    conn.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    let ended = prompt("planning", outcome).await.unwrap();
    assert_eq!(ended, Some(INTERRUPTED));
}

/// SLEEP that is interrupted is 1, and its statement goes on.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_sleeps_is_woken() {
    let server = start().await;
    let mut conn = enter(&server).await;
    let mut sleeper = enter(&server).await;
    let id = sleeper.id();
    let slept =
        tokio::spawn(
            async move { sleeper.query_first::<(i64, i64), _>("SELECT SLEEP(100), 7").await },
        );
    tokio::time::sleep(Duration::from_millis(500)).await;
    conn.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    let row = prompt("sleep", slept).await.unwrap().unwrap();
    assert_eq!(row, Some((1, 7)));
    conn.query_drop("SET max_execution_time = 100").await.unwrap();
    let row = prompt("sleep", conn.query_first::<i64, _>("SELECT SLEEP(100)")).await.unwrap();
    assert_eq!(row, Some(1));
}

async fn prompt<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = work.await;
    let took = begun.elapsed();
    assert!(took < PROMPT, "{what} took {took:?}");
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_statements_keep_nobody_waiting_and_are_killed() {
    let server = start().await;
    let mut other = enter(&server).await;
    let mut statements = Vec::new();
    for sql in LONG {
        statements.push((sql, beside(&server, sql).await));
    }
    let call = beside(&server, CALL).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(running(&mut other).await.len(), LONG.len(), "none has ended");
    let mut slowest = Duration::ZERO;
    for number in 0..50 {
        let begun = Instant::now();
        let sql = format!("SELECT a FROM big WHERE a = {number}");
        let found: Option<u32> = prompt("a point read", other.query_first(sql)).await.unwrap();
        assert_eq!(found, Some(number));
        slowest = slowest.max(begun.elapsed());
    }
    println!("the slowest of 50 point reads took {slowest:?}");
    let mut new = prompt("a login", enter(&server)).await;
    prompt("a write", new.query_drop("UPDATE h SET a = 10 WHERE a = 9")).await.unwrap();
    // What is heavy but short has its turn, too.
    let sorted = "SELECT COUNT(*) FROM (SELECT a FROM big ORDER BY a DESC LIMIT 5000) t";
    let count: Option<u32> = prompt("a sort", new.query_first(sorted)).await.unwrap();
    assert_eq!(count, Some(5000));
    for (sql, (id, statement)) in statements {
        let killed = async {
            other.query_drop(format!("KILL QUERY {id}")).await.unwrap();
            statement.await.unwrap()
        };
        assert_eq!(prompt(sql, killed).await, Some(INTERRUPTED), "{sql}");
    }
    drop(call);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_limit_ends_a_statement_wherever_it_is() {
    let server = start().await;
    let mut conn = enter(&server).await;
    conn.query_drop("SET max_execution_time = 300").await.unwrap();
    for sql in LONG {
        let ended = prompt(sql, conn.query_drop(sql)).await;
        assert_eq!(code(ended), Some(TIMEOUT), "{sql}");
    }
    // Alone it is 1 instead.
    let row = prompt("SLEEP", conn.query_first("SELECT SLEEP(60), 1")).await.unwrap();
    assert_eq!(row, Some((1, 1)));
    assert_eq!(conn.query_first("SELECT 1").await.unwrap(), Some(1));
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_gone_ends_its_statement() {
    let server = start().await;
    let mut other = enter(&server).await;
    for sql in LONG {
        let (id, statement) = beside(&server, sql).await;
        while !running(&mut other).await.contains(&id) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Drops the connection: the socket is closed, and nothing is said.
        statement.abort();
        let gone = async {
            while running(&mut other).await.contains(&id) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        prompt(sql, gone).await;
    }
    // And nothing computes any more.
    let idle = async {
        while load(&server) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    prompt("the workers' rest", idle).await;
}

/// How many statements the workers have in hand.
fn load(server: &Server) -> u64 {
    let metrics = server.get("/metrics");
    let line = metrics.lines().find(|line| line.starts_with("troupe_compute_busy"));
    line.and_then(|line| line.split(' ').next_back()?.parse().ok()).unwrap()
}
