//! A node that is cut off in the network itself: each node is in a network namespace of its own, on one bridge, and loses its
//! ways to the others.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{are_whole, key_of_table, leader_of, leads, region_of};
use crate::server::{Options, Server, run};

const NODES: usize = 3;
/// How long something may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(60);
/// Clients of a node: on the same machine, as far as the node can tell.
const MYSQL: &str = "127.0.0.1:4000";

/// Namespaces on a bridge, gone with this.
struct Network {
    /// Of this process: others may run the same test.
    number: u32,
}

impl Network {
    /// `None` where this process may not make one.
    fn make() -> Option<Network> {
        let network = Network { number: std::process::id() % 250 };
        let made = network.try_make();
        if let Err(reason) = &made {
            eprintln!(
                "SKIPPED: no network namespaces here ({reason}); the bridge's fault switch does the same in replicas.rs"
            );
        }
        made.is_ok().then_some(network)
    }

    fn try_make(&self) -> Result<(), String> {
        let bridge = self.bridge();
        ip(&format!("link add {bridge} type bridge"))?;
        for at in 0..NODES {
            let (name, address) = (self.namespace(at), self.address(at));
            ip(&format!("netns add {name}"))?;
            ip(&format!("link add {name} type veth peer name eth0 netns {name}"))?;
            ip(&format!("link set {name} master {bridge} up"))?;
            ip(&format!("-n {name} link set lo up"))?;
            ip(&format!("-n {name} addr add {address}/24 dev eth0"))?;
            ip(&format!("-n {name} link set eth0 up"))?;
        }
        ip(&format!("addr add {}/24 dev {bridge}", self.address(NODES)))?;
        ip(&format!("link set {bridge} up"))
    }

    fn bridge(&self) -> String {
        format!("troupe{}", self.number)
    }

    fn namespace(&self, at: usize) -> String {
        format!("troupe{}-{at}", self.number)
    }

    /// In the range that is set aside for tests of networks.
    fn address(&self, at: usize) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number as u8, at as u8 + 1)
    }

    /// What a node sends to the others is lost, and so is what it would answer them.
    fn cut(&self, at: usize) {
        self.other_ways(at, "add blackhole");
    }

    fn heal(&self, at: usize) {
        self.other_ways(at, "del blackhole");
    }

    fn other_ways(&self, at: usize, verb: &str) {
        for other in (0..NODES).filter(|other| *other != at) {
            let (name, address) = (self.namespace(at), self.address(other));
            ip(&format!("-n {name} route {verb} {address}/32")).unwrap();
        }
    }

    /// A node with all roles, one of three.
    fn start(&self, at: usize, dir: &Path) -> Server {
        let bridge = format!("{}:20160", self.address(at));
        let members: Vec<String> =
            (0..NODES).map(|at| format!("{}:20160", self.address(at))).collect();
        let admin = format!("{}:10080", self.address(at));
        Server::with(&Options {
            data_dir: Some(&dir.join(at.to_string())),
            args: &[
                "--name",
                &format!("n{at}"),
                "--pd",
                &members.join(","),
                "--addr",
                &bridge,
                "--admin-addr",
                &admin,
                "--mysql-addr",
                MYSQL,
            ],
            env: &[("TROUPE_STORE_HEARTBEAT_INTERVAL", "500ms")],
            namespace: Some(&self.namespace(at)),
            ..Options::default()
        })
    }

    /// A client on the machine of a node.
    fn client(&self, at: usize, sql: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(at)]);
        command.args(["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", "4000", "-u", "root"]);
        command.args(["-N", "-e", sql]);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for at in 0..NODES {
            let _ = ip(&format!("netns del {}", self.namespace(at)));
        }
        let _ = ip(&format!("link del {}", self.bridge()));
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .map_err(|error| format!("ip: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("ip {arguments}: {said}")) }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come about");
        std::thread::sleep(Duration::from_millis(100));
    }
    eprintln!("{what}: after {:.1?}", begun.elapsed());
}

/// What a node's placement driver knows of the regions, or the one it asks.
fn regions(server: &Server) -> Vec<Value> {
    server.json("/pd/api/v1/regions")["regions"].as_array().cloned().unwrap_or_default()
}

const READ: &str = "SELECT v FROM d.t WHERE id = 1";

/// Reads until told to stop, and counts what it tried: when each read that succeeded began, and what it read.
fn reads(
    network: &Network,
    at: usize,
    stop: &AtomicBool,
    tried: &AtomicUsize,
) -> Vec<(Instant, i64)> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let output = network.client(at, READ).output().unwrap();
        if output.status.success() {
            let value = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
            seen.push((began, value));
        } else {
            std::thread::sleep(Duration::from_millis(50));
        }
        tried.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

/// Readers stop when the test does, however it ends.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn ask(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// All nodes, with a row in three replicas that each of them can read.
fn start_all(network: &Network, dir: &Path) -> Vec<Server> {
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let start = |at| scope.spawn(move || network.start(at, dir));
        let starts: Vec<_> = (0..NODES).map(start).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    run(&mut network.client(
        0,
        "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); INSERT INTO d.t VALUES (1, 1)",
    ));
    until("three replicas of every region", || are_whole(&regions(&servers[0])));
    for at in 0..NODES {
        assert_eq!(run(&mut network.client(at, READ)), "1\n");
    }
    servers
}

#[test]
fn a_node_that_is_cut_off_serves_nothing_stale_accepts_nothing_and_joins_again() {
    let Some(network) = Network::make() else { return };
    let dir = tempfile::tempdir().unwrap();
    let servers = start_all(&network, dir.path());

    // The one that leads the region is cut off, with the SQL and, it may be, the leader of the placement driver beside it.
    let key = key_of_table(&servers[0], "d", "t");
    let leader = leader_of(&regions(&servers[0]), &key);
    let region = region_of(&regions(&servers[0]), &key)["id"].clone();
    let store = servers[0].json(&format!("/pd/api/v1/store/{leader}"))["store"].clone();
    let near = (0..NODES).find(|at| store["address"] == servers[*at].bridge.as_str()).unwrap();
    let far = (near + 1) % NODES;
    let stop = AtomicBool::new(false);
    let tried = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let until_tried = |what: &str, sides: &[AtomicUsize]| {
        let tries = || sides.iter().map(|count| count.load(Ordering::Relaxed));
        let before: Vec<usize> = tries().collect();
        until(what, || tries().zip(&before).all(|(count, before)| count > before + 1));
    };
    std::thread::scope(|scope| {
        let _stopping = Stopping(&stop);
        let sides = [(near, &tried[0]), (far, &tried[1])].map(|(at, tried)| {
            let (network, stop) = (&network, &stop);
            scope.spawn(move || reads(network, at, stop, tried))
        });
        network.cut(near);
        let cut = Instant::now();
        let mut refused = ask(network.client(near, "UPDATE d.t SET v = v + 100 WHERE id = 1"));
        until("a write on the side of the majority", || {
            let output = network.client(far, "UPDATE d.t SET v = 2 WHERE id = 1").output().unwrap();
            output.status.success()
        });
        let written = Instant::now();
        println!("written {:.2?} after the leader was cut off", written - cut);
        until("the one that is cut off knows", || !leads(&servers[near], &region));
        let begun_write = refused.try_wait().unwrap();
        assert!(begun_write.is_none_or(|status| !status.success()), "a minority took a write");
        let alone = network.client(near, READ).stdout(Stdio::piped()).spawn().unwrap();
        until_tried("reads on the side of the majority", &tried[1..]);
        network.heal(near);
        let value = alone.wait_with_output().unwrap();
        let value = String::from_utf8_lossy(&value.stdout).trim().to_owned();
        assert!(["", "2", "102"].contains(&value.as_str()), "a stale read: {value}");
        // What was not acknowledged may take place now, or not at all.
        let is_late = refused.wait().unwrap().success();
        println!("the write on the side of the minority: {is_late} in the end");
        until("the node joins again", || {
            network.client(near, READ).output().unwrap().status.success()
        });
        until_tried("reads on both sides", &tried);
        stop.store(true, Ordering::Relaxed);
        for (side, seen) in ["near", "far"].iter().zip(sides.map(|side| side.join().unwrap())) {
            println!("{} reads on the {side} side", seen.len());
            let after = || seen.iter().filter(|(began, _)| *began > written);
            assert!(after().count() > 0, "nothing was read on the {side} side after the write");
            assert!(after().all(|(_, value)| *value != 1), "a stale read on the {side} side");
        }
    });
    until("three replicas of every region", || are_whole(&regions(&servers[far])));
    let value = run(&mut network.client(far, READ));
    assert!(["2\n", "102\n"].contains(&value.as_str()), "{value}");
    for at in 0..NODES {
        assert_eq!(run(&mut network.client(at, READ)), value);
    }
    run(&mut network.client(near, "UPDATE d.t SET v = 7 WHERE id = 1"));
    assert_eq!(run(&mut network.client(far, READ)), "7\n");
}
