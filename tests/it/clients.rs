//! Real clients: each connects, creates, inserts, prepares, selects, and sees errors.

use std::path::PathBuf;
use std::process::Command;

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder, Value};

use crate::server::{Server, have, mariadb, repository, run};

/// Where `make test` installs the drivers of other languages.
pub(crate) fn drivers() -> PathBuf {
    if let Some(path) = std::env::var_os("TROUPEDB_CLIENTS") {
        return path.into();
    }
    // The test binary lies in <target>/release/deps.
    let exe = std::env::current_exe().unwrap();
    let target = exe.ancestors().nth(3).unwrap();
    target.join("clients")
}

/// Whether a driver is installed. In CI it must be; elsewhere its test is skipped, loudly.
pub(crate) fn installed(mark: &str) -> bool {
    let found = drivers().join(mark).exists();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{mark} is missing in {}", drivers().display());
        eprintln!("SKIPPED: {mark} is not installed; `make test` installs it");
    }
    found
}

#[test]
fn mariadb_command_line() {
    if !have("mariadb") {
        return;
    }
    let server = Server::start();
    let script = "CREATE DATABASE test_db; USE test_db; \
        CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100)); \
        INSERT INTO users VALUES (1, 'Alice'), (2, 'Bob'); \
        SELECT * FROM users; DROP TABLE users; DROP DATABASE test_db";
    assert_eq!(run(mariadb(&server).args(["-e", script])), "id\tname\n1\tAlice\n2\tBob\n");
    assert_eq!(run(mariadb(&server).args(["-N", "-e", "SHOW DATABASES LIKE 'test_db'"])), "");
    let output = mariadb(&server).args(["-e", "SELECT * FROM nowhere.t"]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("ERROR 1049 (42000)") || said.contains("ERROR 1146 (42S02)"), "{said}");
}

#[test]
fn mariadb_status_names_the_server() {
    if !have("mariadb") {
        return;
    }
    let server = Server::start();
    let status = run(mariadb(&server).args(["-e", "status"]));
    assert!(status.contains("8.0.36-TroupeDB-v"), "{status}");
}

#[test]
fn python_pymysql() {
    if installed("python.done") {
        python("pymysql_client.py");
    }
}

#[test]
fn python_mysql_connector() {
    if installed("python.done") {
        python("connector_client.py");
    }
}

fn python(script: &str) {
    let server = Server::start();
    let said = run(Command::new(drivers().join("python/bin/python"))
        .arg(repository("tests/it/clients").join(script))
        .arg(server.mysql_port.to_string()));
    assert!(said.trim_end().ends_with("all well"), "{said}");
}

#[test]
fn node_mysql2() {
    if !installed("node.done") {
        return;
    }
    let server = Server::start();
    let said = run(Command::new("node")
        .arg(repository("tests/it/clients/mysql2_client.js"))
        .arg(server.mysql_port.to_string())
        .env("NODE_PATH", drivers().join("node/node_modules")));
    assert!(said.trim_end().ends_with("all well"), "{said}");
}

#[tokio::test]
async fn rust_mysql_async() {
    let server = Server::start();
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"));
    let mut conn = Conn::new(opts).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("USE d").await.unwrap();
    conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, n BIGINT UNSIGNED, f DOUBLE, d DECIMAL(20,4), s VARCHAR(50), b BLOB, at DATETIME(6))")
        .await
        .unwrap();
    let insert = "INSERT INTO t (n, f, d, s, b, at) VALUES (?, ?, ?, ?, ?, ?)";
    let at = Value::Date(2024, 2, 29, 12, 34, 56, 789_000);
    conn.exec_drop(
        insert,
        (u64::MAX, 1.5f64, "12345.6789", "Grüße", vec![0u8, 255, 1], at.clone()),
    )
    .await
    .unwrap();
    assert_eq!(conn.last_insert_id(), Some(1));
    let nothing = (Value::NULL, Value::NULL, Value::NULL, Value::NULL, Value::NULL, Value::NULL);
    conn.exec_drop(insert, nothing).await.unwrap();
    assert_eq!(conn.affected_rows(), 1);
    let rows: Vec<mysql_async::Row> = conn
        .exec("SELECT id, n, f, d, s, b, at FROM t WHERE id >= ? ORDER BY id", (1,))
        .await
        .unwrap();
    let bytes = |text: &str| Value::Bytes(text.as_bytes().to_vec());
    assert_eq!(
        rows[0].clone().unwrap(),
        [
            Value::Int(1),
            Value::UInt(u64::MAX),
            Value::Double(1.5),
            bytes("12345.6789"),
            bytes("Grüße"),
            Value::Bytes(vec![0, 255, 1]),
            at
        ]
    );
    assert_eq!(rows[1].clone().unwrap()[1..], vec![Value::NULL; 6]);
    let error = conn.query_drop("INSERT INTO t (id) VALUES (1)").await.unwrap_err();
    let mysql_async::Error::Server(error) = error else { panic!("{error}") };
    assert_eq!((error.code, error.state.as_str()), (1062, "23000"));
    assert_eq!(error.message, "Duplicate entry '1' for key 't.PRIMARY'");
    let mut transaction = conn.start_transaction(mysql_async::TxOpts::default()).await.unwrap();
    transaction.query_drop("DELETE FROM t").await.unwrap();
    transaction.rollback().await.unwrap();
    let count: Option<u64> = conn.query_first("SELECT COUNT(*) FROM t").await.unwrap();
    assert_eq!(count, Some(2));
    conn.reset().await.unwrap();
    conn.ping().await.unwrap();
    conn.disconnect().await.unwrap();
}

#[tokio::test]
async fn packets_over_sixteen_mebibytes() {
    let server = Server::start();
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .max_allowed_packet(Some(64 << 20))
        .user(Some("root"));
    let mut conn = Conn::new(opts).await.unwrap();
    let long = "x".repeat((17 << 20) + 3);
    let length: Option<(u64, String)> =
        conn.exec_first("SELECT LENGTH(?), ?", (long.as_str(), long.as_str())).await.unwrap();
    let (length, echoed) = length.unwrap();
    assert_eq!(length, long.len() as u64);
    assert!(echoed == long);
}

#[test]
fn the_chinook_database_loads() {
    let file = repository("tests/it/data/chinook.sql");
    if !have("mariadb") {
        return;
    }
    let server = Server::start();
    let loaded = mariadb(&server)
        .args(["--default-character-set=utf8mb4", "--force"])
        .stdin(std::fs::File::open(file).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&loaded.stderr).into_owned();
    assert!(!said.contains("ERROR"), "{said}");
    let sql = "SELECT COUNT(*) FROM Track; \
        SELECT g.Name, COUNT(*) AS n FROM Track t JOIN Genre g ON t.GenreId = g.GenreId \
        GROUP BY g.Name ORDER BY n DESC, g.Name LIMIT 3";
    assert_eq!(
        run(mariadb(&server).args(["-N", "Chinook", "-e", sql])),
        "3503\nRock\t1297\nLatin\t579\nMetal\t374\n"
    );
}

/// Connector/J takes a number for bytes if its column says that it is binary: of the columns of a table only bytes are.
#[tokio::test]
async fn columns_say_which_of_them_are_binary() {
    let server = Server::start();
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"));
    let mut conn = Conn::new(opts).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop(
        "CREATE TABLE d.t (a TINYINT(1), b BIGINT UNSIGNED, c DECIMAL(9,2), d DOUBLE, e YEAR, f VARCHAR(9), g BLOB, h DATETIME, i VARBINARY(9))",
    )
    .await
    .unwrap();
    let text = conn.query_iter("SELECT t.*, a + 1 FROM d.t").await.unwrap();
    let flags = |columns: &[mysql_async::Column]| -> String {
        let binary = mysql_async::consts::ColumnFlags::BINARY_FLAG;
        let flag = |column: &mysql_async::Column| column.flags().contains(binary);
        columns.iter().map(|column| if flag(column) { 'b' } else { '-' }).collect()
    };
    let columns = text.columns().expect("a SELECT has columns");
    assert_eq!(flags(&columns), "------bbbb");
    drop(text);
    let prepared = conn.prep("SELECT t.*, a + 1 FROM d.t").await.unwrap();
    assert_eq!(flags(&prepared.columns()), "------bbbb");
}
