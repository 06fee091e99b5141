//! Three replicas of everything, in processes that are killed, stopped, wiped, added and removed under load.

use std::time::{Duration, Instant};

use crate::bank::Bank;
use crate::cluster::Cluster;

/// A cluster with a bank in several regions, led by several stores.
fn bank_of(stores: usize) -> Cluster {
    let cluster = Cluster::start(stores, 2);
    Bank::found(cluster.ports()[0]);
    cluster.wait_whole();
    cluster.wait("leaders on several stores", |cluster| cluster.leading_stores() > 1);
    cluster
}

/// The first key of the table `bank.transfers`, as regions know it.
fn key_of_transfers(cluster: &Cluster) -> String {
    let schema = cluster.fronts[0].server().json("/schema/bank/transfers");
    let id = schema["id"].as_u64().unwrap_or_else(|| panic!("no id in {schema}"));
    let mut key = vec![b't'];
    key.extend((id ^ 1 << 63).to_be_bytes());
    // In groups of eight bytes, each with a mark that says it is full.
    let mut encoded = String::new();
    for group in key.chunks(8) {
        group.iter().for_each(|byte| encoded += &format!("{byte:02X}"));
        encoded += &"00".repeat(8 - group.len());
        encoded += &format!("{:02X}", 0xff - (8 - group.len()));
    }
    encoded
}

#[test]
fn any_one_process_may_be_killed_under_load() {
    let mut cluster = bank_of(3);
    let bank = Bank::open(cluster.ports());
    bank.go_on(10);
    let key = key_of_transfers(&cluster);
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
