//! A disk that takes no more: whoever guards data ends the process, and nothing acknowledged is lost.
//!
//! No switch in the server makes it fail. The operating system does: a limit on the size of its files.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::server::{Options, Server};

const SIGABRT: i32 = 6;
/// How much the largest file may still grow.
const ROOM: u64 = 64 << 10;

fn opts(server: &Server) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"))
}

fn largest_file(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(
            |path| if path.is_dir() { largest_file(&path) } else { path.metadata().unwrap().len() },
        )
        .max()
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_ends_the_process_and_no_acknowledged_row_is_lost() {
    // Without this the signal that comes with the limit would end the process before it can speak.
    let mut server = Server::with(&Options { through: Some("trap '' XFSZ"), ..Options::default() });
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(500))").await.unwrap();
    let b = "b".repeat(500);
    let mut acknowledged = 0;
    let row = |a: u64| format!("INSERT INTO d.t VALUES ({a}, '{b}')");
    while acknowledged < 20 {
        conn.query_drop(row(acknowledged)).await.unwrap();
        acknowledged += 1;
    }
    server.limit_files(largest_file(&server.data_dir) + ROOM);
    while conn.query_drop(row(acknowledged)).await.is_ok() {
        acknowledged += 1;
        assert!(acknowledged < 10_000, "the disk does not fail");
    }
    let status = server.exit();
    assert_eq!(status.signal(), Some(SIGABRT), "{status}");

    let log = server.log();
    let line = log.lines().find(|line| line.contains("an actor panicked"));
    let line = line.unwrap_or_else(|| panic!("the log says nothing of it:\n{log}"));
    let writer = line.contains("path=/node-1/store-1/log-writer")
        && line.contains("handling=\"WriteLog\"")
        && line.contains("failed to write the raft log");
    let applier = line.contains("path=/node-1/store-1/applier-1")
        && line.contains("handling=\"Apply\"")
        && line.contains("failed to apply entries");
    assert!(writer || applier, "{line}");
    assert!(log.contains("a failure has escalated beyond the root"), "{log}");

    let again = Server::with(&Options { data_dir: Some(&server.data_dir), ..Options::default() });
    let mut conn = Conn::new(opts(&again)).await.unwrap();
    let rows: Vec<u64> = conn.query("SELECT a FROM d.t ORDER BY a").await.unwrap();
    let expected: Vec<u64> = (0..acknowledged).collect();
    assert_eq!(rows[..expected.len()], expected[..], "an acknowledged row is lost");
    conn.query_drop(row(1_000_000)).await.unwrap();
}
