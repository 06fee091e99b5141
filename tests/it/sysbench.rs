//! sysbench runs without an error.

use std::process::Command;

use crate::server::{Server, have, mariadb, run};

fn sysbench(server: &Server, test: &str, step: &str, more: &[&str]) -> String {
    run(Command::new("sysbench")
        .args([test, "--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-user=root"])
        .arg(format!("--mysql-port={}", server.mysql_port))
        .args(["--mysql-db=sbtest", "--tables=4", "--table-size=100000", "--threads=4"])
        .args(more)
        .arg(step))
}

#[test]
fn oltp_read_write_prepares_and_runs_with_no_errors() {
    if !have("sysbench") {
        return;
    }
    let server = Server::start();
    run(mariadb(&server).args(["-e", "CREATE DATABASE sbtest"]));
    sysbench(&server, "oltp_read_write", "prepare", &[]);
    let said = sysbench(&server, "oltp_read_write", "run", &["--time=10"]);
    // Deadlocks that sysbench retries are "ignored errors": they are allowed, failures are not.
    assert!(said.contains("transactions:"), "{said}");
    assert!(!said.contains("FATAL"), "{said}");
    let count = run(mariadb(&server).args(["-N", "sbtest", "-e", "SELECT COUNT(*) FROM sbtest4"]));
    assert_eq!(count, "100000\n");
}
