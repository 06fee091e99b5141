//! Processes that stand still for a while, as after SIGSTOP, in a debugger, or on a machine that sleeps. Nothing is lost by that, so nobody is to be
//! told of an error that could have been avoided, and what stood still goes on within a moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, Error, OptsBuilder};
use rustix::process::Signal;

use crate::bank::{execute, query};
use crate::cluster::{Cluster, Shape};
use crate::server::Server;

const CLIENTS: u64 = 4;
/// Longer than leases, and than a link may be silent.
const FROZEN: Duration = Duration::from_secs(14);
/// How soon all clients go on: a second or two on a machine that has nothing else to do.
const RECOVERY: Duration = Duration::from_secs(20);
/// What the replica that leads knows of locks is lost with it: the transaction that had them is tried again by its client.
const LOST_LOCK: u16 = 9007;

/// By hand it may be longer.
fn frozen() -> Duration {
    let asked = std::env::var("TROUPEDB_TEST_FROZEN_SECONDS").ok();
    asked.and_then(|seconds| seconds.parse().ok()).map_or(FROZEN, Duration::from_secs)
}

/// What clients were told.
#[derive(Default)]
struct Told {
    /// By client: how many transactions it has, and when the last one was acknowledged that had begun after the mark.
    committed: [u64; CLIENTS as usize],
    after_mark: [Option<Instant>; CLIENTS as usize],
    mark: Option<Instant>,
    errors: Vec<(u16, String)>,
}

/// Clients, each with rows of its own.
struct Load {
    told: Arc<Mutex<Told>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    fn begin(port: u16) -> Load {
        execute(
            port,
            &[
                "CREATE DATABASE IF NOT EXISTS f",
                "CREATE TABLE f.counters (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
                "INSERT INTO f.counters VALUES (0, 0), (1, 0), (2, 0), (3, 0), (100, 0), (101, 0), (102, 0), (103, 0)",
                // The two rows of a transaction are in two regions.
                "SPLIT TABLE f.counters BY (50)",
            ],
        );
        let (told, stop) =
            (Arc::new(Mutex::new(Told::default())), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (told.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let clients = (0..CLIENTS).map(|id| client(port, id, &seen, &ended));
                futures::future::join_all(clients).await;
            });
        });
        let load = Load { told, stop, thread: Some(thread) };
        load.all_go_on();
        load
    }

    /// How long it takes from now on until each client has begun and ended a transaction.
    fn all_go_on(&self) -> Duration {
        let begun = Instant::now();
        {
            let mut told = self.told.lock().unwrap();
            (told.mark, told.after_mark) = (Some(begun), [None; CLIENTS as usize]);
        }
        loop {
            let told = self.told.lock().unwrap();
            let ends: Option<Vec<Instant>> = told.after_mark.iter().copied().collect();
            if let Some(last) = ends.and_then(|ends| ends.into_iter().max()) {
                return last - begun;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no going on: {:?}", told.errors);
            drop(told);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets a process stand still; all clients go on soon.
    fn freeze(&self, server: &Server, who: &str) {
        server.signal(Signal::STOP);
        std::thread::sleep(frozen());
        server.signal(Signal::CONT);
        let took = self.all_go_on();
        let told = self.told.lock().unwrap();
        println!(
            "{who} stood still for {:?}: all go on after {took:.1?}; {:?}",
            frozen(),
            told.errors
        );
        assert!(took < RECOVERY, "{who}: {took:?}");
    }

    /// Ends it, and compares what was promised with what is there.
    fn end(mut self, port: u16, allowed: &[u16]) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let told = self.told.lock().unwrap();
        let avoidable: Vec<_> =
            told.errors.iter().filter(|(code, _)| !allowed.contains(code)).collect();
        assert!(avoidable.is_empty(), "{avoidable:#?}");
        for (id, n) in query::<(u64, u64)>(port, "SELECT id, n FROM f.counters") {
            assert_eq!(n, told.committed[(id % 100) as usize], "{id}");
        }
        execute(port, &["DROP TABLE f.counters"]);
    }
}

async fn client(port: u16, id: u64, told: &Mutex<Told>, stop: &AtomicBool) {
    let opts = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(port).user(Some("root"));
    let mut conn = Conn::new(opts).await.unwrap();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let outcome = transaction(&mut conn, id).await;
        let mut told = told.lock().unwrap();
        match outcome {
            Ok(()) => {
                told.committed[id as usize] += 1;
                if told.mark.is_some_and(|mark| began > mark) {
                    told.after_mark[id as usize].get_or_insert_with(Instant::now);
                }
            }
            Err((sql, Error::Server(error))) => {
                told.errors.push((error.code, format!("{sql}: {error}")));
            }
            Err((sql, error)) => {
                told.errors.push((0, format!("{sql}: {error}")));
                return;
            }
        }
    }
    let _ = conn.disconnect().await;
}

/// Adds one to both counters of a client: by turns in a transaction of two regions, and by one statement.
async fn transaction(conn: &mut Conn, id: u64) -> Result<(), (&'static str, Error)> {
    let far = id + 100;
    let add = |id: u64| format!("UPDATE f.counters SET n = n + 1 WHERE id = {id}");
    let both = format!("UPDATE f.counters SET n = n + 1 WHERE id IN ({id}, {far})");
    let steps = match id % 2 {
        0 => vec![
            ("BEGIN", "BEGIN".to_owned()),
            ("UPDATE", add(id)),
            ("UPDATE", add(far)),
            ("COMMIT", "COMMIT".to_owned()),
        ],
        _ => vec![("UPDATE of both", both)],
    };
    for (name, sql) in steps {
        if let Err(error) = conn.query_drop(sql).await {
            let _ = conn.query_drop("ROLLBACK").await;
            return Err((name, error));
        }
    }
    Ok(())
}

#[test]
fn one_process_may_stand_still() {
    let server = Server::start();
    let load = Load::begin(server.mysql_port);
    load.freeze(&server, "the only process");
    load.end(server.mysql_port, &[]);
}

#[test]
fn every_process_of_a_cluster_may_stand_still() {
    let cluster = Cluster::of(Shape { pds: 1, stores: 3, fronts: 1, gateways: 0 });
    let port = cluster.ports()[0];
    let load = Load::begin(port);
    load.freeze(cluster.fronts[0].server(), "the SQL node");
    load.freeze(cluster.pd.server(), "the placement driver");
    load.end(port, &[]);
    let load = Load::begin(port);
    load.freeze(cluster.stores[0].server(), "a store");
    load.end(port, &[LOST_LOCK]);
}

/// Nobody can take over for it: what is in hand waits.
#[test]
fn the_only_store_may_stand_still() {
    let mut cluster = Cluster::of(Shape { pds: 1, stores: 1, fronts: 1, gateways: 0 });
    let port = cluster.ports()[0];
    let load = Load::begin(port);
    load.freeze(cluster.stores[0].server(), "the only store");
    load.end(port, &[]);
    cluster.stores[0].terminate();
}
