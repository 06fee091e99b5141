//! `/health` means that a statement would be answered.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{Cluster, Node, Shape};
use crate::server::{Server, run, troupe};

const PATIENCE: Duration = Duration::from_secs(90);

fn health(server: &Server) -> (u16, Value) {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build(),
    );
    let mut answer = agent.get(format!("{}/health", server.admin)).call().unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&body).unwrap())
}

/// Waits until a node is ready, or is not and says this.
fn until(node: &Node, status: u16, reason: &str) {
    let begun = Instant::now();
    loop {
        let (now, said) = health(node.server());
        if now == status && said["reason"].as_str().unwrap().contains(reason) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{}: {now} {said:#}", node.name);
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn without_a_majority_of_stores_no_node_is_ready() {
    let mut cluster = Cluster::of(Shape { pds: 1, stores: 3, fronts: 1, gateways: 0 });
    for node in cluster.stores.iter().chain(&cluster.fronts) {
        until(node, 200, "");
    }
    cluster.stores[1].kill();
    cluster.stores[2].kill();
    until(&cluster.stores[0], 503, "have no leader, or not enough replicas");
    until(&cluster.fronts[0], 503, "reads: ");
    let metrics = cluster.stores[0].server().get("/metrics");
    assert!(metrics.contains("troupe_store_regions_without_leader "), "{metrics}");
    cluster.stores[1].start();
    for node in [&cluster.stores[0], &cluster.stores[1], &cluster.fronts[0]] {
        until(node, 200, "");
    }
}

#[test]
fn without_a_majority_of_placement_drivers_no_node_is_ready_and_one_that_was_removed_never_is() {
    let mut cluster = Cluster::of(Shape { pds: 3, stores: 3, fronts: 1, gateways: 0 });
    cluster.other_pds[0].kill();
    cluster.other_pds[1].kill();
    until(&cluster.pd, 503, "placement");
    until(&cluster.stores[0], 503, "placement: ");
    until(&cluster.fronts[0], 503, "placement: ");
    cluster.other_pds[0].start();
    for node in [&cluster.pd, &cluster.stores[0], &cluster.fronts[0]] {
        until(node, 200, "");
    }
    cluster.other_pds[1].start();
    until(&cluster.other_pds[1], 200, "");
    let name = cluster.other_pds[1].name.clone();
    run(troupe().args(["ctl", "--pd", &cluster.pd.server().admin, "member", "remove", &name]));
    // Nobody sends to a member that was taken out: it has to ask.
    until(&cluster.other_pds[1], 503, "was taken out of the placement driver's group");
    until(&cluster.pd, 200, "");
}
