//! Two transactions that wait for each other, with their locks on two stores, and what commits and schema changes do not wait for.

use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::cluster::Cluster;
use crate::replicas::order;

/// The rows, each in a region of its own.
const ROWS: [i64; 2] = [1, 1001];
/// Locks are waited for much longer (`innodb_lock_wait_timeout`, 50 seconds).
const SOON: Duration = Duration::from_secs(10);
const DEADLOCK: u16 = 1213;
const CONFLICT: u16 = 9007;

/// The key of a row, as regions know it.
fn row_key(cluster: &Cluster, handle: i64) -> String {
    let schema = cluster.fronts[0].server().json("/schema/d/t");
    let id = schema["id"].as_u64().unwrap_or_else(|| panic!("no id in {schema}"));
    let mut key = vec![b't'];
    key.extend((id ^ 1 << 63).to_be_bytes());
    key.extend(b"_r");
    key.extend((handle.cast_unsigned() ^ 1 << 63).to_be_bytes());
    // In groups of eight bytes, each with a mark that says how full it is.
    let mut encoded = String::new();
    for group in key.chunks(8) {
        group.iter().for_each(|byte| encoded += &format!("{byte:02X}"));
        encoded += &"00".repeat(8 - group.len());
        encoded += &format!("{:02X}", 0xff - (8 - group.len()));
    }
    encoded
}

/// The region of a key, and the one who leads it, by its place among the stores; `None`: that is not known just now.
fn region_of(cluster: &Cluster, key: &str) -> Option<(u64, usize)> {
    let regions = cluster.regions();
    let holds = |region: &&serde_json::Value| {
        let (start, end) = (region["start_key"].as_str(), region["end_key"].as_str());
        start.unwrap() <= key && (end == Some("") || key < end.unwrap())
    };
    let region = regions.iter().find(holds)?;
    let leader = region["leader"]["store_id"].as_u64()?;
    let at = (0..cluster.stores.len()).find(|at| cluster.store_id(*at) == leader)?;
    Some((region["id"].as_u64()?, at))
}

/// Has a region led by this store.
fn lead(cluster: &Cluster, key: &str, at: usize) {
    let store = cluster.store_id(at).to_string();
    let mut asked = Instant::now() - SOON;
    cluster.wait(&format!("store {store} leads {key}"), |cluster| {
        let Some((region, leader)) = region_of(cluster, key) else { return false };
        if leader != at && asked.elapsed() > Duration::from_secs(2) {
            asked = Instant::now();
            order(cluster, &["operators", "add", "transfer-leader", &region.to_string(), &store]);
        }
        leader == at
    });
}

/// Has the rows' regions led by two different stores of those alive, neither of them the detector if there are enough. Answers which that
/// is. Leaders are moved by the placement driver too: it is looked again until all hold at once.
fn spread(cluster: &Cluster, alive: &[usize]) -> usize {
    let keys = ROWS.map(|row| row_key(cluster, row));
    loop {
        let Some((_, detector)) = region_of(cluster, "") else { continue };
        let mut places: Vec<usize> = alive.iter().copied().filter(|at| *at != detector).collect();
        places.extend(alive.iter().copied().filter(|at| *at == detector));
        for (key, at) in keys.iter().zip(&places) {
            lead(cluster, key, *at);
        }
        let led = |key: &str| region_of(cluster, key).map(|(_, at)| at);
        let holds = keys.iter().zip(&places).all(|(key, at)| led(key) == Some(*at));
        if holds && led("") == Some(detector) && alive.contains(&detector) {
            return detector;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

async fn connect(port: u16, database: Option<&str>) -> Conn {
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .user(Some("root"))
        .db_name(database);
    Conn::new(opts).await.unwrap()
}

fn add(amount: i64, row: i64) -> String {
    format!("UPDATE t SET v = v + {amount} WHERE id = {row}")
}

/// What came of a statement that was to wait: `false`, its transaction is the victim.
fn goes_on(outcome: Result<(), mysql_async::Error>) -> bool {
    match outcome {
        Ok(()) => true,
        Err(mysql_async::Error::Server(error)) if error.code == DEADLOCK => false,
        Err(error) => panic!("{error}"),
    }
}

/// Two sessions lock a row each and then the other's. `between` happens when the first of them waits. Answers by how much each
/// row has grown.
async fn round(port: u16, between: impl FnOnce()) -> i64 {
    let mut first = connect(port, Some("d")).await;
    let mut second = connect(port, Some("d")).await;
    for (conn, row) in [(&mut first, ROWS[0]), (&mut second, ROWS[1])] {
        conn.query_drop("BEGIN").await.unwrap();
        conn.query_drop(add(1, row)).await.unwrap();
    }
    let first_waits = tokio::spawn(async move {
        let goes_on = goes_on(first.query_drop(add(1, ROWS[1])).await);
        first.query_drop(if goes_on { "COMMIT" } else { "ROLLBACK" }).await.unwrap();
        goes_on
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    between();
    let closed = Instant::now();
    let second_goes_on = goes_on(second.query_drop(add(1, ROWS[0])).await);
    second.query_drop(if second_goes_on { "COMMIT" } else { "ROLLBACK" }).await.unwrap();
    let first_goes_on = first_waits.await.unwrap();
    eprintln!("the deadlock was over after {:.2?}", closed.elapsed());
    assert!(closed.elapsed() < SOON, "after {:?}", closed.elapsed());
    assert_ne!(first_goes_on, second_goes_on, "one of them is the victim");
    1
}

async fn values(port: u16) -> Vec<i64> {
    let mut conn = connect(port, Some("d")).await;
    conn.query("SELECT v FROM t ORDER BY id").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_over_two_stores_is_found_also_when_the_detector_is_killed() {
    let mut cluster = Cluster::start(3, 1);
    let port = cluster.ports()[0];
    let mut conn = connect(port, None).await;
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)",
        &format!("INSERT INTO d.t VALUES ({}, 0), ({}, 0)", ROWS[0], ROWS[1]),
        "SPLIT TABLE d.t BY (0), (1000)",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    cluster.wait_whole();
    cluster.wait("leaders of all regions", |cluster| {
        let keys = ROWS.map(|row| row_key(cluster, row));
        keys.iter().all(|key| region_of(cluster, key).is_some())
    });
    spread(&cluster, &[0, 1, 2]);
    let mut grown = round(port, || ()).await;
    assert_eq!(values(port).await, [grown, grown]);

    // Killed while one of them waits already.
    let detector = spread(&cluster, &[0, 1, 2]);
    let killed = &mut cluster.stores[detector];
    grown += round(port, || killed.kill()).await;
    assert_eq!(values(port).await, [grown, grown]);

    // And once more, when there is a new detector.
    let alive: Vec<usize> = (0..3).filter(|at| *at != detector).collect();
    let next = spread(&cluster, &alive);
    assert_ne!(next, detector);
    grown += round(port, || ()).await;
    assert_eq!(values(port).await, [grown, grown]);
}

/// Transactions over two regions, for a while: each changes two rows, in whichever order. `begin` is how they begin. Answers how many
/// were committed, and how long the longest statement took.
async fn write_on(port: u16, begin: &str, seed: i64, until: Instant) -> (i64, Duration) {
    let mut conn = connect(port, Some("d")).await;
    let (mut committed, mut longest, mut turn) = (0, Duration::ZERO, seed);
    while Instant::now() < until {
        turn += 1;
        let rows = [(turn * 7 + seed) % 20, 1000 + (turn * 3 + seed) % 20];
        let rows = if (turn + seed) % 2 == 0 { rows } else { [rows[1], rows[0]] };
        let [first, second] = rows.map(|row| add(1, row));
        let mut failed = false;
        for sql in [begin, &first, &second, "COMMIT"] {
            let began = Instant::now();
            let outcome = conn.query_drop(sql).await;
            longest = longest.max(began.elapsed());
            match outcome {
                Ok(()) => {}
                Err(mysql_async::Error::Server(error))
                    if error.code == DEADLOCK
                        || (error.code == CONFLICT && begin == "BEGIN OPTIMISTIC") =>
                {
                    conn.query_drop("ROLLBACK").await.unwrap();
                    failed = true;
                    break;
                }
                Err(error) => panic!("{sql}: {error}"),
            }
        }
        committed += i64::from(!failed);
    }
    (committed, longest)
}

/// Commits wait for nobody who may wait for them, and a schema change waits for no writer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_and_schema_changes_hold_nobody_up() {
    let server = crate::server::Server::start();
    let port = server.mysql_port;
    let mut conn = connect(port, None).await;
    let rows: Vec<String> = (0..20).chain(1000..1020).map(|id| format!("({id}, 0)")).collect();
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v BIGINT NOT NULL, KEY (v))",
        &format!("INSERT INTO d.t VALUES {}", rows.join(", ")),
        "SPLIT TABLE d.t BY (10), (1000), (1010)",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    let until = Instant::now() + Duration::from_secs(4);
    let writers: Vec<_> = ["BEGIN", "BEGIN", "BEGIN OPTIMISTIC", "BEGIN OPTIMISTIC"]
        .into_iter()
        .zip(1..)
        .map(|(begin, seed)| tokio::spawn(write_on(port, begin, seed, until)))
        .collect();
    let mut changes = 0;
    while Instant::now() < until {
        conn.query_drop("CREATE INDEX k ON d.t (v, id)").await.unwrap();
        conn.query_drop("DROP INDEX k ON d.t").await.unwrap();
        changes += 1;
    }
    let overrun = Instant::now() - until;
    let mut committed = 0;
    for writer in writers {
        let (count, longest) = writer.await.unwrap();
        assert!(count > 0, "each of them gets through");
        assert!(longest < SOON, "a statement took {longest:?}");
        committed += count;
    }
    eprintln!("{committed} transactions beside {changes} schema changes");
    assert!(overrun < SOON, "the last schema change took {overrun:?} longer than the writers");
    let sum: Vec<i64> = conn.query("SELECT CAST(SUM(v) AS SIGNED) FROM d.t").await.unwrap();
    assert_eq!(sum, [2 * committed]);
}
