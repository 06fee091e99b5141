//! Starting and stopping, flags and files.

use std::process::Stdio;
use std::time::Duration;

use crate::server::{Options, Server, mariadb, run, troupe};

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
        .args(["-N", "-e", "SELECT SLEEP(1), 'done'"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(400));
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
    let said = refused(&["--role", "gateway"], &[]);
    assert!(said.contains("--role") && said.contains("gateway"), "{said}");
}

#[test]
fn a_port_in_use_is_named() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let said = refused(
        &[
            "--mysql-addr",
            &address,
            "--admin-addr",
            "127.0.0.1:0",
            "--addr",
            "127.0.0.1:0",
            "--data-dir",
            dir.path().to_str().unwrap(),
        ],
        &[],
    );
    assert!(said.contains(&address) && said.contains("mysql.addr"), "{said}");
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
    std::fs::write(&version, text.replace('1', "999")).unwrap();
    let before = contents(&server.data_dir.join("kv"));
    let args = on(&server.data_dir);
    let said = refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert!(said.contains("999") && said.contains("version"), "{said}");
    assert!(contents(&server.data_dir.join("kv")) == before, "the directory was changed");
}
