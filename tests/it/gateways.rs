//! Clients that reach the database over gateways in processes of their own, before SQL nodes, three stores and the placement
//! driver: one of each kind is killed, all of them are restarted, and sysbench runs.

use std::process::Command;
use std::time::Instant;

use crate::bank::{Bank, query};
use crate::cluster::{Cluster, Node, Shape};
use crate::server::{have, mariadb, run};

/// Every service on its own, two of each that a client meets.
const SEPARATE: Shape = Shape { pds: 1, stores: 3, fronts: 2, gateways: 2 };

/// A cluster with a bank in several regions.
fn bank_behind_gateways(shape: Shape) -> Cluster {
    let cluster = Cluster::of(shape);
    Bank::found(cluster.ports()[0]);
    cluster.wait_whole();
    cluster
}

#[test]
fn a_gateway_or_a_sql_node_may_be_killed_under_load() {
    let mut cluster = bank_behind_gateways(SEPARATE);
    let bank = Bank::open(cluster.ports());
    bank.go_on(10);

    // Clients of the gateway that is gone come back by the other, which they know.
    let killed = Instant::now();
    cluster.gateways[0].kill();
    bank.go_on(20);
    println!("without a gateway: the longest pause was {:.2?}", bank.longest_gap(killed));
    cluster.gateways[0].start();
    bank.move_to(cluster.ports());
    bank.go_on(10);

    // Clients whose session was on the SQL node that is gone connect again, to the gateways they know.
    for at in 0..cluster.fronts.len() {
        let killed = Instant::now();
        cluster.fronts[at].kill();
        bank.go_on(20);
        println!("without a SQL node: the longest pause was {:.2?}", bank.longest_gap(killed));
        cluster.fronts[at].start();
        bank.go_on(10);
    }
    bank.close();
}

/// Every node of the cluster, one after the other, each when the one before is back.
fn in_turn(cluster: &mut Cluster, mut restart: impl FnMut(&mut Node)) {
    restart(&mut cluster.pd);
    cluster.other_pds.iter_mut().for_each(&mut restart);
    for at in 0..cluster.stores.len() {
        restart(&mut cluster.stores[at]);
        cluster.wait_whole();
    }
    cluster.fronts.iter_mut().for_each(&mut restart);
}

#[test]
fn every_node_of_every_kind_may_be_restarted_under_load() {
    let mut cluster = bank_behind_gateways(Shape { pds: 3, ..SEPARATE });
    let bank = Bank::open(cluster.ports());
    bank.go_on(10);
    let begun = Instant::now();
    in_turn(&mut cluster, |node| {
        node.terminate();
        bank.go_on(5);
        node.start();
        bank.go_on(5);
    });
    for at in 0..cluster.gateways.len() {
        cluster.gateways[at].terminate();
        bank.move_to(cluster.ports());
        bank.go_on(5);
        cluster.gateways[at].start();
        bank.move_to(cluster.ports());
        bank.go_on(5);
    }
    println!(
        "while every node was restarted, the longest pause was {:.2?}",
        bank.longest_gap(begun)
    );
    cluster.wait_whole();
    bank.close();
}

/// One step of sysbench, over one gateway.
fn sysbench(port: u16, step: &str, more: &[&str]) -> String {
    run(Command::new("sysbench")
        .args(["oltp_read_write", "--db-driver=mysql", "--mysql-host=127.0.0.1"])
        .args(["--mysql-user=root", "--mysql-db=sbtest", "--tables=4", "--table-size=1000"])
        .args(["--threads=4", &format!("--mysql-port={port}")])
        .args(more)
        .arg(step))
}

/// A number in sysbench's report.
fn figure(report: &str, name: &str) -> u64 {
    let line = report.lines().find_map(|line| line.trim().strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no {name} in\n{report}"))
}

#[test]
fn sysbench_runs_over_a_gateway_and_three_stores_with_no_errors() {
    if !have("sysbench") {
        return;
    }
    let cluster = Cluster::of(Shape { gateways: 1, ..SEPARATE });
    let gateway = cluster.gateways[0].server();
    run(mariadb(gateway).args(["-e", "CREATE DATABASE sbtest"]));
    sysbench(gateway.mysql_port, "prepare", &[]);
    let report = sysbench(gateway.mysql_port, "run", &["--time=8"]);
    // "Ignored errors" are deadlocks and conflicts, which sysbench tries again; of others there may be none.
    assert!(!report.contains("FATAL"), "{report}");
    assert_eq!(figure(&report, "reconnects:"), 0, "{report}");
    assert!(figure(&report, "transactions:") > 0, "{report}");
    println!("{report}");
    cluster.wait_whole();
    for table in 1..=4 {
        let count = format!("SELECT COUNT(*) FROM sbtest.sbtest{table}");
        assert_eq!(query::<u64>(gateway.mysql_port, &count), [1000]);
    }
}
