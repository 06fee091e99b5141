//! What variables accept.

use super::*;
use crate::sql::types::{Datum, SqlMode};

fn set(name: &str, value: impl Into<Datum>) -> Result<String, u16> {
    let global = GlobalVariables::default();
    let mut session = SessionVariables::new(&global);
    session.set(name, Some(&value.into()), &global).map_err(|error| error.code)?;
    Ok(session.text(position(name).unwrap()).to_string())
}

#[test]
fn the_table_is_sorted_and_its_defaults_are_valid() {
    let names: Vec<_> = list().iter().map(|variable| variable.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert!(names.len() > 120);
}

#[test]
fn what_clients_set_as_a_matter_of_course() {
    assert_eq!(set("autocommit", 0_i64), Ok("OFF".into()));
    assert_eq!(set("autocommit", "on"), Ok("ON".into()));
    assert_eq!(set("foreign_key_checks", 0_i64), Ok("OFF".into()));
    assert_eq!(set("time_zone", "+00:00"), Ok("+00:00".into()));
    assert_eq!(set("sql_mode", ""), Ok(String::new()));
    assert_eq!(set("sql_quote_show_create", 1_i64), Ok("ON".into()));
    assert_eq!(set("net_write_timeout", 600_i64), Ok("600".into()));
    assert_eq!(set("transaction_isolation", "read-committed"), Ok("READ-COMMITTED".into()));
    assert_eq!(set("transaction_isolation", "read uncommitted"), Ok("READ-UNCOMMITTED".into()));
    assert_eq!(set("tx_isolation", "READ-COMMITTED"), Ok("READ-COMMITTED".into()));
    assert_eq!(set("wait_timeout", 0_i64), Ok("1".into()));
}

#[test]
fn what_is_wrong_or_not_implemented_is_refused() {
    assert_eq!(set("version", "9"), Err(1238));
    assert_eq!(set("max_connections", 5_i64), Err(1238));
    assert_eq!(set("general_log", 1_i64), Err(1229));
    assert_eq!(set("sql_safe_updates", 1_i64), Err(1235));
    assert_eq!(set("autocommit", 2_i64), Err(1231));
    assert_eq!(set("wait_timeout", "x"), Err(1232));
    assert_eq!(set("time_zone", "nowhere"), Err(1298));
    assert_eq!(set("transaction_isolation", "SERIALIZABLE"), Err(1235));
    assert_eq!(set("character_set_client", "klingon"), Err(1115));
}

#[test]
fn settings_follow() {
    let global = GlobalVariables::default();
    let mut session = SessionVariables::new(&global);
    session.set("sql_mode", Some(&"ansi_quotes".into()), &global).unwrap();
    assert_eq!(session.settings.sql_mode, SqlMode::ANSI_QUOTES);
    session.set("sql_mode", None, &global).unwrap();
    assert_eq!(session.settings.sql_mode, SqlMode::default());
    session.set_names(Some("utf8mb4"), Some("utf8mb4_general_ci")).unwrap();
    assert_eq!(session.settings.results.id(), 45);
}
