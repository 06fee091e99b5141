//! `troupe playground`: a cluster of real processes, and the commands to it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use crate::server::{run, troupe};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `troupe playground`.
struct Playground {
    child: Child,
    dir: PathBuf,
}

impl Playground {
    /// With ports of its own, below those the system gives to connections.
    fn start(dir: &Path, args: &[&str]) -> Playground {
        static STARTED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = STARTED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let offset = 100 + (std::process::id() * 37 + number * 1000) % 4000;
        let log = std::fs::File::create(dir.with_extension("out")).unwrap();
        let child = troupe()
            .args(["playground", "--dir", dir.to_str().unwrap()])
            .args(["--port-offset", &offset.to_string()])
            .args(args)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Playground { child, dir: dir.to_owned() }
    }

    /// What it has printed.
    fn said(&self) -> String {
        std::fs::read_to_string(self.dir.with_extension("out")).unwrap()
    }

    fn until_ready(&mut self) {
        let begun = Instant::now();
        while !self.said().contains("Ctrl-C") {
            assert!(self.child.try_wait().unwrap().is_none(), "{}", self.said());
            assert!(begun.elapsed() < PATIENCE, "{}", self.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = troupe();
        command.args(["playground", "--dir", self.dir.to_str().unwrap()]).args(args);
        command
    }

    fn nodes(&self) -> Vec<Value> {
        let text = run(&mut self.command(&["status", "--json"]));
        let report: Value = serde_json::from_str(&text).unwrap();
        report["nodes"].as_array().unwrap().clone()
    }

    fn node(&self, name: &str) -> Value {
        self.nodes().into_iter().find(|node| node["name"] == name).expect("it is there")
    }

    fn pids(&self) -> Vec<i32> {
        let pids = self.nodes().into_iter().filter_map(|node| node["pid"].as_i64());
        pids.map(|pid| pid as i32).collect()
    }

    /// What a client reads from the node `name`, tried until it succeeds.
    fn query_soon(&self, name: &str, sql: &str) -> String {
        let mysql = self.node(name)["mysql"].as_str().unwrap().to_owned();
        let port = mysql.rsplit(':').next().unwrap();
        let begun = Instant::now();
        loop {
            let output = Command::new("mariadb")
                .args(["--no-defaults", "-h", "127.0.0.1", "-u", "root", "-N", "-P", port])
                .args(["-e", sql])
                .output()
                .unwrap();
            if output.status.success() {
                return String::from_utf8_lossy(&output.stdout).into_owned();
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(begun.elapsed() < PATIENCE, "{sql}: {said}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn exit_code(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_there(pid: i32) -> bool {
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
}

fn until_gone(pids: &[i32]) {
    let begun = Instant::now();
    while let Some(pid) = pids.iter().find(|pid| is_there(**pid)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_cluster_is_started_looked_at_hurt_mended_and_taken_down() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("p");
    let mut playground =
        Playground::start(&dir, &["--pd", "1", "--store", "3", "--sql", "2", "--replicas", "1"]);
    playground.until_ready();
    let said = playground.said();
    for name in ["pd1", "store1", "store3", "sql2", "mysql -h 127.0.0.1 -P ", "log/store1.log"] {
        assert!(said.contains(name), "{name} is not in:\n{said}");
    }
    playground.query_soon(
        "sql1",
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1), (2)",
    );
    assert_eq!(playground.query_soon("sql2", "SELECT COUNT(*) FROM d.t"), "2\n");

    // A store is killed, and comes back where it was.
    let before = playground.node("store1");
    assert_eq!(before["state"], "ready");
    let table = run(&mut playground.command(&["kill", "store1"]));
    assert!(table.contains("killed"), "{table}");
    assert!(!is_there(before["pid"].as_i64().unwrap() as i32));
    assert_eq!(playground.node("store1")["pid"], Value::Null);
    let output = playground.command(&["kill", "store1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    run(&mut playground.command(&["restart", "store1"]));
    let after = playground.node("store1");
    assert_eq!((&after["state"], &after["bridge"]), (&before["state"], &before["bridge"]));
    assert_ne!(after["pid"], before["pid"]);
    assert_eq!(playground.query_soon("sql1", "SELECT COUNT(*) FROM d.t"), "2\n");

    // One that runs is stopped first.
    let before = playground.node("sql1");
    run(&mut playground.command(&["restart", "sql1"]));
    assert_ne!(playground.node("sql1")["pid"], before["pid"]);
    assert_eq!(playground.node("sql1")["mysql"], before["mysql"]);

    let table = run(&mut playground.command(&["scale-out", "--store", "1", "--gateway", "1"]));
    assert!(table.contains("store4") && table.contains("gateway1"), "{table}");
    assert_eq!(playground.node("store4")["state"], "ready");
    playground.query_soon("gateway1", "INSERT INTO d.t VALUES (3)");

    let output = playground.command(&["kill", "nobody"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("nobody") && said.contains("store4"), "{said}");

    let pids = playground.pids();
    assert_eq!(pids.len(), 8);
    playground.signal(Signal::INT);
    assert_eq!(playground.exit_code(), Some(0), "{}", playground.said());
    assert!(!pids.iter().any(|pid| is_there(*pid)), "{}", playground.said());

    // The directory was named, so it is kept: the same nodes go on.
    let mut playground = Playground::start(&dir, &[]);
    playground.until_ready();
    assert_eq!(playground.nodes().len(), 8);
    assert_eq!(playground.query_soon("sql1", "SELECT COUNT(*) FROM d.t"), "3\n");
    playground.signal(Signal::TERM);
    assert_eq!(playground.exit_code(), Some(0), "{}", playground.said());
}

#[test]
fn three_placement_drivers_lose_one_and_a_fourth_joins() {
    let temp = tempfile::tempdir().unwrap();
    let mut playground = Playground::start(&temp.path().join("p"), &["--pd", "3"]);
    playground.until_ready();
    playground.query_soon("sql1", "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY)");
    run(&mut playground.command(&["kill", "pd1"]));
    playground.query_soon("sql1", "REPLACE INTO d.t VALUES (1)");
    run(&mut playground.command(&["restart", "pd1"]));
    run(&mut playground.command(&["scale-out", "--pd", "1"]));
    let admin = playground.node("pd4")["admin"].as_str().unwrap().to_owned();
    let members = run(troupe().args(["ctl", "--pd", &format!("http://{admin}"), "members"]));
    for name in ["pd1", "pd2", "pd3", "pd4"] {
        assert!(members.contains(name), "{members}");
    }
    playground.query_soon("sql1", "REPLACE INTO d.t VALUES (2)");
    assert_eq!(playground.query_soon("sql1", "SELECT COUNT(*) FROM d.t"), "2\n");
    let pids = playground.pids();
    playground.signal(Signal::TERM);
    assert_eq!(playground.exit_code(), Some(0), "{}", playground.said());
    assert!(!pids.iter().any(|pid| is_there(*pid)), "{}", playground.said());
}

#[test]
fn no_node_outlives_a_playground_that_is_killed() {
    let temp = tempfile::tempdir().unwrap();
    let mut playground = Playground::start(&temp.path().join("p"), &[]);
    playground.until_ready();
    let pids = playground.pids();
    assert_eq!(pids.len(), 3);
    let second = troupe()
        .args(["playground", "--dir", playground.dir.to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("runs in"), "{said}");
    playground.signal(Signal::KILL);
    playground.exit_code();
    until_gone(&pids);
    let output = playground.command(&["status"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no playground runs"), "{said}");
}

#[test]
fn what_cannot_be_started_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("p");
    let refused = |args: &[&str]| {
        let mut command = troupe();
        command.args(["playground", "--dir", dir.to_str().unwrap()]).args(args);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = refused(&["--sql", "0", "--gateway", "1"]);
    assert!(said.contains("--sql: a cluster needs at least one"), "{said}");
    let said = refused(&["--replicas", "2"]);
    assert!(said.contains("--replicas"), "{said}");
    // A node that does not start: the log says why, and nothing is left running.
    let config = temp.path().join("bad.toml");
    std::fs::write(&config, "[store]\nraft-tick = '1ms'\n").unwrap();
    let said = refused(&["--config", config.to_str().unwrap()]);
    assert!(said.contains("did not start") && said.contains("store.raft-tick"), "{said}");
}

#[test]
fn nodes_are_stopped_paused_resumed_and_taken_out() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("p");
    let mut playground =
        Playground::start(&dir, &["--pd", "3", "--store", "2", "--sql", "2", "--replicas", "1"]);
    playground.until_ready();
    let sql = "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1)";
    playground.query_soon("sql1", sql);

    // One that stands still is there, and answers again when it may.
    run(&mut playground.command(&["pause", "sql2"]));
    assert_eq!(playground.node("sql2")["state"], "paused");
    let stat = format!("/proc/{}/stat", playground.node("sql2")["pid"]);
    assert!(std::fs::read_to_string(stat).unwrap().contains(") T "));
    let said = playground.command(&["resume", "sql1"]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("is not paused"));
    run(&mut playground.command(&["resume", "sql2"]));
    assert_eq!(playground.query_soon("sql2", "SELECT COUNT(*) FROM d.t"), "1\n");
    // One that stands still can be stopped all the same.
    run(&mut playground.command(&["pause", "sql2"]));
    run(&mut playground.command(&["stop", "sql2"]));
    assert_eq!(playground.node("sql2")["pid"], Value::Null);
    run(&mut playground.command(&["restart", "sql2"]));

    // Out for good: what they had is elsewhere.
    for name in ["store1", "pd2", "sql2"] {
        run(&mut playground.command(&["scale-in", name]));
        assert!(!playground.nodes().iter().any(|node| node["name"] == name), "{name}");
        assert!(!dir.join(name).exists());
    }
    assert_eq!(playground.query_soon("sql1", "SELECT COUNT(*) FROM d.t"), "1\n");
    for name in ["store2", "sql1"] {
        let said = playground.command(&["scale-in", name]).output().unwrap();
        assert!(String::from_utf8_lossy(&said.stderr).contains("a cluster needs it"), "{name}");
    }

    // Its nodes are found by its directory, their keys are names, and nobody has to listen to the end.
    let ctl = |args: &[&str]| {
        let mut command = troupe();
        command.args(["ctl", "--dir", dir.to_str().unwrap()]).args(args);
        command
    };
    playground.query_soon("sql1", "SPLIT TABLE d.t BETWEEN (0) AND (40) REGIONS 4");
    let regions = run(&mut ctl(&["regions"]));
    assert!(regions.contains(" row 10 ") && regions.contains("FROM"), "{regions}");
    let mut talking =
        ctl(&["regions"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(talking.stdout.take());
    let output = talking.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());

    let pids = playground.pids();
    run(&mut playground.command(&["stop"]));
    assert_eq!(playground.exit_code(), Some(0), "{}", playground.said());
    assert!(!pids.iter().any(|pid| is_there(*pid)), "{}", playground.said());
}
