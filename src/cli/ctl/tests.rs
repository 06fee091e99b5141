use clap::Parser as _;

use super::*;
use crate::cli::{Args, Command};

fn request(line: &str) -> (&'static str, String, Option<Value>) {
    let args = Args::try_parse_from(line.split(' ')).unwrap();
    let Command::Ctl(ctl) = args.command else { panic!("{line} is another command") };
    let request = ctl.command.request();
    (request.method, request.path, request.body)
}

#[test]
fn commands_are_requests() {
    let table = [
        ("members", "GET", "/pd/api/v1/members"),
        ("stores", "GET", "/pd/api/v1/stores"),
        ("store remove 4", "DELETE", "/pd/api/v1/store/4"),
        ("store keep 4", "POST", "/pd/api/v1/store/4/state?state=Up"),
        ("regions --limit 5", "GET", "/pd/api/v1/regions?limit=5"),
        ("region 9", "GET", "/pd/api/v1/region/id/9"),
        ("operators", "GET", "/pd/api/v1/operators"),
        ("operators remove 9", "DELETE", "/pd/api/v1/operators/9"),
        ("schedulers", "GET", "/pd/api/v1/schedulers"),
        ("actors --under /node-1/pd", "GET", "/actors?limit=1000&under=/node-1/pd"),
        ("member remove a/b", "DELETE", "/pd/api/v1/members/name/a/b"),
        ("member delete a", "DELETE", "/pd/api/v1/members/name/a"),
        ("member leader show", "GET", "/pd/api/v1/leader"),
        ("member leader resign", "POST", "/pd/api/v1/leader/resign"),
        ("member leader transfer pd2", "POST", "/pd/api/v1/leader/transfer/pd2"),
    ];
    for (line, method, path) in table {
        let found = request(&format!("troupe ctl {line}"));
        assert_eq!(found, (method, path.to_owned(), None), "{line}");
    }
}

#[test]
fn operators_are_bodies() {
    let (method, path, body) = request("troupe ctl operators add transfer-leader 2 3");
    assert_eq!((method, path.as_str()), ("POST", "/pd/api/v1/operators"));
    let wanted = json!({ "name": "transfer-leader", "region_id": 2, "to_store_id": 3 });
    assert_eq!(body, Some(wanted));
    for line in
        ["add-peer 2 3", "remove-peer 2 3", "split 2", "merge-region 2 3", "transfer-peer 2 3 4"]
    {
        let (_, _, body) = request(&format!("troupe ctl operators add {line}"));
        let asked = serde_json::from_value::<crate::placement::OperatorRequest>(body.unwrap());
        assert!(asked.is_ok(), "{line}: {asked:?}");
    }
}

#[test]
fn addresses_are_read_or_refused() {
    for good in ["http://127.0.0.1:10080", "http://a:1/", "a:1"] {
        assert!(Endpoint::parse(good).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("https://a:1", "https is not spoken here"),
        ("a", "not the address"),
        ("", "not the address"),
        ("http://a:1/pd", "not the address"),
    ] {
        let error = Endpoint::parse(bad).unwrap_err().to_string();
        assert!(error.contains(why), "{bad}: {error}");
    }
}

#[test]
fn answers_are_read_or_refused() {
    let (status, value) = http::parse_answer("HTTP/1.0 200 OK\r\na: b\r\n\r\n[1]").unwrap();
    assert_eq!((status, value), (200, json!([1])));
    assert!(http::parse_answer("SSH-2.0").is_err());
    assert!(http::parse_answer("HTTP/1.0 200 OK\r\n\r\n<html>").is_err());
}

#[test]
fn a_node_that_is_not_there_is_named() {
    let args = Args::try_parse_from(["troupe", "ctl", "--pd", "127.0.0.1:1", "stores"]).unwrap();
    let Command::Ctl(args) = args.command else { panic!("another command") };
    let error = ctl(&args).unwrap_err().to_string();
    assert!(error.contains("no node answers: http://127.0.0.1:1: cannot be reached"), "{error}");
}

#[test]
fn stores_are_a_table() {
    let answer = json!({ "count": 1, "stores": [{
        "store": { "id": 1, "address": "a:1", "version": "0.1.0", "state_name": "Up" },
        "status": {
            "leader_count": 2, "region_count": 3, "used_size": "1MiB", "available": "1GiB",
            "capacity": "2GiB", "disk": "almost full", "uptime": "5s",
        },
    }]});
    let text = tables::stores(&answer);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "ID  ADDRESS  STATE  LEADERS  REGIONS  USED  AVAILABLE  CAPACITY  DISK         UPTIME  VERSION"
    );
    assert_eq!(
        lines[1],
        " 1  a:1      Up           2        3  1MiB  1GiB       2GiB      almost full  5s      0.1.0"
    );
}
