//! Starting and stopping, flags and files.

use std::process::Stdio;
use std::time::Duration;

use crate::server::{Options, Server, mariadb, run, troupe, until_running};

#[test]
fn sigterm_drains_and_exits_with_zero() {
    let mut server = Server::start();
    run(mariadb(&server).args([
        "-e",
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1)",
    ]));
    assert!(server.terminate().success(), "{}", server.log());
    // And what it acknowledged is there when it comes back.
    let again = Server::with(&Options { data_dir: Some(&server.data_dir), ..Options::default() });
    assert_eq!(run(mariadb(&again).args(["-N", "-e", "SELECT a FROM d.t"])), "1\n");
}

#[test]
fn a_statement_in_hand_is_finished_before_the_server_stops() {
    let mut server = Server::start();
    let mut client = mariadb(&server)
        .args(["-N", "-e", "SELECT SLEEP(2), 'done'"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until_running(&server, "SELECT SLEEP(2)", 1);
    assert!(server.terminate().success());
    let output = crate::server::read_all(client.stdout.take().unwrap());
    assert_eq!(output, "0\tdone\n");
    assert!(client.wait().unwrap().success());
}

#[test]
fn the_effective_configuration_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("troupe.toml");
    std::fs::write(&file, "[mysql]\nmax-connections = 7\naddr = \"127.0.0.1:1\"\n").unwrap();
    let printed = run(troupe()
        .args(["config", "print", "--mysql-addr", "127.0.0.1:3", "--config"])
        .arg(&file)
        .env("TROUPE_MYSQL_ADDR", "127.0.0.1:2")
        .env("TROUPE_STORE_REGION_SPLIT_KEYS", "5000"));
    for line in ["max-connections = 7", "addr = \"127.0.0.1:3\"", "region-split-keys = 5000"] {
        assert!(printed.contains(line), "{line} is not in:\n{printed}");
    }
}

/// Runs `troupe start` with arguments it cannot start with, and answers what it says.
fn refused(args: &[&str], env: &[(&str, &str)]) -> String {
    let output = troupe().arg("start").args(args).envs(env.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn bad_configuration_names_the_key_and_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.toml");
    std::fs::write(&file, "[mysql]\nmax-conections = 7\n").unwrap();
    let said = refused(&["--config", file.to_str().unwrap()], &[]);
    assert!(said.contains("mysql.max-conections") && said.contains("bad.toml"), "{said}");
    let said = refused(&[], &[("TROUPE_STORE_APPLIERS", "many")]);
    assert!(said.contains("store.appliers") && said.contains("TROUPE_STORE_APPLIERS"), "{said}");
    for level in ["loud=ish=", "loud"] {
        std::fs::write(&file, format!("[log]\nlevel = \"{level}\"\n")).unwrap();
        let said = refused(&["--config", file.to_str().unwrap()], &[]);
        assert!(said.contains("log.level") && said.contains("bad.toml"), "{said}");
    }
    let said = refused(&["--config", "/nowhere/troupe.toml"], &[]);
    assert!(said.contains("/nowhere/troupe.toml"), "{said}");
    let said = refused(&["--mysql-addr", "localhost:4000"], &[]);
    assert!(said.contains("--mysql-addr") && said.contains("127.0.0.1:4000"), "{said}");
    let said = refused(&["--data-dir", ""], &[]);
    assert!(said.contains("--data-dir") && said.contains("must not be empty"), "{said}");
    let said = refused(&["--role", "gateways"], &[]);
    assert!(said.contains("--role") && said.contains("gateways"), "{said}");
    let said = refused(&["--role", "store"], &[]);
    assert!(said.contains("node.pd") && said.contains("--pd HOST:PORT"), "{said}");
}

#[test]
fn variables_that_kubernetes_sets_do_not_keep_it_from_starting() {
    let env = [("TROUPE_PORT", "tcp://10.0.0.1:4000"), ("TROUPE_PD_SERVICE_HOST", "10.0.0.1")];
    let server = Server::with(&Options { env: &env, ..Options::default() });
    assert!(server.log().contains("TROUPE_PD_SERVICE_HOST"), "{}", server.log());
    assert_eq!(run(mariadb(&server).args(["-N", "-e", "SELECT 1"])), "1\n");
}

#[test]
fn what_config_print_prints_is_a_configuration_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("printed.toml");
    let printed = run(troupe()
        .args(["config", "print", "--addr", "127.0.0.1:7"])
        .env("TROUPE_STORE_RAFT_TICK", "250ms"));
    std::fs::write(&file, &printed).unwrap();
    assert_eq!(run(troupe().args(["config", "print", "--config"]).arg(&file)), printed);
    assert!(printed.contains("raft-tick = \"250ms\"") && printed.contains("127.0.0.1:7"));
}

#[test]
fn a_port_in_use_is_named() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for (flag, key) in
        [("--mysql-addr", "mysql.addr"), ("--admin-addr", "admin.addr"), ("--addr", "node.addr")]
    {
        let mut args = vec!["--data-dir", data.to_str().unwrap()];
        for other in ["--mysql-addr", "--admin-addr", "--addr"] {
            args.extend([other, if other == flag { &taken } else { "127.0.0.1:0" }]);
        }
        let said = refused(&args, &[]);
        assert!(said.contains(&taken) && said.contains(key), "{said}");
    }
    assert!(!data.exists(), "nothing was made before the ports were had");
}

#[test]
fn a_stop_under_load_keeps_to_its_deadline_and_exits_with_zero() {
    let mut server = Server::with(&Options {
        env: &[("TROUPE_NODE_DRAIN_TIMEOUT", "2s")],
        ..Options::default()
    });
    run(mariadb(&server).args(["-e", "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY)"]));
    let client = |sql: &str| {
        let mut command = mariadb(&server);
        command.args(["-e", sql]).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let insert: String = (0..4_000).map(|a| format!("INSERT INTO d.t VALUES ({a});")).collect();
    let mut clients = vec![
        client("SELECT SLEEP(60)"),
        client("BEGIN; INSERT INTO d.t VALUES (-1); SELECT SLEEP(60)"),
        client(&insert),
    ];
    until_running(&server, "SELECT SLEEP(60)", 2);
    let is_loaded = || {
        let count = "SELECT COUNT(*) FROM d.t WHERE a >= 0";
        run(mariadb(&server).args(["-N", "-e", count])) != "0\n"
    };
    while !is_loaded() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let begun = std::time::Instant::now();
    assert!(server.terminate().success(), "{}", server.log());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2 + 5), "the drain takes {took:?}");
    assert!(server.log().contains("waiting for a connection"), "{}", server.log());
    for client in &mut clients {
        assert!(!client.wait().unwrap().success(), "it was cut off");
    }
    // What was not committed is not there, and nothing is locked.
    let again = Server::with(&Options { data_dir: Some(&server.data_dir), ..Options::default() });
    let said = run(mariadb(&again).args([
        "-N",
        "-e",
        "SELECT COUNT(*) FROM d.t WHERE a < 0; UPDATE d.t SET a = a WHERE a >= 0; SELECT COUNT(*) > 0 FROM d.t",
    ]));
    assert_eq!(said, "0\n1\n");
}

#[test]
fn sigint_stops_it_too() {
    let mut server = Server::start();
    server.signal(rustix::process::Signal::INT);
    assert!(server.exit().success(), "{}", server.log());
    assert!(server.log().contains("stopping on SIGINT"), "{}", server.log());
}

/// The arguments of a server on free ports with this data directory.
fn on(data_dir: &std::path::Path) -> Vec<String> {
    [
        "--mysql-addr",
        "127.0.0.1:0",
        "--admin-addr",
        "127.0.0.1:0",
        "--addr",
        "127.0.0.1:0",
        "--data-dir",
    ]
    .iter()
    .map(ToString::to_string)
    .chain([data_dir.to_str().unwrap().to_owned()])
    .collect()
}

#[test]
fn a_data_directory_is_locked_by_its_server() {
    let server = Server::start();
    let args = on(&server.data_dir);
    let said = refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert!(said.contains("in use by another process"), "{said}");
    assert_eq!(run(mariadb(&server).args(["-N", "-e", "SELECT 1"])), "1\n");
}

/// Every file below a directory with its bytes, RocksDB's own logs aside.
fn contents(dir: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(contents(&path));
        } else if !name.starts_with("LOG") && name != "LOCK" {
            files.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// A data directory with something in it, of a server that has stopped.
fn stopped_server() -> Server {
    let mut server = Server::start();
    run(mariadb(&server).args([
        "-e",
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1)",
    ]));
    assert!(server.terminate().success());
    server
}

#[test]
fn a_corrupt_data_directory_is_refused_and_left_alone() {
    let server = stopped_server();
    let manifest = std::fs::read_dir(server.data_dir.join("kv"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("MANIFEST"))
        .unwrap();
    let mut bytes = std::fs::read(&manifest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].iter_mut().for_each(|byte| *byte = !*byte);
    std::fs::write(&manifest, bytes).unwrap();
    let before = contents(&server.data_dir.join("kv"));
    let args = on(&server.data_dir);
    let said = refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert!(said.contains("orrupt"), "{said}");
    assert!(contents(&server.data_dir.join("kv")) == before, "the directory was changed");
}

#[test]
fn a_data_directory_of_another_version_is_refused_and_left_alone() {
    let server = stopped_server();
    let version = std::fs::read_dir(server.data_dir.join("kv"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().contains("FORMAT"))
        .expect("a file that names the format's version");
    let text = std::fs::read_to_string(&version).unwrap();
    let number: String =
        text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let other = text.replacen(&number, "999", 1);
    assert_ne!(other, text, "it names a version");
    std::fs::write(&version, other).unwrap();
    let before = contents(&server.data_dir.join("kv"));
    let args = on(&server.data_dir);
    let said = refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert!(said.contains("999") && said.contains("version"), "{said}");
    assert!(contents(&server.data_dir.join("kv")) == before, "the directory was changed");
}

/// A stopped server's directory in which something happens; what the next start says, which must leave it alone.
fn refused_after(damage: impl FnOnce(&std::path::Path)) -> String {
    let server = stopped_server();
    damage(&server.data_dir);
    let args = on(&server.data_dir);
    refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[])
}

#[test]
fn a_part_of_the_data_directory_that_is_gone_is_missed() {
    for part in ["kv", "raft", "pd"] {
        let said = refused_after(|dir| std::fs::remove_dir_all(dir.join(part)).unwrap());
        assert!(said.contains(&format!("its directory {part} is gone")), "{said}");
    }
}

#[test]
fn a_log_that_lost_its_end_is_missed() {
    let said = refused_after(|dir| {
        for entry in std::fs::read_dir(dir.join("raft")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(100).unwrap();
            }
        }
    });
    assert!(said.contains("the raft log of region") && said.contains("was lost"), "{said}");
}

#[test]
fn engines_of_two_nodes_do_not_become_one() {
    let other = stopped_server();
    let said = refused_after(|dir| {
        std::fs::remove_dir_all(dir.join("raft")).unwrap();
        std::fs::rename(other.data_dir.join("raft"), dir.join("raft")).unwrap();
        std::fs::remove_dir_all(dir.join("kv")).unwrap();
        std::fs::create_dir(dir.join("kv")).unwrap();
    });
    assert!(said.contains("raft logs") && said.contains("none of their data"), "{said}");
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tmp")).unwrap();
    std::fs::write(dir.path().join("tmp/dear"), "to somebody").unwrap();
    let args = on(dir.path());
    let said = refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert!(said.contains("is not TroupeDB's"), "{said}");
    assert_eq!(std::fs::read(dir.path().join("tmp/dear")).unwrap(), b"to somebody");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
