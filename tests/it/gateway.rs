//! A gateway in a process of its own: its clients' sessions are on SQL nodes.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use serde_json::Value;

use crate::server::{Server, mariadb, node, run, until_running};

const PATIENCE: Duration = Duration::from_secs(60);

fn query(server: &Server, sql: &str) -> String {
    run(mariadb(server).args(["-N", "-e", sql]))
}

/// What a client is told that cannot do it.
fn refused(server: &Server, args: &[&str]) -> String {
    let output = mariadb(server).args(args).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come about");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn sessions(sql: &Server, name: &str) -> Value {
    sql.json(&format!("/actors/{name}/sessions"))["observed"].clone()
}

/// A placement driver, a store, two nodes with SQL that no client reaches, and a gateway that knows both.
fn cluster() -> (Vec<Server>, Server, Server, Server) {
    let pd = node("pd1", "pd", None);
    let store = node("store1", "store", Some(&pd));
    let one = node("sql1", "sql,ddl", Some(&pd));
    let two = node("sql2", "sql", Some(&pd));
    let gateway = node("gateway1", "gateway", Some(&pd));
    (vec![pd, store], one, two, gateway)
}

#[test]
fn clients_of_a_gateway_have_their_sessions_on_sql_nodes() {
    let (_others, one, two, gateway) = cluster();
    query(
        &gateway,
        "CREATE DATABASE d; USE d; CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(100));
         BEGIN; INSERT INTO t VALUES (1, 'one'); SET @x = 7; INSERT INTO t VALUES (2, @x); COMMIT",
    );
    assert_eq!(query(&gateway, "SELECT * FROM d.t ORDER BY a"), "1\tone\n2\t7\n");
    for _ in 0..4 {
        query(&gateway, "SELECT 1");
    }
    for (sql, name) in [(&one, "sql1"), (&two, "sql2")] {
        let seen = sessions(sql, name);
        assert!(seen["opened"].as_u64().unwrap() >= 2, "each has its turn: {seen}");
        until("the end of sessions without clients", || sessions(sql, name)["sessions"] == 0);
    }

    // Errors, at the login and later.
    let said = refused(&gateway, &["-e", "SELECT 1", "nowhere"]);
    assert!(said.contains("1049") && said.contains("nowhere"), "{said}");
    let said = refused(&gateway, &["-unobody", "-psecret", "-e", "SELECT 1"]);
    assert!(said.contains("1045") && said.contains("'nobody'@'localhost'"), "{said}");
    let said = refused(&gateway, &["-e", "SELECT * FROM d.missing"]);
    assert!(said.contains("1146"), "{said}");
    query(&gateway, "CREATE USER ann IDENTIFIED BY 'secret'");
    until("the account on both nodes", || {
        let mut logins = (0..4).map(|_| {
            let ann = ["-uann", "-psecret", "-e", "SELECT 1"];
            mariadb(&gateway).args(ann).stderr(Stdio::null()).status().unwrap().success()
        });
        logins.all(|ok| ok)
    });

    // An answer of many parts, whole.
    let insert: Vec<String> = (3..4000).map(|a| format!("({a}, REPEAT('x', 90))")).collect();
    query(&gateway, &format!("INSERT INTO d.t VALUES {}", insert.join(",")));
    let rows = query(&gateway, "SELECT x.a, y.b FROM d.t x JOIN d.t y ON y.a = x.a ORDER BY x.a");
    assert_eq!(rows.lines().count(), 3999);
    assert!(rows.ends_with(&format!("3999\t{}\n", "x".repeat(90))), "{}", rows.len());

    // Nothing of a client that is gone holds others up.
    let mut client = mariadb(&gateway).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let statements = b"BEGIN; UPDATE d.t SET b = 'mine' WHERE a = 1;\n";
    let mut stdin = client.stdin.take().unwrap();
    stdin.write_all(statements).unwrap();
    let holders =
        || sessions(&one, "sql1")["sessions"] == 1 || sessions(&two, "sql2")["sessions"] == 1;
    until("its session", holders);
    until("its lock", || {
        let locked = ["-e", "SELECT a FROM d.t WHERE a = 1 FOR UPDATE NOWAIT"];
        let output = mariadb(&gateway).args(locked).output().unwrap();
        String::from_utf8_lossy(&output.stderr).contains("3572")
    });
    client.kill().unwrap();
    client.wait().unwrap();
    let begun = Instant::now();
    query(&gateway, "UPDATE d.t SET b = 'theirs' WHERE a = 1");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(query(&gateway, "SELECT b FROM d.t WHERE a = 1"), "theirs\n");
}

#[tokio::test]
async fn prepared_statements_and_kill_cross_too() {
    let (_others, one, _two, gateway) = cluster();
    let url = format!("mysql://root@127.0.0.1:{}/", gateway.mysql_port);
    let mut connection = mysql_async::Conn::from_url(&url).await.unwrap();
    connection.query_drop("CREATE DATABASE d").await.unwrap();
    connection.query_drop("CREATE TABLE d.t (a INT PRIMARY KEY, b LONGBLOB)").await.unwrap();
    let insert = connection.prep("INSERT INTO d.t VALUES (?, ?)").await.unwrap();
    let blob = vec![7u8; 300_000];
    for a in 0..10 {
        connection.exec_drop(&insert, (a, &blob)).await.unwrap();
    }
    let read: Vec<(i32, Vec<u8>)> =
        connection.exec("SELECT a, b FROM d.t WHERE a >= ? ORDER BY a", (2,)).await.unwrap();
    assert_eq!(read.len(), 8);
    assert!(read.iter().all(|(_, bytes)| *bytes == blob));
    // The number of the greeting is the one that statements tell.
    let id: u32 = connection.query_first("SELECT CONNECTION_ID()").await.unwrap().unwrap();
    assert_eq!(id, connection.id());
    assert!(id > 1 << 21, "{id}");
    connection.reset().await.unwrap();
    let error = connection.query_drop(format!("KILL {id}")).await.unwrap_err().to_string();
    assert!(error.contains("1317") || error.contains("interrupted"), "{error}");
    assert!(connection.query_drop("SELECT 1").await.is_err(), "the connection has ended");
    drop(one);
}

#[test]
fn a_sql_node_that_is_lost_costs_its_clients_a_new_connection() {
    let (_others, mut one, two, gateway) = cluster();
    query(&gateway, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY)");
    // Two clients on each node, with something in hand.
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut command = mariadb(&gateway);
            command.args(["-N", "-e", "SELECT SLEEP(3); SELECT 'whole'"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    until("their sessions", || {
        sessions(&one, "sql1")["sessions"] == 2 && sessions(&two, "sql2")["sessions"] == 2
    });
    one.kill();
    let begun = Instant::now();
    let mut whole = 0;
    for client in clients {
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.success() {
            true => whole += 1,
            false => assert!(said.contains("connect again") || said.contains("Lost"), "{said}"),
        }
    }
    assert_eq!(whole, 2, "those on the other node notice nothing");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // Whoever connects now is served by the other, at once.
    for a in 0..4 {
        query(&gateway, &format!("INSERT INTO d.t VALUES ({a})"));
    }
    assert_eq!(query(&gateway, "SELECT COUNT(*) FROM d.t"), "4\n");
    drop(two);
    let said = refused(&gateway, &["-e", "SELECT 1"]);
    assert!(said.contains("no SQL node"), "{said}");
}

#[test]
fn a_sql_node_that_stops_finishes_what_is_in_hand() {
    let (_others, mut one, mut two, gateway) = cluster();
    let client = mariadb(&gateway)
        .args(["-N", "-e", "SELECT SLEEP(6), 'done'"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let has = |server: &Server, name: &str| sessions(server, name)["sessions"] == 1;
    until("its session", || has(&one, "sql1") || has(&two, "sql2"));
    let stopping = if has(&one, "sql1") { &mut one } else { &mut two };
    until_running(&gateway, "SELECT SLEEP(6)", 1);
    assert!(stopping.terminate().success(), "{}", stopping.log());
    let output = client.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\tdone\n");
    assert_eq!(query(&gateway, "SELECT 1"), "1\n");
}
