//! SHOW PROCESSLIST and KILL with sessions on several SQL nodes.

use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::*;
use rustix::process::Signal;

use crate::server::{Server, code, connect, node};

const UNKNOWN_THREAD: u16 = 1094;
/// Nobody waits longer for a statement that is killed, or for a connection to end.
const SOON: Duration = Duration::from_secs(10);

/// How many sessions a node has.
fn sessions(server: &Server, name: &str) -> u64 {
    let state = server.json(&format!("/actors/{name}/sessions"));
    state["observed"]["sessions"].as_u64().unwrap_or_else(|| panic!("{state}"))
}

/// Number and statement of everybody in the list.
async fn list(conn: &mut Conn) -> Vec<(u32, Option<String>)> {
    let rows: Vec<mysql_async::Row> = conn.query("SHOW FULL PROCESSLIST").await.unwrap();
    rows.iter().map(|row| (row.get("Id").unwrap(), row.get("Info").unwrap())).collect()
}

/// Waits until it is in the list that somebody sleeps.
async fn until_asleep(conn: &mut Conn, id: u32) {
    let begun = Instant::now();
    while !list(conn).await.iter().any(|(other, info)| {
        *other == id && info.as_ref().is_some_and(|info| info.contains("SLEEP"))
    }) {
        assert!(begun.elapsed() < SOON, "{:?}", list(conn).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// KILL QUERY ends the statement of each (a SLEEP that is ended is 1), the connection goes on.
async fn kill_statements(other: &mut Conn, conns: &mut Vec<Conn>) {
    for mut conn in conns.split_off(0) {
        let id = conn.id();
        let asleep = tokio::spawn(async move {
            let begun = Instant::now();
            let slept: Option<u8> = conn.query_first("SELECT SLEEP(30)").await.unwrap();
            (conn, slept, begun.elapsed())
        });
        until_asleep(other, id).await;
        other.query_drop(format!("KILL QUERY {id}")).await.unwrap();
        let (mut conn, slept, took) = asleep.await.unwrap();
        assert_eq!(slept, Some(1));
        assert!(took < SOON, "{took:?}");
        assert_eq!(conn.query_first("SELECT 1").await.unwrap(), Some(1));
        conns.push(conn);
    }
}

/// KILL ends the connection: of one that sleeps in a statement, and of one that does nothing.
async fn kill_connections(other: &mut Conn, conns: Vec<Conn>) {
    for (at, mut conn) in conns.into_iter().enumerate() {
        let id = conn.id();
        let busy = at % 2 == 0;
        let asleep = tokio::spawn(async move {
            let first = if busy { conn.query_drop("SELECT SLEEP(30)").await } else { Ok(()) };
            let begun = Instant::now();
            // Its next command finds that there is nobody any more.
            while conn.query_drop("SELECT 1").await.is_ok() {
                assert!(begun.elapsed() < SOON, "the connection does not end");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            first
        });
        if busy {
            until_asleep(other, id).await;
        }
        let killed = Instant::now();
        other.query_drop(format!("KILL {id}")).await.unwrap();
        let first = asleep.await.unwrap();
        assert_eq!(first.is_err(), busy, "{first:?}");
        assert!(killed.elapsed() < SOON, "{:?}", killed.elapsed());
        while list(other).await.iter().any(|(other, _)| *other == id) {
            assert!(killed.elapsed() < SOON, "its session is still there");
        }
        let again = other.query_drop(format!("KILL {id}")).await;
        assert_eq!(code(again), Some(UNKNOWN_THREAD));
    }
}

/// A node that does not answer costs a warning, and nothing else.
async fn list_without(two: &Server, other: &mut Conn, mut behind: Conn) {
    two.signal(Signal::STOP);
    let seen = list(other).await;
    assert!(seen.iter().any(|(id, _)| *id == other.id()), "{seen:?}");
    let warnings: Vec<(String, u16, String)> = other.query("SHOW WARNINGS").await.unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].2.contains("sql2"), "{warnings:?}");
    let missing = other.query_drop("KILL 4294967295").await;
    assert_eq!(code(missing), Some(UNKNOWN_THREAD));
    let warnings: Vec<(String, u16, String)> = other.query("SHOW WARNINGS").await.unwrap();
    assert!(warnings.iter().any(|(_, _, text)| text.contains("sql2")), "{warnings:?}");
    two.signal(Signal::CONT);
    assert_eq!(behind.query_first("SELECT 1").await.unwrap(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_and_killed_on_whichever_node_they_are() {
    let pd = node("pd1", "pd", None);
    let _store = node("store1", "store", Some(&pd));
    let one = node("sql1", "sql,ddl", Some(&pd));
    let two = node("sql2", "sql", Some(&pd));
    let gateway = node("gateway1", "gateway", Some(&pd));
    let direct = node("sql3", "sql,gateway", Some(&pd));

    // Behind the gateway they are on two different nodes, in turn; a third one is at a gateway of its own.
    let mut conns = Vec::new();
    while conns.len() < 6 {
        conns.push(connect(&gateway).await);
    }
    assert!(sessions(&one, "sql1") >= 1 && sessions(&two, "sql2") >= 1, "each has its turn");
    let mut other = connect(&direct).await;
    conns.push(connect(&direct).await);
    let mut ids: Vec<u32> = conns.iter().map(Conn::id).chain([other.id()]).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "no number is given twice: {ids:?}");
    for conn in conns.iter_mut().chain([&mut other]) {
        let seen: Vec<u32> = list(conn).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(seen, ids, "everybody sees everybody");
    }
    let count: Vec<(String, u64)> = other
        .query("SELECT INSTANCE, COUNT(*) FROM information_schema.CLUSTER_PROCESSLIST GROUP BY 1 ORDER BY 1")
        .await
        .unwrap();
    let nodes: Vec<&str> = count.iter().map(|(node, _)| node.as_str()).collect();
    assert_eq!(nodes, ["sql1", "sql2", "sql3"]);
    assert_eq!(count.iter().map(|(_, count)| count).sum::<u64>(), ids.len() as u64);

    kill_statements(&mut other, &mut conns).await;
    kill_connections(&mut other, conns).await;
    let behind = connect(&gateway).await;
    list_without(&two, &mut other, behind).await;
}
