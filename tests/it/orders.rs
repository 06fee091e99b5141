//! What operators of a cluster ask and order: every command of `troupe ctl` and every path of `/pd/api/v1`, against real stores.

use serde_json::Value;

use crate::bank::{execute, query};
use crate::cluster::Cluster;
use crate::server::troupe;

/// Four stores, three replicas, and nobody who moves anything by itself.
fn quiet_cluster() -> Cluster {
    let cluster = Cluster::start(4, 1);
    for name in ["balance-leader", "balance-region", "replica", "merge"] {
        ctl(&cluster, &["schedulers", "remove", &format!("{name}-scheduler")]);
    }
    cluster
}

fn ask(cluster: &Cluster, arguments: &[&str]) -> (bool, String) {
    let pd = cluster.pd.server().admin.trim_start_matches("http://").to_owned();
    let output = troupe().args(["ctl", "--pd", &pd]).args(arguments).output().unwrap();
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn ctl(cluster: &Cluster, arguments: &[&str]) -> String {
    let (done, said) = ask(cluster, arguments);
    assert!(done, "ctl {arguments:?}: {said}");
    said
}

fn refused(cluster: &Cluster, arguments: &[&str]) -> String {
    let (done, said) = ask(cluster, arguments);
    assert!(!done, "ctl {arguments:?}: {said}");
    said
}

/// The region of the table `d.t`.
fn region(cluster: &Cluster) -> Value {
    let regions = cluster.regions();
    let largest = regions.iter().max_by_key(|region| region["approximate_keys"].as_u64());
    largest.expect("there are regions").clone()
}

fn by_id(cluster: &Cluster, id: u64) -> Value {
    cluster.pd_json(&format!("/pd/api/v1/region/id/{id}"))
}

/// The stores with voters of a region.
fn voters(region: &Value) -> Vec<u64> {
    let peers = region["peers"].as_array().unwrap().iter();
    let voters = peers.filter(|peer| peer.get("role_name").is_none_or(|role| role == "Voter"));
    let mut stores: Vec<u64> = voters.map(|peer| peer["store_id"].as_u64().unwrap()).collect();
    stores.sort_unstable();
    stores
}

fn sorted_stores(cluster: &Cluster) -> Vec<u64> {
    let mut stores: Vec<u64> = (0..4).map(|at| cluster.store_id(at)).collect();
    stores.sort_unstable();
    stores
}

fn leader(region: &Value) -> u64 {
    region["leader"]["store_id"].as_u64().unwrap()
}

fn leads(cluster: &Cluster, store: u64) -> usize {
    cluster.regions().iter().filter(|region| leader(region) == store).count()
}

#[test]
fn what_is_ordered_is_done() {
    let cluster = quiet_cluster();
    let port = cluster.ports()[0];
    execute(port, &["CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT)"]);
    for first in 0..20 {
        let rows: Vec<String> = (first * 100..first * 100 + 100)
            .map(|id| format!("({id}, '{}')", "x".repeat(200)))
            .collect();
        execute(port, &[&format!("INSERT INTO d.t VALUES {}", rows.join(","))]);
    }
    cluster.wait("the region's keys are counted", |cluster| {
        region(cluster)["approximate_keys"].as_u64().unwrap() >= 1000
    });
    let id = region(&cluster)["id"].as_u64().unwrap();
    let (name, all) = (id.to_string(), sorted_stores(&cluster));

    // Leadership.
    let now = by_id(&cluster, id);
    let heir = *voters(&now).iter().find(|store| **store != leader(&now)).unwrap();
    ctl(&cluster, &["operators", "add", "transfer-leader", &name, &heir.to_string()]);
    cluster.wait("leadership moves", |cluster| leader(&by_id(cluster, id)) == heir);

    // Replicas come and go and move.
    let free = *all.iter().find(|store| !voters(&now).contains(store)).unwrap();
    let said =
        refused(&cluster, &["operators", "add", "transfer-leader", &name, &free.to_string()]);
    assert!(said.contains(&free.to_string()), "{said}");
    ctl(&cluster, &["operators", "add", "add-peer", &name, &free.to_string()]);
    cluster.wait("a replica comes", |cluster| voters(&by_id(cluster, id)) == all);
    let gone = *all.iter().find(|store| **store != heir && **store != free).unwrap();
    ctl(&cluster, &["operators", "add", "remove-peer", &name, &gone.to_string()]);
    cluster.wait("a replica goes", |cluster| !voters(&by_id(cluster, id)).contains(&gone));
    let (from, to) = (free.to_string(), gone.to_string());
    ctl(&cluster, &["operators", "add", "transfer-peer", &name, &from, &to]);
    cluster.wait("a replica moves", |cluster| {
        let voters = voters(&by_id(cluster, id));
        voters.contains(&gone) && !voters.contains(&free) && voters.len() == 3
    });
    ctl(&cluster, &["operators", "add", "add-learner", &name, &free.to_string()]);
    cluster.wait("a learner comes", |cluster| {
        by_id(cluster, id)["peers"].as_array().unwrap().len() == 4
    });
    ctl(&cluster, &["operators", "add", "remove-peer", &name, &free.to_string()]);
    cluster.wait("the learner goes", |cluster| {
        by_id(cluster, id)["peers"].as_array().unwrap().len() == 3
    });

    // Regions are cut and put together.
    let before = cluster.regions().len();
    ctl(&cluster, &["operators", "add", "split", &name]);
    cluster.wait("a region is cut in two", |cluster| cluster.regions().len() == before + 1);
    let part = by_id(&cluster, id);
    let regions = cluster.regions();
    let neighbour = regions.iter().find(|other| other["end_key"] == part["start_key"]).unwrap();
    let source = neighbour["id"].as_u64().unwrap().to_string();
    assert_eq!(query::<i64>(port, "SELECT COUNT(*) FROM d.t"), [2000]);
    ctl(&cluster, &["operators", "add", "merge-region", &source, &name]);
    cluster.wait("two regions are one", |cluster| cluster.regions().len() == before);
    assert_eq!(query::<i64>(port, "SELECT COUNT(*) FROM d.t"), [2000]);

    // A store leads nothing as long as it is to lead nothing.
    let store = leader(&by_id(&cluster, id));
    ctl(&cluster, &["schedulers", "add", "evict-leader-scheduler", &store.to_string()]);
    assert!(ctl(&cluster, &["schedulers"]).contains("evict-leader-scheduler"));
    cluster.wait("the store leads nothing", |cluster| leads(cluster, store) == 0);
    ctl(&cluster, &["schedulers", "remove", &format!("evict-leader-scheduler-{store}")]);
    assert!(!ctl(&cluster, &["schedulers"]).contains("evict-leader"));
    ctl(&cluster, &["schedulers", "add", "balance-leader-scheduler"]);
    ctl(&cluster, &["config", "set", "tolerant-leader-count", "1"]);
    execute(port, &["UPDATE d.t SET v = 'y' WHERE id < 10"]);
    assert_eq!(query::<i64>(port, "SELECT COUNT(*) FROM d.t WHERE v = 'y'"), [10]);
}

#[test]
fn what_is_asked_is_answered() {
    let cluster = quiet_cluster();
    let get = |path: &str| cluster.pd_json(&format!("/pd/api/v1/{path}"));
    assert_eq!(get("version")["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(get("health")[0]["health"], true);
    assert_eq!(get("members")["leader"]["name"], "pd-1");
    assert_eq!(get("stores")["count"], 4);
    let store = cluster.store_id(0);
    assert_eq!(get(&format!("store/{store}"))["store"]["state_name"], "Up");
    let regions = get("regions");
    let first = &regions["regions"][0];
    assert_eq!(regions["count"], regions["regions"].as_array().unwrap().len());
    let id = first["id"].as_u64().unwrap();
    assert_eq!(get(&format!("region/id/{id}"))["id"], id);
    let key = first["start_key"].as_str().unwrap();
    let key = if key.is_empty() { "00" } else { key };
    assert_eq!(get(&format!("region/key/{key}?format=hex"))["id"], id);
    assert_eq!(get("operators"), Value::Array(Vec::new()));
    assert_eq!(get("config")["replication"]["max-replicas"], 3);
    assert!(get("schedulers").to_string().contains("split-scheduler"));

    for (arguments, part) in [
        (vec!["members"], "pd-1"),
        (vec!["member", "leader", "show"], "pd-1"),
        (vec!["stores"], "Up"),
        (vec!["store", "show", &store.to_string()], "Up"),
        (vec!["regions"], &id.to_string()),
        (vec!["region", &id.to_string()], &id.to_string()),
        (vec!["operators"], "none"),
        (vec!["schedulers"], "split-scheduler"),
        (vec!["config"], "max-replicas"),
        (vec!["actors", "--under", "/pd-1/pd"], "/pd-1/pd/scheduler/balance-leader"),
    ] {
        let said = ctl(&cluster, &arguments);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    // A store that is being emptied may be kept.
    ctl(&cluster, &["store", "remove", &store.to_string()]);
    let state = |state: &'static str| {
        move |cluster: &Cluster| {
            let said = cluster.pd_json(&format!("/pd/api/v1/store/{store}"));
            said["store"]["state_name"] == state
        }
    };
    cluster.wait("the store is being emptied", state("Offline"));
    ctl(&cluster, &["store", "keep", &store.to_string()]);
    cluster.wait("the store is kept", state("Up"));

    for (arguments, part) in [
        (vec!["operators", "add", "split", "4711"], "4711"),
        (vec!["operators", "remove", "4711"], "4711"),
        (vec!["schedulers", "add", "nonsense-scheduler"], "there is no scheduler"),
        (vec!["schedulers", "add", "evict-leader-scheduler"], "needs a store_id"),
        (vec!["config", "set", "max-replicas", "2"], "max-replicas"),
        (vec!["config", "set", "nonsense", "2"], "there is no setting"),
        (vec!["store", "remove", "4711"], "4711"),
    ] {
        let said = refused(&cluster, &arguments);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}
