//! The placement driver as a group of several processes.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bank::Bank;
use crate::roles::{Place, query, query_soon};
use crate::server::{Server, free_address, mariadb, troupe};

/// How long something may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// Members at addresses of their own, called `pd1` and so on.
fn members(count: usize) -> (Vec<Place>, String) {
    let addresses: Vec<String> = (0..count).map(|_| free_address()).collect();
    let all = addresses.join(",");
    let place = |(number, address): (usize, String)| {
        Place::at(address, "pd").and(&["--name", &format!("pd{}", number + 1), "--pd", &all])
    };
    (addresses.into_iter().enumerate().map(place).collect(), all)
}

/// Starts several at once: a member is ready when the group is.
fn start_all(places: &[Place]) -> Vec<Option<Server>> {
    std::thread::scope(|scope| {
        let starts: Vec<_> = places.iter().map(|place| scope.spawn(|| place.start())).collect();
        starts.into_iter().map(|start| Some(start.join().unwrap())).collect()
    })
}

/// What `troupe ctl` says, asked of these nodes.
fn ctl_output(servers: &[&Server], args: &[&str]) -> Output {
    let addresses: Vec<&str> = servers.iter().map(|server| server.admin.as_str()).collect();
    troupe().arg("ctl").args(["--pd", &addresses.join(",")]).args(args).output().unwrap()
}

fn ctl(server: &Server, args: &[&str]) -> String {
    let output = ctl_output(&[server], args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "ctl {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ctl_json(server: &Server, args: &[&str]) -> Option<Value> {
    let output = ctl_output(&[server], &[args, &["--json"]].concat());
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// Waits until something holds.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Which of the members leads, as one of them says.
fn leader(asked: &Server) -> usize {
    until("somebody leads", || {
        let name = ctl_json(asked, &["members"])?["leader"]["name"].as_str()?.to_owned();
        name.strip_prefix("pd")?.parse().ok()
    })
}

/// The last timestamp the leader has given out.
fn last_timestamp(servers: &[Option<Server>]) -> u64 {
    until("a leader says where its clock is", || {
        servers.iter().enumerate().find_map(|(number, server)| {
            let path = format!("/actors/pd{}/pd", number + 1);
            let state = server.as_ref()?.json(&path)["observed"].clone();
            state["leads_in_term"].as_u64()?;
            state["last_timestamp"].as_u64()
        })
    })
}

fn living(servers: &[Option<Server>]) -> &Server {
    servers.iter().flatten().next().unwrap()
}

/// A row is written; it may take until there is a leader again.
fn write(sql: &Server, number: u32) {
    query_soon(sql, &format!("REPLACE INTO d.t VALUES ({number}, {number})"));
}

#[test]
fn three_members_lose_one_after_the_other_and_go_on() {
    let (places, all) = members(3);
    let mut servers = start_all(&places);
    let store = Place::new("store", Some(&all));
    let sql = Place::new("sql,gateway,ddl", Some(&all));
    let _store = store.start();
    let sql = sql.start();
    query(&sql, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b INT)");
    write(&sql, 1);

    // The leader is killed, in the middle of writes.
    let mut last = last_timestamp(&servers);
    let first = leader(servers[0].as_ref().unwrap());
    servers[first - 1].as_mut().unwrap().kill();
    servers[first - 1] = None;
    let begun = Instant::now();
    write(&sql, 2);
    println!("the first write after {:?}", begun.elapsed());
    let second = leader(living(&servers));
    assert_ne!(first, second);
    let now = last_timestamp(&servers);
    assert!(now > last, "{now} after {last}");
    last = now;
    // Nobody was taken for gone, and a schema change goes on too.
    query_soon(&sql, "ALTER TABLE d.t ADD INDEX (b)");
    let shown = ctl(living(&servers), &["members"]);
    assert!(shown.contains("pd1") && shown.contains("pd2") && shown.contains("pd3"), "{shown}");

    // It comes back, as a follower or not, and another one goes: a follower.
    servers[first - 1] = Some(places[first - 1].start());
    let leading = leader(living(&servers));
    let follower = (1..=3).find(|number| *number != leading && *number != first).unwrap();
    servers[follower - 1].as_mut().unwrap().kill();
    servers[follower - 1] = None;
    write(&sql, 3);
    assert!(last_timestamp(&servers) > last);
    last = last_timestamp(&servers);
    servers[follower - 1] = Some(places[follower - 1].start());

    // One that is told to stop hands the lead on.
    let leading = leader(living(&servers));
    let mut stopping = servers[leading - 1].take().unwrap();
    assert!(stopping.terminate().success(), "{}", stopping.log());
    assert!(stopping.log().contains("hands the lead of the placement driver on"));
    write(&sql, 4);
    assert!(last_timestamp(&servers) > last);
    assert_eq!(query_soon(&sql, "SELECT COUNT(*), SUM(b) FROM d.t"), "4\t10\n");

    // Two are left, and a majority of three. One of them is not.
    let mut left = servers.iter_mut().flatten();
    left.next().unwrap().kill();
    let alone: &Server = left.next().unwrap();
    // If it led, it may go on until its lease ends.
    std::thread::sleep(Duration::from_secs(2));
    let output = mariadb(&sql).args(["-e", "REPLACE INTO d.t VALUES (5, 5)"]).output().unwrap();
    assert!(!output.status.success(), "one of three is no majority");
    assert!(!ctl_output(&[alone], &["stores"]).status.success());
}

#[test]
fn members_come_and_go() {
    let (places, all) = members(3);
    let mut servers = start_all(&places);
    let store = Place::new("store", Some(&all)).start();
    let sql = Place::new("sql,gateway,ddl", Some(&all)).start();
    query(&sql, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b INT)");

    let fourth = Place::new("pd", None).and(&["--name", "pd4", "--join", &places[1].address]);
    servers.push(Some(fourth.start()));
    let joined = servers[3].as_ref().unwrap();
    let list = until("the fourth member votes", || {
        let list = ctl_json(joined, &["members"])?["members"].as_array()?.clone();
        let voters = list.iter().filter(|member| member["voter"] == true).count();
        (voters == 4).then_some(list)
    });
    let fourth_id =
        list.iter().find(|member| member["name"] == "pd4").unwrap()["member_id"].clone();
    assert_eq!(fourth_id, 4);

    // The leader is taken out; whoever knew only the first three goes on.
    let leading = leader(joined);
    let out = format!("pd{leading}");
    let said = ctl(joined, &["member", "remove", &out]);
    assert!(said.contains(&format!("removed, pd: {out}")), "{said}");
    servers[leading - 1].as_mut().unwrap().kill();
    servers[leading - 1] = None;
    let now = leader(servers[3].as_ref().unwrap());
    assert_ne!(now, leading);
    write(&sql, 1);
    let list = ctl_json(&sql, &["members"]).unwrap()["members"].clone();
    assert_eq!(list.as_array().unwrap().len(), 3, "{list}");
    // It does not come back by itself.
    let said = places[leading - 1].refused(&["--join-timeout", "20s"]);
    assert!(said.contains("is not a member any more"), "{said}");

    // One that lost its data is refused as what it was, and comes back as another.
    let wiped = (1..=3).find(|number| *number != leading && *number != now).unwrap();
    servers[wiped - 1].as_mut().unwrap().kill();
    servers[wiped - 1] = None;
    let name = format!("pd{wiped}");
    let empty = || Place::at(places[wiped - 1].address.clone(), "pd").and(&["--name", &name]);
    let said = empty().and(&["--pd", &all]).refused(&["--join-timeout", "20s"]);
    assert!(said.contains("is at work already") && said.contains("--join"), "{said}");
    let again = empty().and(&["--join", &all]);
    servers[wiped - 1] = Some(again.start());
    until("the wiped member votes again", || {
        let list = ctl_json(&sql, &["members"])?["members"].as_array()?.clone();
        let me = list.iter().find(|member| member["name"] == name.as_str())?.clone();
        (me["voter"] == true && me["member_id"] == 5).then_some(())
    });
    write(&sql, 2);
    drop(store);
}

#[test]
fn every_member_answers_for_the_group() {
    let (places, all) = members(3);
    let servers = start_all(&places);
    let _store = Place::new("store", Some(&all)).start();
    let sql = Place::new("sql,gateway,ddl", Some(&all)).start();
    query(&sql, "CREATE DATABASE d");
    for server in servers.iter().flatten().chain([&sql]) {
        assert!(ctl(server, &["members"]).contains("leader"));
        assert!(ctl(server, &["stores"]).contains("Up"));
        assert!(ctl(server, &["regions"]).contains("2"));
        assert!(ctl(server, &["schedulers"]).contains("balance-leader-scheduler"));
        assert_eq!(ctl(server, &["operators"]), "none\n");
        assert!(ctl(server, &["actors"]).contains("/bridge"));
        assert!(ctl(server, &["config"]).contains("max-replicas"));
        let health: Value = server.json("/pd/api/v1/health");
        assert!(health.as_array().unwrap().iter().all(|member| member["health"] == true));
        let refused = ctl_output(&[server], &["store", "remove", "1"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("cannot be emptied"), "{said}");
        let refused = ctl_output(&[server], &["operators", "add", "add-peer", "2", "99"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("there is no store 99"), "{said}");
    }
    let (first, second) = (servers[0].as_ref().unwrap(), servers[1].as_ref().unwrap());
    ctl(first, &["schedulers", "remove", "balance-leader-scheduler"]);
    assert!(!ctl(second, &["schedulers"]).contains("balance-leader-scheduler"));
    ctl(second, &["schedulers", "add", "balance-leader-scheduler"]);
    ctl(first, &["config", "set", "max-replicas", "3"]);
    assert_eq!(ctl_json(second, &["config"]).unwrap()["replication"]["max-replicas"], 3);

    let leading = leader(first);
    let next = leading % 3 + 1;
    ctl(first, &["member", "leader", "transfer", &format!("pd{next}")]);
    until("leadership goes where it was sent", || (leader(second) == next).then_some(()));
    ctl(second, &["member", "leader", "resign"]);
    until("leadership goes elsewhere", || (leader(first) != next).then_some(()));
    query_soon(&sql, "CREATE TABLE d.t (a INT PRIMARY KEY, b INT)");
    write(&sql, 1);
}

#[test]
fn a_list_that_is_wrong_is_refused_or_given_up() {
    let nowhere = free_address();
    let begun = Instant::now();
    let me = free_address();
    let both = format!("{me},{nowhere}");
    let member = Place::at(me, "pd").and(&["--pd", &both]);
    let said = member.refused(&["--join-timeout", "4s"]);
    assert!(begun.elapsed() >= Duration::from_secs(4), "{said}");
    assert!(
        said.contains("waiting for the placement driver") && said.contains("gave up"),
        "{said}"
    );
    assert!(said.contains("does not lead") || said.contains("knows no leader"), "{said}");

    let said = Place::new("pd", Some(&nowhere)).refused(&[]);
    assert!(said.contains("node.pd") && said.contains("must name this node"), "{said}");

    let said = Place::new("pd", None).and(&["--join", &nowhere]).refused(&["--join-timeout", "3s"]);
    assert!(said.contains("to take this member in") && said.contains(&nowhere), "{said}");

    // A node that runs something else.
    let pd = Place::new("pd", None).start();
    let store = Place::new("store", Some(&pd.bridge)).start();
    let said = Place::new("sql,gateway", Some(&store.bridge)).refused(&["--join-timeout", "3s"]);
    assert!(said.contains("does not run the placement driver"), "{said}");
}

#[test]
fn first_members_that_were_given_different_lists_name_both() {
    let mut addresses: Vec<String> = (0..3).map(|_| free_address()).collect();
    addresses.sort();
    let [a, b, c] = [0, 1, 2].map(|at| addresses[at].as_str());
    let (all, some) = ([a, b, c].join(","), [b, c].join(","));
    let one = Place::at(a.to_owned(), "pd").and(&["--pd", &all]);
    let other = Place::at(b.to_owned(), "pd").and(&["--pd", &some]);
    let said = std::thread::scope(|scope| {
        let said =
            [&one, &other].map(|place| scope.spawn(|| place.refused(&["--join-timeout", "5s"])));
        said.map(|said| said.join().unwrap())
    });
    for said in said {
        let last = said.lines().last().unwrap();
        assert!(last.contains(&format!("{a}, {b}, {c}")), "{said}");
        assert!(
            last.contains(&format!("with {b}, {c}")) || last.contains(&format!("members {b}, {c}")),
            "{said}"
        );
        assert!(last.contains("all must be given the same"), "{said}");
    }
}

#[test]
fn one_member_is_enough_to_hear_of_all() {
    let (places, _) = members(3);
    let mut servers = start_all(&places);
    let known = &places[1].address;
    let _store = Place::new("store", Some(known)).start();
    let sql = Place::new("sql,gateway,ddl", Some(known)).start();
    // The only one they were told of is gone as soon as they are there.
    servers[1].as_mut().unwrap().kill();
    query_soon(&sql, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b INT)");
    write(&sql, 1);
    assert_eq!(query(&sql, "SELECT a FROM d.t"), "1\n");
}

#[test]
fn a_placement_driver_of_one_grows() {
    let one = Place::new("pd", None).and(&["--name", "pd1"]);
    let mut servers = vec![Some(one.start())];
    let _store = Place::new("store", Some(&one.address)).start();
    let sql = Place::new("sql,gateway,ddl", Some(&one.address)).start();
    query(&sql, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b INT)");
    for number in 2..=3 {
        let name = format!("pd{number}");
        let place = Place::new("pd", None).and(&["--name", &name, "--join", &one.address]);
        servers.push(Some(place.start()));
        until("the new member votes", || {
            let list = ctl_json(&sql, &["members"])?["members"].as_array()?.clone();
            let voters = list.iter().filter(|member| member["voter"] == true).count();
            (voters == number).then_some(())
        });
    }
    // The store and the SQL node were told of the first member only, and heard of the others when these joined.
    servers[0].as_mut().unwrap().kill();
    servers[0] = None;
    write(&sql, 1);
    assert_eq!(query(&sql, "SELECT a FROM d.t"), "1\n");
    assert!(Path::new(one.dir.path()).join("pd").is_dir());
}

#[test]
fn a_bank_does_not_notice_which_member_leads() {
    let (places, all) = members(3);
    let mut servers = start_all(&places);
    let _store = Place::new("store", Some(&all)).start();
    let sql = Place::new("sql,gateway,ddl", Some(&all)).start();
    Bank::found(sql.mysql_port);
    let bank = Bank::open(vec![sql.mysql_port]);
    bank.go_on(10);
    let mut last = last_timestamp(&servers);
    for round in 0..3 {
        let leading = leader(living(&servers));
        let killed = Instant::now();
        servers[leading - 1].as_mut().unwrap().kill();
        servers[leading - 1] = None;
        let resumed = bank.go_on(1);
        bank.go_on(20);
        println!(
            "round {round}: transfers resumed {resumed:.2?} after the placement driver's leader was killed, the longest pause was {:.2?}",
            bank.longest_gap(killed)
        );
        let now = last_timestamp(&servers);
        assert!(now > last, "{now} after {last}");
        last = now;
        servers[leading - 1] = Some(places[leading - 1].start());
        bank.go_on(10);
    }
    bank.close();
}
