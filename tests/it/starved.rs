//! A machine that has hardly any time for the server: slow is not broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};
use rustix::process::{Pid, Signal, kill_process};

use crate::cluster::{Cluster, Shape};
use crate::server::{Options, Server};

/// Of every so long a process runs this long.
const PERIOD: Duration = Duration::from_millis(100);
const RUNS: Duration = Duration::from_millis(2);
const ROWS: usize = 4_000;

/// Processes that get little time, until this is dropped.
struct Starved {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Starved {
    fn begin(processes: Vec<Pid>) -> Starved {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = stop.clone();
        let thread = std::thread::spawn(move || {
            let all = |signal| {
                for process in &processes {
                    // One that has ended is starved no longer.
                    let _ = kill_process(*process, signal);
                }
            };
            while !ended.load(Ordering::Relaxed) {
                all(Signal::STOP);
                std::thread::sleep(PERIOD - RUNS);
                all(Signal::CONT);
                std::thread::sleep(RUNS);
            }
        });
        Starved { stop, thread: Some(thread) }
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Inserts many rows at once, and many one by one, while these processes starve.
fn insert_among(port: u16, processes: Vec<Pid>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let opts =
            OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(port).user(Some("root"));
        let mut conn = Conn::new(opts).await.unwrap();
        conn.query_drop("CREATE DATABASE s").await.unwrap();
        conn.query_drop("CREATE TABLE s.t (id INT PRIMARY KEY, a INT, b VARCHAR(200), KEY (a))")
            .await
            .unwrap();
        let text = "x".repeat(200);
        let rows: Vec<String> =
            (0..ROWS).map(|id| format!("({id}, {}, '{text}')", id % 7)).collect();
        let starved = Starved::begin(processes);
        let begun = Instant::now();
        conn.query_drop(format!("INSERT INTO s.t VALUES {}", rows.join(","))).await.unwrap();
        eprintln!("{ROWS} rows: {:.1?}", begun.elapsed());
        for id in ROWS..ROWS + 20 {
            conn.query_drop(format!("INSERT INTO s.t VALUES ({id}, 1, 'y')")).await.unwrap();
        }
        let count: Option<usize> = conn.query_first("SELECT COUNT(*) FROM s.t").await.unwrap();
        assert_eq!(count, Some(ROWS + 20));
        eprintln!("all of it: {:.1?}", begun.elapsed());
        drop(starved);
        conn.disconnect().await.unwrap();
    });
}

#[test]
fn in_one_process_an_insert_waits_and_a_stop_says_what_for() {
    let env = [("TROUPE_NODE_DRAIN_TIMEOUT", "60s")];
    let mut server = Server::with(&Options { env: &env, ..Options::default() });
    insert_among(server.mysql_port, vec![server.process()]);
    let starved = Starved::begin(vec![server.process()]);
    server.signal(Signal::TERM);
    let status = server.exit();
    drop(starved);
    let log = server.log();
    assert!(status.success(), "{status}\n{log}");
    assert!(!log.contains("did not stop in time"), "{log}");
}

#[test]
fn over_processes_an_insert_waits() {
    let cluster = Cluster::of(Shape { pds: 1, stores: 1, fronts: 1, gateways: 0 });
    let nodes = [&cluster.pd, &cluster.stores[0], &cluster.fronts[0]];
    let processes = nodes.map(|node| node.server().process()).to_vec();
    insert_among(cluster.ports()[0], processes);
}
