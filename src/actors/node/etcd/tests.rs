//! What keys say and what changes; a real etcd is in `tests/it/registry.rs`.

use super::directory::{Change, Directory};
use super::record::{Keys, Record};

fn record(name: &str, address: &str, services: &[&str]) -> Record {
    Record {
        name: name.to_owned(),
        address: address.to_owned(),
        services: services.iter().map(ToString::to_string).collect(),
        roles: vec!["store".to_owned()],
        ..Record::default()
    }
}

#[test]
fn keys_are_those_of_one_cluster() {
    let keys = Keys::new("/troupe", 7);
    assert_eq!(keys.of("store1"), "/troupe/7/nodes/store1");
    assert_eq!(keys.name(b"/troupe/7/nodes/store1"), Some("store1"));
    assert_eq!(keys.name(b"/troupe/71/nodes/store1"), None);
    let is_within = |key: &str| {
        key.as_bytes() >= keys.first().as_bytes() && key.as_bytes() < keys.end().as_slice()
    };
    assert!(is_within(&keys.of("a")) && is_within(&keys.of("\u{10ffff}")));
    assert!(!is_within("/troupe/7/nodes") && !is_within("/troupe/7/nodes0"));
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let keys = Keys::new("/troupe", 7);
    let written = record("a", "h:1", &["/store/1"]);
    let read = |key: &str, value: &[u8]| Record::read(&keys, key.as_bytes(), value);
    assert_eq!(read(&keys.of("a"), &written.to_value()).unwrap(), written);
    assert!(read(&keys.of("b"), &written.to_value()).unwrap_err().contains("names node 'a'"));
    assert!(read(&keys.of("a"), b"not JSON").is_err());
    assert!(read(&keys.of("a"), br#"{"name":"a"}"#).unwrap_err().contains("no address"));
    // Of a later version.
    let later = br#"{"name":"a","address":"h:1","shoe_size":42}"#;
    assert_eq!(read(&keys.of("a"), later).unwrap().address, "h:1");
}

#[test]
fn only_what_changes_is_told() {
    let before = Directory::new([
        record("a", "h:1", &["/store/1", "/store/2"]),
        record("b", "h:2", &[]),
        record("me", "h:9", &[]),
    ]);
    assert!(before.changes_since(&before, "me").is_empty());
    let after = Directory::new([
        record("a", "h:3", &["/store/1"]),
        record("c", "h:4", &["/store/2"]),
        record("me", "h:10", &["/store/3"]),
    ]);
    let node = |name: &str, address: &str| Change::Node {
        name: name.to_owned(),
        address: address.to_owned(),
    };
    let moved = "/store/2".to_owned();
    assert_eq!(
        after.changes_since(&before, "me"),
        [
            Change::ServiceGone { path: moved.clone(), node: "a".to_owned() },
            Change::Gone("b".to_owned()),
            node("a", "h:3"),
            node("c", "h:4"),
            Change::Service { path: moved, node: "c".to_owned() },
        ]
    );
}
