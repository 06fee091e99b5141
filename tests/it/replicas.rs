//! Three replicas of everything, in processes that are killed, stopped, wiped, added and removed under load.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::bank::{Bank, after, execute, query};
use crate::cluster::{Cluster, Node, Shape, key_of_table, leads, region_of};
use crate::server::{Server, mariadb, troupe, until_running};

/// A cluster with a bank in several regions, led by several stores.
fn bank_of(stores: usize) -> Cluster {
    let cluster = Cluster::start(stores, 2);
    Bank::found(cluster.ports()[0]);
    cluster.wait_whole();
    cluster.wait("leaders on several stores", |cluster| cluster.leading_stores() > 1);
    cluster
}

/// The first key of one of the bank's tables, as regions know it.
fn first_key(cluster: &Cluster, table: &str) -> String {
    key_of_table(cluster.fronts[0].server(), "bank", table)
}

#[test]
fn any_one_process_may_be_killed_under_load() {
    let mut cluster = bank_of(3);
    let bank = Bank::open(cluster.ports());
    bank.go_on(10);
    let key = first_key(&cluster, "transfers");
    for round in 0..3 {
        // The store that leads the region every transfer writes to.
        let at = cluster.leader_of(&key);
        let killed = Instant::now();
        cluster.stores[at].kill();
        let resumed = bank.go_on(1);
        bank.go_on(20);
        println!(
            "round {round}: writes resumed {resumed:.2?} after the leader's store was killed, the longest pause was {:.2?}",
            bank.longest_gap(killed)
        );
        cluster.stores[at].start();
        bank.go_on(10);
        cluster.wait_whole();
    }

    cluster.fronts[0].kill();
    bank.move_to(cluster.ports());
    bank.go_on(10);
    cluster.fronts[0].start();
    bank.move_to(cluster.ports());
    bank.go_on(10);

    let killed = Instant::now();
    cluster.pd.kill();
    std::thread::sleep(Duration::from_millis(500));
    cluster.pd.start();
    let resumed = bank.go_on(1);
    bank.go_on(20);
    println!(
        "transfers resumed {resumed:.2?} after the placement driver was back, the longest pause was {:.2?}",
        bank.longest_gap(killed)
    );
    cluster.wait_whole();
    bank.close();
}

#[test]
fn a_new_cluster_has_its_replicas_soon_with_seldom_reports() {
    let shape = Shape { pds: 1, stores: 3, fronts: 1, gateways: 0 };
    let begun = Instant::now();
    let cluster = Cluster::prepared(shape, |cluster| {
        for store in &mut cluster.stores {
            store.env.push(("TROUPE_STORE_HEARTBEAT_INTERVAL", "10s"));
        }
    });
    println!("three replicas of every region {:.2?} after the first process", begun.elapsed());
    drop(cluster);
}

/// How many reads the regions of the stores have served for those who had asked for a replica.
fn replica_reads(cluster: &Cluster) -> u64 {
    let of = |store: &Node| -> u64 {
        let actors = store.server().json("/actors?limit=1000");
        let all = actors["actors"].as_array().unwrap().iter();
        all.filter_map(|actor| actor["messages"]["ReplicaRead"].as_u64()).sum()
    };
    cluster.stores.iter().map(of).sum()
}

#[test]
fn replicas_that_do_not_lead_serve_reads_on_request() {
    let mut cluster = Cluster::start(3, 1);
    let port = cluster.ports()[0];
    execute(port, &["CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT, KEY (v))"]);
    execute(port, &["INSERT INTO d.t VALUES (1, 0), (2, 0), (3, 0)"]);
    cluster.wait_whole();
    // From another connection: what was acknowledged there is seen here, by key, by index and by a scan.
    let reads = |from: &str, number: usize| {
        let set = format!("SET SESSION tidb_replica_read = '{from}'");
        let select = format!(
            "SELECT (SELECT v FROM d.t WHERE id = 1), (SELECT COUNT(*) FROM d.t WHERE v = {number}), \
             (SELECT CAST(SUM(v) AS SIGNED) FROM d.t)"
        );
        let rows = after::<(i64, i64, i64)>(port, &set, &select);
        assert_eq!(rows, [(number as i64, 3, 3 * number as i64)], "read from {from}");
    };
    let write = |number: usize| execute(port, &[&format!("UPDATE d.t SET v = {number}")]);
    for number in 1..=20 {
        write(number);
        reads("leader", number);
    }
    assert_eq!(replica_reads(&cluster), 0);
    for from in ["follower", "leader-and-follower"] {
        let before = replica_reads(&cluster);
        for number in 21..=40 {
            write(number);
            reads(from, number);
        }
        assert!(replica_reads(&cluster) > before + 20, "nobody was asked for {from}");
    }
    // The SQL node has no store of its own: the leader is the closest.
    let before = replica_reads(&cluster);
    reads("closest-replicas", 40);
    assert_eq!(replica_reads(&cluster), before);

    // A replica that gives no answer is left for the leader.
    let leader = cluster.leader_of(&key_of_table(cluster.fronts[0].server(), "d", "t"));
    cluster.stores[(leader + 1) % 3].kill();
    for number in 41..=45 {
        write(number);
        reads("follower", number);
    }
}

/// Orders something of the placement driver, again until it is taken.
pub(crate) fn order(cluster: &Cluster, arguments: &[&str]) {
    let pd = cluster.pd.server().admin.trim_start_matches("http://").to_owned();
    cluster.wait(&format!("troupe ctl {}", arguments.join(" ")), |_| {
        let output = troupe().args(["ctl", "--pd", &pd]).args(arguments).output().unwrap();
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        output.status.success()
    });
}

fn is_buried(cluster: &Cluster, store_id: u64) -> bool {
    let store = cluster.pd_json(&format!("/pd/api/v1/store/{store_id}"));
    store["store"]["state_name"] == "Tombstone"
}

/// The balancer has nothing left to do, and nothing is under way.
fn is_balanced(cluster: &Cluster) -> bool {
    let scheduler = cluster.pd.server().json("/actors/pd-1/pd/scheduler/balance-region");
    let reason = scheduler["observed"]["reason"].as_str().unwrap_or_default().to_owned();
    let idle = cluster.pd_json("/pd/api/v1/operators").as_array().is_some_and(Vec::is_empty);
    let settled = ["bytes are balanced", "no region of a full store may move to an emptier one"];
    idle && settled.contains(&reason.as_str())
}

/// Writes and reads rows until told to stop, and panics if a statement fails; answers how many there were.
fn steady_load(port: u16, number: usize, stop: &AtomicBool) -> usize {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let (id, value) = (number * 1000 + count % 50, count);
        execute(port, &[&format!("REPLACE INTO bank.steady VALUES ({id}, {value})")]);
        let read = query::<i64>(port, &format!("SELECT v FROM bank.steady WHERE id = {id}"));
        assert_eq!(read, [value as i64]);
        count += 2;
    }
    count
}

/// Rows that do not compress, so that a snapshot of them takes several pieces; answers their sums.
fn ballast(port: u16) -> Vec<(i64, String)> {
    execute(port, &["CREATE TABLE bank.ballast (id INT PRIMARY KEY, v LONGTEXT)"]);
    let mut number = 1u64;
    for id in 0..16 {
        let text: String = std::iter::repeat_with(|| {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", number ^ number >> 29)
        })
        .take(1 << 14)
        .collect();
        execute(port, &[&format!("INSERT INTO bank.ballast VALUES ({id}, '{text}')")]);
    }
    query(port, SUMS)
}

const SUMS: &str = "SELECT id, SHA1(v) FROM bank.ballast ORDER BY id";

#[test]
fn stores_come_and_go_under_load() {
    let mut cluster = bank_of(3);
    let sums = ballast(cluster.ports()[0]);
    let bank = Bank::open(cluster.ports());
    bank.go_on(10);

    // A fourth store takes its share, until all are even; then one is removed: it is emptied first, and is over then. No statement of
    // these clients fails meanwhile.
    execute(cluster.ports()[0], &["CREATE TABLE bank.steady (id INT PRIMARY KEY, v INT)"]);
    let stop = AtomicBool::new(false);
    let old = std::thread::scope(|scope| {
        let ports = cluster.ports();
        let clients: Vec<_> = (0..2)
            .map(|number| {
                let (stop, port) = (&stop, ports[number]);
                scope.spawn(move || steady_load(port, number, stop))
            })
            .collect();
        cluster.add_store(4).start();
        let new = cluster.store_id(3);
        cluster.wait("regions on the new store", |cluster| cluster.replicas_on(new) >= 2);
        cluster.wait("balance", is_balanced);
        bank.go_on(10);
        let old = cluster.store_id(0);
        order(&cluster, &["store", "remove", &old.to_string()]);
        cluster.wait("the removed store is a tombstone", |cluster| is_buried(cluster, old));
        assert_eq!(cluster.replicas_on(old), 0);
        stop.store(true, Ordering::Relaxed);
        let counts: Vec<usize> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        println!("{counts:?} statements without an error");
        assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
        old
    });
    assert!(is_buried(&cluster, old));
    cluster.stores[0].terminate();
    cluster.wait_whole();
    bank.go_on(10);

    // One that lost everything comes back as another one, and the first is removed.
    let lost = cluster.store_id(1);
    cluster.stores[1].kill();
    std::fs::remove_dir_all(&cluster.stores[1].dir).unwrap();
    cluster.stores[1].start();
    let again = cluster.store_id(1);
    assert_ne!(lost, again);
    order(&cluster, &["store", "remove", &lost.to_string()]);
    cluster.wait("the lost store is a tombstone", |cluster| is_buried(cluster, lost));
    cluster.wait_whole();
    assert!(cluster.replicas_on(again) > 0);
    bank.go_on(10);
    bank.close();
    for port in cluster.ports() {
        assert_eq!(query::<(i64, String)>(port, SUMS), sums);
    }
}

#[test]
fn every_node_may_be_restarted_in_turn_under_load() {
    let mut cluster = bank_of(3);
    let bank = Bank::open(cluster.ports());
    bank.go_on(10);
    let begun = Instant::now();
    for at in 0..cluster.stores.len() {
        cluster.stores[at].terminate();
        bank.go_on(5);
        cluster.stores[at].start();
        cluster.wait_whole();
    }
    println!(
        "the longest pause while the stores were restarted was {:.2?}",
        bank.longest_gap(begun)
    );
    for at in 0..cluster.fronts.len() {
        let others: Vec<u16> = cluster
            .ports()
            .into_iter()
            .enumerate()
            .filter(|(i, _)| *i != at)
            .map(|(_, p)| p)
            .collect();
        bank.move_to(others);
        cluster.fronts[at].terminate();
        cluster.fronts[at].start();
        bank.move_to(cluster.ports());
        bank.go_on(5);
    }
    cluster.pd.terminate();
    cluster.pd.start();
    bank.go_on(10);
    cluster.wait_whole();
    bank.close();
}

#[test]
fn a_store_that_stays_away_is_replaced_and_may_come_back() {
    let mut cluster = bank_of(3);
    let bank = Bank::open(cluster.ports());
    bank.go_on(10);
    order(&cluster, &["config", "set", "max-store-down-time", "4s"]);
    cluster.add_store(4).start();
    let lost = cluster.store_id(0);
    let killed = Instant::now();
    cluster.stores[0].kill();
    bank.go_on(10);
    let state = |cluster: &Cluster| {
        cluster.pd_json(&format!("/pd/api/v1/store/{lost}"))["store"]["state_name"].clone()
    };
    cluster.wait("the lost store is down", |cluster| state(cluster) == "Down");
    assert!(killed.elapsed() > Duration::from_secs(3), "{:?}", killed.elapsed());
    cluster.wait("its replicas are elsewhere", |cluster| {
        cluster.replicas_on(lost) == 0 && cluster.is_whole()
    });
    bank.go_on(10);

    // It is not buried, but served again when it comes back; what it has of old is nobody's.
    cluster.stores[0].start();
    cluster.wait("the lost store is up", |cluster| state(cluster) == "Up");
    assert_eq!(cluster.store_id(0), lost);
    bank.go_on(10);
    cluster.wait_whole();
    order(&cluster, &["store", "remove", &lost.to_string()]);
    cluster.wait("it is a tombstone", |cluster| is_buried(cluster, lost));
    bank.go_on(10);
    bank.close();
}

/// A statement on a node, which may take long.
fn asked(server: &Server, sql: &str) -> std::process::Child {
    let mut command = mariadb(server);
    command.args(["-N", "-e", sql]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What it came to.
fn answered(child: std::process::Child) -> Result<String, String> {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn a_minority_serves_nothing_stale_and_accepts_nothing() {
    let cluster = Cluster::start(3, 2);
    let ports = cluster.ports();
    execute(
        ports[0],
        &[
            "CREATE DATABASE bank",
            "CREATE TABLE bank.v (id INT PRIMARY KEY, v INT NOT NULL)",
            "INSERT INTO bank.v VALUES (1, 1)",
        ],
    );
    cluster.wait_whole();
    let key = first_key(&cluster, "v");
    let read = "SELECT v FROM bank.v WHERE id = 1";
    // Both know who leads.
    for port in &ports {
        assert_eq!(query::<i64>(*port, read), [1]);
    }

    // The leader hears and says nothing. The others go on.
    let at = cluster.leader_of(&key);
    cluster.stores[at].server().signal(Signal::STOP);
    let stopped = Instant::now();
    execute(ports[1], &["UPDATE bank.v SET v = 2 WHERE id = 1"]);
    println!("written {:.2?} after the leader's store was stopped", stopped.elapsed());
    cluster.stores[at].server().signal(Signal::CONT);
    // This node still thinks that the old one leads; whoever answers it must know of the write.
    assert_eq!(query::<i64>(ports[0], read), [2]);
    cluster.wait_whole();

    let region = region_of(&cluster.regions(), &key)["id"].clone();
    // The leader is alone. What it is told to write is not acknowledged, and soon it may not be read either.
    let at = cluster.leader_of(&key);
    let others = || (0..3).filter(|other| *other != at).map(|other| cluster.stores[other].server());
    others().for_each(|server| server.signal(Signal::STOP));
    let mut write = asked(cluster.fronts[0].server(), "UPDATE bank.v SET v = 3 WHERE id = 1");
    // It gives up when it has heard of nobody for as long as they may keep faith in it, and its lease has ended before that.
    let begun = Instant::now();
    while leads(cluster.stores[at].server(), &region) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it still thinks that it leads");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut late_read = asked(cluster.fronts[1].server(), read);
    until_running(cluster.fronts[1].server(), "SELECT v FROM bank.v", 1);
    assert!(write.try_wait().unwrap().is_none(), "{:?}", answered(write));
    assert!(late_read.try_wait().unwrap().is_none(), "{:?}", answered(late_read));
    others().for_each(|server| server.signal(Signal::CONT));
    assert_eq!(answered(write), Ok(String::new()));
    let value = answered(late_read);
    assert!(["2", "3"].map(|value| Ok(value.to_owned())).contains(&value), "{value:?}");
    assert_eq!(query::<i64>(ports[1], read), [3]);
    cluster.wait_whole();
}

/// Waits until each of these has grown by so much.
fn until_more(counts: &[AtomicUsize], many: usize) {
    let before: Vec<usize> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let begun = Instant::now();
    for (count, before) in counts.iter().zip(before) {
        while count.load(Ordering::Relaxed) < before + many {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is read");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Reads until told to stop, and counts: when each read began, and what it read.
fn reads(
    port: u16,
    sql: &'static str,
    stop: &AtomicBool,
    count: &AtomicUsize,
) -> Vec<(Instant, i64)> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        seen.push((began, query::<i64>(port, sql)[0]));
        count.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

#[test]
fn a_leader_that_is_cut_off_serves_nothing_stale() {
    let cluster = Cluster::start(3, 2);
    let ports = cluster.ports();
    execute(
        ports[0],
        &[
            "CREATE DATABASE bank",
            "CREATE TABLE bank.v (id INT PRIMARY KEY, v INT NOT NULL)",
            "INSERT INTO bank.v VALUES (1, 1)",
        ],
    );
    cluster.wait_whole();
    let read = "SELECT v FROM bank.v WHERE id = 1";
    let at = cluster.leader_of(&first_key(&cluster, "v"));
    // One SQL node stays with the leader; the other, the stores and the placement driver are on the other side.
    let beyond: Vec<&Node> = cluster
        .stores
        .iter()
        .filter(|store| store.name != cluster.stores[at].name)
        .chain([&cluster.pd, &cluster.fronts[1]])
        .collect();
    let leader = cluster.stores[at].server();
    let region = region_of(&cluster.regions(), &first_key(&cluster, "v"))["id"].clone();
    let stop = AtomicBool::new(false);
    let counts = [AtomicUsize::new(0), AtomicUsize::new(0)];
    std::thread::scope(|scope| {
        let near = scope.spawn(|| reads(ports[0], read, &stop, &counts[0]));
        let far = scope.spawn(|| reads(ports[1], read, &stop, &counts[1]));
        beyond.iter().for_each(|node| leader.post(&format!("/bridge/cut?node={}", node.name)));
        let cut = Instant::now();
        execute(ports[1], &["UPDATE bank.v SET v = 2 WHERE id = 1"]);
        let written = Instant::now();
        println!("written {:.2?} after the leader was cut off", written - cut);
        // Until the one that is cut off knows, and reads on both sides have begun after that and after it is healed.
        while leads(leader, &region) {
            assert!(written.elapsed() < Duration::from_secs(60), "it still thinks that it leads");
            std::thread::sleep(Duration::from_millis(50));
        }
        until_more(&counts[1..], 5);
        beyond.iter().for_each(|node| leader.post(&format!("/bridge/heal?node={}", node.name)));
        until_more(&counts, 5);
        stop.store(true, Ordering::Relaxed);
        for (side, seen) in [("near", near.join().unwrap()), ("far", far.join().unwrap())] {
            println!("{} reads on the {side} side", seen.len());
            let after = || seen.iter().filter(|(began, _)| *began > written);
            assert!(after().count() > 0, "nothing was read on the {side} side after the write");
            assert!(after().all(|(_, value)| *value == 2), "a stale read on the {side} side");
        }
    });
    cluster.wait_whole();
}

#[test]
fn a_damaged_log_is_refused() {
    let mut cluster = Cluster::start(3, 1);
    let port = cluster.ports()[0];
    execute(port, &["CREATE DATABASE bank", "CREATE TABLE bank.v (id INT PRIMARY KEY, v TEXT)"]);
    for id in 0..50 {
        let value = "x".repeat(2_000);
        execute(port, &[&format!("INSERT INTO bank.v VALUES ({id}, '{value}')")]);
    }
    cluster.stores[2].kill();
    let logs = std::fs::read_dir(cluster.stores[2].dir.join("raft")).unwrap();
    let largest = logs
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(&largest, bytes).unwrap();
    let said = cluster.stores[2].refused();
    assert!(said.contains("raft") && (said.contains("corrupt") || said.contains("lost")), "{said}");
    // The others are a database.
    assert_eq!(query::<i64>(port, "SELECT COUNT(*) FROM bank.v"), [50]);
}
