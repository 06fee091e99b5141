//! What is decided and what is shown; the processes are in `tests/it/playground.rs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::args::Place;
use super::control::Request;
use super::home::{Home, locate};
use super::plan::{Common, Counts, NodeKind, NodePlan, Plan, Ports, default_replicas};
use super::show::{NodeReport, Report, State};

/// A machine on which nobody listens.
const EMPTY: Ports<'static> = Ports { offset: 0, is_free: &|_| true };

fn counts(pd: u32, store: u32, sql: u32) -> Counts {
    Counts { pd, store, sql, gateway: 0 }
}

fn names(nodes: &[NodePlan]) -> Vec<&str> {
    nodes.iter().map(|node| &*node.name).collect()
}

fn node<'a>(plan: &'a Plan, name: &str) -> &'a NodePlan {
    plan.nodes.iter().find(|node| node.name == name).unwrap()
}

#[test]
fn a_cluster_is_planned_with_the_ports_of_a_single_node_first() {
    let plan = Plan::new(counts(1, 3, 2), None, &EMPTY).unwrap();
    assert_eq!(names(&plan.nodes), ["pd1", "store1", "store2", "store3", "sql1", "sql2"]);
    assert_eq!(node(&plan, "pd1").bridge.to_string(), "127.0.0.1:20160");
    assert_eq!(node(&plan, "store2").admin.to_string(), "127.0.0.1:10082");
    assert_eq!(node(&plan, "store2").mysql, None);
    assert_eq!(node(&plan, "sql1").mysql.unwrap().port(), 4000);
    assert_eq!(node(&plan, "sql2").mysql.unwrap().port(), 4001);
    assert_eq!(plan.counts(), counts(1, 3, 2));
}

#[test]
fn ports_that_are_taken_are_passed_over() {
    let is_free = |address: SocketAddr| address.port() % 2 == 1;
    let ports = Ports { offset: 100, is_free: &is_free };
    let mut plan = Plan::new(counts(1, 1, 2), None, &ports).unwrap();
    let mysql = |plan: &Plan, name| node(plan, name).mysql.unwrap().port();
    assert_eq!((mysql(&plan, "sql1"), mysql(&plan, "sql2")), (4101, 4103));
    plan.scale_out(counts(0, 0, 1), &ports).unwrap();
    assert_eq!(mysql(&plan, "sql3"), 4105);
    let nothing = Ports { offset: 0, is_free: &|_| false };
    let said = Plan::new(Counts::default(), None, &nothing).unwrap_err();
    assert!(said.contains("no free port"), "{said}");
}

#[test]
fn what_cannot_be_a_cluster_is_refused_by_its_flag() {
    let refused = |counts| Plan::new(counts, None, &EMPTY).unwrap_err();
    let said = refused(Counts { gateway: 1, ..counts(1, 1, 0) });
    assert!(said.starts_with("--sql: "), "{said}");
    assert!(refused(counts(0, 1, 1)).starts_with("--pd: "));
    assert!(refused(counts(2, 1, 1)).starts_with("--pd: "));
    assert!(refused(counts(1, 0, 1)).starts_with("--store: "));
    assert!(refused(counts(1, 1, 0)).starts_with("--sql: "));
    assert!(refused(counts(1, 1000, 1)).starts_with("--store: "));
    let said = Plan::new(Counts::default(), Some(2), &EMPTY).unwrap_err();
    assert!(said.starts_with("--replicas: "), "{said}");
}

#[test]
fn scaling_out_goes_on_with_the_numbers() {
    let mut plan = Plan::new(Counts::default(), None, &EMPTY).unwrap();
    let added = plan.scale_out(counts(0, 2, 0), &EMPTY).unwrap();
    assert_eq!(names(&added), ["store2", "store3"]);
    assert_eq!(plan.counts(), counts(1, 3, 1));
    let before = plan.clone();
    let mut refused = |counts| plan.scale_out(counts, &EMPTY).unwrap_err();
    assert!(refused(counts(0, 0, 0)).contains("nothing to add"));
    assert!(refused(counts(0, 30, 0)).starts_with("--store: "));
    assert!(refused(Counts { gateway: 40, ..counts(0, 0, 0) }).starts_with("--gateway: "));
    assert_eq!(plan, before);
    let added = plan.scale_out(Counts { gateway: 1, ..counts(0, 0, 0) }, &EMPTY).unwrap();
    assert_eq!(names(&added), ["gateway1"]);
    assert!(added[0].mysql.is_some());
}

#[test]
fn nodes_are_started_with_flags_only_they_need() {
    let plan = Plan::new(counts(1, 1, 1), Some(3), &EMPTY).unwrap();
    let common = Common { dir: "/d".into(), config: Some("/c.toml".into()), parent: 7 };
    let launch = |name| plan.launch(node(&plan, name), &common);
    assert_eq!(
        launch("pd1").args.join(" "),
        "start --role pd --name pd1 --addr 127.0.0.1:20160 --admin-addr 127.0.0.1:10080 \
         --data-dir /d/pd1 --config /c.toml --with-parent 7"
    );
    assert_eq!(
        launch("sql1").args.join(" "),
        "start --role sql,gateway,ddl,stats --name sql1 --addr 127.0.0.1:20162 \
         --admin-addr 127.0.0.1:10082 --mysql-addr 127.0.0.1:4000 --pd 127.0.0.1:20160 \
         --data-dir /d/sql1 --config /c.toml --with-parent 7"
    );
    assert_eq!(launch("store1").log, PathBuf::from("/d/log/store1.log"));
    assert_eq!(launch("pd1").env, [("TROUPE_PD_REPLICAS", "3".to_owned())]);
    let plan = Plan { replicas: None, ..plan };
    assert!(plan.launch(node(&plan, "pd1"), &common).env.is_empty());
}

#[test]
fn several_placement_drivers_know_each_other() {
    let mut plan = Plan::new(counts(3, 1, 1), None, &EMPTY).unwrap();
    let flags =
        |plan: &Plan, name| plan.launch(node(plan, name), &Common::default()).args.join(" ");
    let first = "127.0.0.1:20160,127.0.0.1:20161,127.0.0.1:20162";
    for name in ["pd1", "pd3", "store1", "sql1"] {
        let flags = flags(&plan, name);
        assert!(flags.contains(&format!("--pd {first} ")), "{flags}");
    }
    // One that comes later joins them; those that are there already go by their own list.
    plan.scale_out(counts(1, 0, 1), &EMPTY).unwrap();
    assert!(flags(&plan, "pd4").contains(&format!("--join {first} ")));
    assert!(flags(&plan, "pd1").contains(&format!("--pd {first} ")));
    let fourth = node(&plan, "pd4").bridge;
    assert!(flags(&plan, "sql2").contains(&format!("--pd {first},{fourth} ")));
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn replicas_follow_the_stores() {
    assert_eq!([1, 2, 3, 5].map(|store| default_replicas(counts(1, store, 1))), [1, 1, 3, 3]);
}

fn report() -> Report {
    let plan = Plan::new(counts(1, 1, 1), None, &EMPTY).unwrap();
    let states = [State::Ready, State::Ended("killed".to_owned()), State::Ready];
    let nodes = plan.nodes.into_iter().zip(states).zip([Some(11), None, Some(13)]);
    let nodes = nodes.map(|((plan, state), pid)| NodeReport { plan, state, pid }).collect();
    Report { pid: 10, dir: "/d".into(), nodes }
}

#[test]
fn the_table_names_every_node() {
    let wanted = "\
NAME    ROLES                  STATE   PID  MYSQL           ADMIN            BRIDGE           LOG
pd1     pd                     ready   11   -               127.0.0.1:10080  127.0.0.1:20160  /d/log/pd1.log
store1  store                  killed  -    -               127.0.0.1:10081  127.0.0.1:20161  /d/log/store1.log
sql1    sql,gateway,ddl,stats  ready   13   127.0.0.1:4000  127.0.0.1:10082  127.0.0.1:20162  /d/log/sql1.log
";
    assert_eq!(report().table(), wanted);
    assert_eq!(
        report().ways_in(),
        "  mysql -h 127.0.0.1 -P 4000 -u root\n  http://127.0.0.1:10082/\n",
        "browsers refuse 10080"
    );
}

#[test]
fn a_report_and_a_request_cross_the_socket() {
    let text = serde_json::to_string(&report()).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report());
    for request in [
        Request::Status,
        Request::Kill { name: "store1".to_owned() },
        Request::ScaleOut { counts: counts(0, 1, 0) },
    ] {
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    }
}

#[test]
fn a_playground_is_where_it_is_said_to_be() {
    let place = |tag: Option<&str>, dir: Option<&str>| Place {
        tag: tag.map(str::to_owned),
        dir: dir.map(PathBuf::from),
    };
    let home = || Some("/home/ann".into());
    let at = |path: &str, is_kept| (PathBuf::from(path), is_kept);
    assert_eq!(
        locate(&place(None, None), home()).unwrap(),
        at("/home/ann/.troupe/playground/default", false)
    );
    assert_eq!(
        locate(&place(Some("x"), None), home()).unwrap(),
        at("/home/ann/.troupe/playground/x", true)
    );
    assert_eq!(locate(&place(None, Some("/y")), None).unwrap(), at("/y", true));
    assert!(locate(&place(Some("../x"), None), home()).is_err());
    assert!(locate(&place(Some(""), None), home()).is_err());
    assert!(locate(&place(None, None), None).unwrap_err().to_string().contains("--dir"));
}

fn entries(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[test]
fn a_directory_has_one_playground_and_keeps_what_is_to_be_kept() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("a");
    let plan = Plan::new(counts(1, 3, 2), Some(3), &EMPTY).unwrap();
    let home = Home::take(dir.clone(), true).unwrap();
    assert_eq!(home.load().unwrap(), None);
    home.save(&plan).unwrap();
    let said = Home::take(dir.clone(), true).err().unwrap().to_string();
    assert!(said.contains("runs in"), "{said}");
    home.leave().unwrap();
    let home = Home::take(dir.clone(), true).unwrap();
    assert_eq!(home.load().unwrap(), Some(plan));
    drop(home);
    // Without a name the next one begins anew, and leaves nothing.
    let home = Home::take(dir.clone(), false).unwrap();
    assert_eq!(home.load().unwrap(), None);
    std::fs::create_dir(dir.join("store1")).unwrap();
    home.leave().unwrap();
    assert_eq!(entries(&dir), 1);
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("dear"), "to somebody").unwrap();
    for is_kept in [true, false] {
        let said = Home::take(temp.path().to_owned(), is_kept).err().unwrap().to_string();
        assert!(said.contains("not a playground's"), "{said}");
    }
    assert_eq!(entries(temp.path()), 1);
}

#[test]
fn kinds_have_roles_that_exist() {
    for kind in NodeKind::ALL {
        crate::config::Roles::parse(kind.roles()).unwrap();
    }
}
