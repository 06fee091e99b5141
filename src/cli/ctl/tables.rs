//! Answers as tables for people.

use serde_json::Value;

use super::keys;
use crate::cli::table::table;

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn rows(list: &Value, row: impl Fn(&Value) -> Vec<String>) -> Vec<Vec<String>> {
    list.as_array().into_iter().flatten().map(row).collect()
}

/// A sentence, as it is.
pub(super) fn sentence(answer: &Value) -> String {
    cell(answer)
}

/// One line an element.
pub(super) fn lines(answer: &Value) -> String {
    let lines: Vec<String> = answer.as_array().into_iter().flatten().map(cell).collect();
    if lines.is_empty() { "none".to_owned() } else { lines.join("\n") }
}

const MEMBER_HEAD: [&str; 6] = ["ID", "NAME", "ROLE", "HEARD", "ADDRESS", "ADMIN"];

fn member_row(member: &Value, leader: &Value) -> Vec<String> {
    let role = match (&member["member_id"] == leader, member["voter"].as_bool()) {
        (true, _) => "leader",
        (false, Some(false)) => "learner",
        (false, _) => "follower",
    };
    let heard = if member["health"] == false { "no" } else { "yes" };
    let part = |name: &str| cell(&member[name]);
    vec![
        part("member_id"),
        part("name"),
        role.into(),
        heard.into(),
        part("peer_urls"),
        part("client_urls"),
    ]
}

/// The leader of the placement driver's members.
pub(super) fn member(answer: &Value) -> String {
    table(&MEMBER_HEAD, vec![member_row(answer, &answer["member_id"])])
}

/// The placement driver's members.
pub(super) fn members(answer: &Value) -> String {
    let leader = &answer["leader"]["member_id"];
    let rows = rows(&answer["members"], |member| member_row(member, leader));
    let cluster = cell(&answer["header"]["cluster_id"]);
    let table = table(&MEMBER_HEAD, rows);
    format!("cluster {cluster}\n{table}")
}

fn store_row(store: &Value) -> Vec<String> {
    let (meta, status) = (&store["store"], &store["status"]);
    vec![
        cell(&meta["id"]),
        cell(&meta["address"]),
        cell(&meta["state_name"]),
        cell(&status["leader_count"]),
        cell(&status["region_count"]),
        cell(&status["used_size"]),
        cell(&status["available"]),
        cell(&status["capacity"]),
        cell(&status["disk"]),
        cell(&status["uptime"]),
        cell(&meta["version"]),
    ]
}

const STORE_HEAD: [&str; 11] = [
    "ID",
    "ADDRESS",
    "STATE",
    "LEADERS",
    "REGIONS",
    "USED",
    "AVAILABLE",
    "CAPACITY",
    "DISK",
    "UPTIME",
    "VERSION",
];

/// The stores.
pub(super) fn stores(answer: &Value) -> String {
    table(&STORE_HEAD, rows(&answer["stores"], store_row))
}

/// One store.
pub(super) fn store(answer: &Value) -> String {
    table(&STORE_HEAD, vec![store_row(answer)])
}

fn region_row(region: &Value) -> Vec<String> {
    let peers = rows(&region["peers"], |peer| {
        let learner = if peer["is_learner"] == Value::Bool(true) { "(learner)" } else { "" };
        vec![format!("{}{learner}", cell(&peer["store_id"]))]
    });
    let epoch = &region["epoch"];
    vec![
        cell(&region["id"]),
        key(&region["start_key"]),
        key(&region["end_key"]),
        cell(&region["leader"]["store_id"]),
        peers.concat().join(","),
        format!("{}.{}", cell(&epoch["conf_ver"]), cell(&epoch["version"])),
        cell(&region["approximate_size"]),
        cell(&region["approximate_keys"]),
        cell(&region["start_key"]),
        cell(&region["end_key"]),
    ]
}

fn key(hex: &Value) -> String {
    keys::decoded(hex.as_str().unwrap_or_default())
}

const REGION_HEAD: [&str; 10] =
    ["ID", "FROM", "TO", "LEADER", "STORES", "EPOCH", "MIB", "KEYS", "START", "END"];

/// The regions.
pub(super) fn regions(answer: &Value) -> String {
    let rows = rows(&answer["regions"], region_row);
    let shown = rows.len() as u64;
    let all = answer["count"].as_u64().unwrap_or(shown);
    let more = if all > shown { format!("{shown} of {all} regions\n") } else { String::new() };
    table(&REGION_HEAD, rows) + &more
}

/// One region.
pub(super) fn region(answer: &Value) -> String {
    table(&REGION_HEAD, vec![region_row(answer)])
}

/// The settings, one a line.
pub(super) fn config(answer: &Value) -> String {
    let sections = answer.as_object().into_iter().flatten();
    let rows = sections
        .flat_map(|(_, section)| section.as_object().into_iter().flatten())
        .map(|(name, value)| vec![name.clone(), cell(value)])
        .collect();
    table(&["SETTING", "VALUE"], rows)
}

/// The actors of a node with their mailboxes.
pub(super) fn actors(answer: &Value) -> String {
    let list = if answer.is_array() { answer } else { &answer["actors"] };
    let rows = rows(list, |actor| {
        let figures = if actor["mailbox"].is_object() { &actor["mailbox"] } else { actor };
        vec![
            cell(&actor["path"]),
            cell(&actor["kind"]),
            cell(&figures["depth"]),
            cell(&figures["handled"]),
            cell(&figures["rejected"]),
            cell(&figures["restarts"]),
        ]
    });
    table(&["PATH", "KIND", "WAITING", "HANDLED", "REJECTED", "RESTARTS"], rows)
}
