//! Foreign keys beside MariaDB's: random tables that refer to each other, random changes, the same errors and the same rows.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, Error, OptsBuilder};

use crate::server::{Server, connect, have};

/// How many sets of tables.
const FORESTS: u64 = 4;
/// Tables of a set.
const TABLES: u64 = 5;
/// Changes of a set.
const CHANGES: u64 = 160;
/// Keys are below this.
const KEYS: u64 = 9;

/// A MariaDB of its own.
struct Peer {
    process: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Peer {
    fn start() -> Peer {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let data_arg = format!("--datadir={}", data.display());
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", &data_arg, "--auth-root-authentication-method=normal"])
            .args(["--skip-test-db", "--user=root"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let port = free_port();
        let process = Command::new("mariadbd")
            .args(["--no-defaults", &data_arg, "--user=root", "--bind-address=127.0.0.1"])
            .arg(format!("--port={port}"))
            .arg(format!("--socket={}", dir.path().join("socket").display()))
            .args(["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Peer { process, port, _dir: dir }
    }

    async fn connect(&self) -> Conn {
        let begun = Instant::now();
        loop {
            let opts = OptsBuilder::default()
                .ip_or_hostname("127.0.0.1")
                .tcp_port(self.port)
                .user(Some("root"));
            match Conn::new(opts).await {
                Ok(conn) => return conn,
                Err(error) => {
                    assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// The same numbers each time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(crate) fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len() as u64) as usize]
    }

    /// A value that may be NULL.
    fn value(&mut self) -> String {
        match self.below(6) {
            0 => "NULL".to_owned(),
            _ => self.below(KEYS).to_string(),
        }
    }
}

const ACTIONS: &[&str] = &["RESTRICT", "CASCADE", "SET NULL", "NO ACTION", "CASCADE"];

fn table(number: u64, random: &mut Random) -> String {
    let mut sql = format!(
        "CREATE TABLE t{number} (id INT PRIMARY KEY, u INT, n INT, a INT, b INT, UNIQUE KEY u (u), KEY n (n)"
    );
    for column in ["a", "b"] {
        // Most refer to an earlier table, some to themselves.
        let parent = random.below(number + 1);
        if parent == number && random.below(2) == 0 {
            continue;
        }
        let key = random.one(&["id", "id", "u", "n"]);
        let (delete, update) = (random.one(ACTIONS), random.one(ACTIONS));
        write!(
            sql,
            ", FOREIGN KEY ({column}) REFERENCES t{parent} ({key}) ON DELETE {delete} ON UPDATE {update}"
        )
        .unwrap();
    }
    sql.push(')');
    sql
}

fn row(random: &mut Random) -> String {
    let id = random.below(KEYS);
    let [u, n, a, b] = std::array::from_fn(|_| random.value());
    format!("({id}, {u}, {n}, {a}, {b})")
}

fn change(random: &mut Random) -> String {
    let table = random.below(TABLES);
    let (one, other) = (random.below(KEYS), random.value());
    match random.below(14) {
        0..=3 => format!("INSERT INTO t{table} VALUES {}", row(random)),
        4 => format!("INSERT INTO t{table} VALUES {}, {}", row(random), row(random)),
        5 => format!("INSERT IGNORE INTO t{table} VALUES {}, {}", row(random), row(random)),
        6 => format!("REPLACE INTO t{table} VALUES {}", row(random)),
        7 => format!(
            "INSERT INTO t{table} VALUES {} ON DUPLICATE KEY UPDATE {} = {other}",
            row(random),
            random.one(&["a", "b", "n"])
        ),
        8 => format!("DELETE FROM t{table} WHERE id = {one}"),
        9 => format!("DELETE FROM t{table} WHERE id > {one} ORDER BY id"),
        10 => format!("UPDATE t{table} SET id = {} WHERE id = {one}", random.below(KEYS)),
        11 => format!("UPDATE t{table} SET u = {other} WHERE id = {one}"),
        12 => format!("UPDATE t{table} SET n = {other} WHERE id > {one} ORDER BY id"),
        _ => format!(
            "UPDATE t{table} SET {} = {other} WHERE id >= {one} ORDER BY id",
            random.one(&["a", "b"])
        ),
    }
}

/// Rows affected, or the number of the error.
async fn outcome(conn: &mut Conn, sql: &str) -> Result<u64, u16> {
    match conn.query_drop(sql).await {
        Ok(()) => Ok(conn.affected_rows()),
        Err(Error::Server(error)) => Err(error.code),
        Err(error) => panic!("{sql}: {error}"),
    }
}

type Row = (i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

async fn rows(conn: &mut Conn) -> Vec<Vec<Row>> {
    let mut all = Vec::new();
    for table in 0..TABLES {
        let sql = format!("SELECT id, u, n, a, b FROM t{table} ORDER BY id");
        all.push(conn.query(sql).await.unwrap());
    }
    all
}

/// By each column the same rows are found.
async fn assert_sound(conn: &mut Conn, log: &str) {
    for table in 0..TABLES {
        for column in ["u", "n", "a", "b"] {
            let sql = format!(
                "SELECT COUNT(*), SUM(x.{column} <=> y.{column}) FROM \
                 (SELECT id, {column} FROM t{table} WHERE {column} IS NULL OR {column} >= 0) x \
                 JOIN (SELECT id, {column} FROM t{table} WHERE id >= 0) y ON x.id = y.id"
            );
            let found: Option<(i64, Option<i64>)> = conn.query_first(sql).await.unwrap();
            let all: Option<i64> = conn
                .query_first(format!("SELECT COUNT(*) FROM t{table} WHERE id >= 0"))
                .await
                .unwrap();
            let (found, all) = (found.unwrap(), all.unwrap());
            assert_eq!((found.0, found.1.unwrap_or(0)), (all, all), "t{table}.{column}\n{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_changes_give_what_mariadb_gives() {
    if !have("mariadbd") || !have("mariadb-install-db") {
        return;
    }
    let (server, peer) = (Server::start(), Peer::start());
    let (mut ours, mut theirs) = (connect(&server).await, peer.connect().await);
    for forest in 0..FORESTS {
        let mut random = Random(forest * 1_000_003 + 17);
        let mut log = String::new();
        for sql in ["DROP DATABASE IF EXISTS f", "CREATE DATABASE f", "USE f"] {
            ours.query_drop(sql).await.unwrap();
            theirs.query_drop(sql).await.unwrap();
        }
        for number in 0..TABLES {
            let sql = table(number, &mut random);
            writeln!(log, "{sql};").unwrap();
            ours.query_drop(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            theirs.query_drop(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        for number in 0..CHANGES {
            let sql = change(&mut random);
            let (own, other) = (outcome(&mut ours, &sql).await, outcome(&mut theirs, &sql).await);
            writeln!(log, "{sql};\n  -- {other:?}").unwrap();
            assert_eq!(own, other, "forest {forest}, change {number}\n{log}");
            assert_eq!(rows(&mut ours).await, rows(&mut theirs).await, "forest {forest}\n{log}");
            if number % 20 == 19 {
                assert_sound(&mut ours, &log).await;
            }
        }
    }
}
