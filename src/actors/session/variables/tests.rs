//! What variables accept.

use super::definitions::Rule;
use super::*;
use crate::sql::types::{Charset, Collation, Datum, SqlMode};

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
    assert_eq!(set("sql_auto_is_null", 1_i64), Err(1235));
    assert_eq!(set("autocommit", 2_i64), Err(1231));
    assert_eq!(set("wait_timeout", "x"), Err(1232));
    assert_eq!(set("time_zone", "nowhere"), Err(1298));
    assert_eq!(set("transaction_isolation", "serializable"), Ok("SERIALIZABLE".into()));
    assert_eq!(set("character_set_client", "klingon"), Err(1115));
}

/// The script `tests/it/scripts/sql_modes.sql` shows the effect of each mode that can be set; two only say what a server with files
/// of its own would do with them. A mode that is new has to be added to it, or refused.
#[test]
fn every_mode_has_an_effect_or_is_refused() {
    let script = include_str!("../../../../tests/it/scripts/sql_modes.sql");
    for name in SqlMode::names() {
        let shown = script.contains(&format!("SET sql_mode = '{name}"));
        let no_effect_here = ["NO_DIR_IN_CREATE", "NO_ENGINE_SUBSTITUTION"].contains(&name);
        let strict = name.starts_with("STRICT_");
        match set("sql_mode", name) {
            Ok(_) => assert!(shown || strict || no_effect_here, "{name} is in no script"),
            Err(code) => assert_eq!(code, 1235, "{name}"),
        }
        let global = GlobalVariables::default();
        let everywhere = global.set("sql_mode", Some(&name.into())).map_err(|error| error.code);
        assert_eq!(everywhere.map(|_| ()), set("sql_mode", name).map(|_| ()), "{name}");
    }
    assert_eq!(set("sql_mode", "NO_AUTO_CREATE_USER"), Err(1231));
}

#[test]
fn a_client_speaks_what_has_ascii() {
    for set_of_two_bytes in ["ucs2", "utf16", "utf16le", "utf32"] {
        assert_eq!(set("character_set_client", set_of_two_bytes), Err(1231));
        assert!(set("character_set_results", set_of_two_bytes).is_ok());
    }
    let global = GlobalVariables::default();
    let mut session = SessionVariables::new(&global);
    session.set_names(Some("latin1"), None).unwrap();
    assert_eq!(session.settings.speaks, Charset::Latin1);
    assert_eq!(session.settings.results, Some(Charset::Latin1));
    assert_eq!(session.settings.connection, Collation::Latin1SwedishCi);
    let both = session.set_names(Some("latin1"), Some("utf8mb4_bin"));
    assert_eq!(both.map_err(|error| error.code), Err(1253));
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
    assert_eq!(session.settings.connection.id(), 45);
}

/// Another value than the default.
fn other_value(variable: &Variable) -> Datum {
    match (variable.name, variable.domain) {
        (_, Domain::Switch) => Datum::from(i64::from(variable.default != "ON")),
        (_, Domain::Integer(low, high)) => {
            let default: u64 = variable.default.parse().unwrap();
            Datum::UInt(if default == high { low.unsigned_abs().max(1) } else { default + 1 })
        }
        (_, Domain::Number) => Datum::Float(1.5),
        (_, Domain::Word(words)) => {
            Datum::from(*words.iter().find(|word| **word != variable.default).unwrap())
        }
        (_, Domain::Modes) => Datum::from("ANSI_QUOTES"),
        (_, Domain::Zone) => Datum::from("+01:00"),
        (_, Domain::Charset) => Datum::from("binary"),
        (_, Domain::Collation) => Datum::from("utf8mb4_general_ci"),
        (_, Domain::Isolation) => Datum::from("READ-COMMITTED"),
        (_, Domain::Text) => Datum::from("x"),
    }
}

#[test]
fn whatever_can_be_set_has_an_effect_or_a_reason() {
    let global = GlobalVariables::default();
    let before = SessionVariables::new(&global).settings;
    for variable in list() {
        let name = variable.name;
        match variable.rule {
            Rule::ReadOnly => assert_eq!(set(name, other_value(variable)), Err(1238), "{name}"),
            Rule::SessionReadOnly(_) => {
                assert_eq!(set(name, other_value(variable)), Err(1621), "{name}");
            }
            Rule::Only(others) => assert!(others.iter().all(|other| !other.is_empty()), "{name}"),
            Rule::Alias(other) => {
                let main = &list()[find(other).expect("it is there")];
                assert!(!matches!(main.rule, Rule::Alias(_)), "{name}");
                assert_eq!(
                    (main.scope, main.default),
                    (variable.scope, variable.default),
                    "{name}"
                );
            }
            Rule::Sets(_) => {
                let mut session = SessionVariables::new(&global);
                let _ = session.set(name, Some(&other_value(variable)), &global);
                assert!(session.settings != before, "{name} is accepted, and nothing changes");
            }
            Rule::Read(reason) | Rule::Hint(reason) => {
                assert!(reason.len() > 10, "{name}: {reason}");
            }
        }
    }
}
