//! Every table with rows made of one of everything.

use std::sync::LazyLock;

use async_trait::async_trait;

use super::show::ALL_VIEWS;
use super::*;
use crate::common::SqlResult;
use crate::protocol::auth::Plugin;
use crate::sql::accounts::Rights;
use crate::sql::expr::{Warning, WarningLevel};
use crate::sql::parser::ast::{ObjectName, ShowKind};
use crate::sql::stats::TableStats;
use crate::sql::types::{Datum, TimeZone};

/// A world with one of everything; its tables are the computed ones.
struct World {
    schema: InfoSchema,
    zone: TimeZone,
    diagnostics: Vec<Warning>,
}

impl World {
    fn new() -> World {
        let warning =
            Warning { level: WarningLevel::Note, code: 1051, message: "no such table".to_owned() };
        World {
            schema: info_schema(7, Vec::new()),
            zone: TimeZone::default(),
            diagnostics: vec![warning],
        }
    }
}

#[async_trait]
impl Sources for World {
    fn schema(&self) -> &InfoSchema {
        &self.schema
    }

    fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    fn stats(&self, table: i64) -> Option<TableStats> {
        Some(TableStats { rows: 4, ..TableStats::empty(table) })
    }

    async fn next_auto_increments(&self, tables: &[&TableInfo]) -> SqlResult<Vec<u64>> {
        Ok(vec![5; tables.len()])
    }

    async fn sessions(&self, text_limit: usize) -> Vec<SessionFacts> {
        let held = HeldTable { database: "d".to_owned(), table: "t".to_owned(), written: true };
        let info = "SELECT 1".chars().take(text_limit).collect();
        vec![SessionFacts { id: 9, info: Some(info), held: vec![held], ..SessionFacts::default() }]
    }

    async fn waiting_changes(&self) -> SqlResult<Vec<WaitingChange>> {
        Ok(vec![WaitingChange { database: "d".to_owned(), table: None, connection: 3 }])
    }

    fn variables(&self, _global: bool) -> Vec<(&'static str, String)> {
        vec![("autocommit", "ON".to_owned())]
    }

    fn status(&self, _global: bool) -> Vec<(String, String)> {
        vec![("Uptime".to_owned(), "1".to_owned())]
    }

    fn accounts(&self) -> Vec<Account> {
        let (user, host) = ("u".to_owned(), "%".to_owned());
        let (grants, options) = Default::default();
        vec![Account { user, host, plugin: Plugin::Native, stored: vec![0xab], grants, options }]
    }

    fn current_account(&self) -> (&str, &str) {
        ("u", "%")
    }

    fn rights(&self) -> &Rights {
        static ALL: LazyLock<Rights> = LazyLock::new(Rights::everything);
        &ALL
    }

    fn digests(&self) -> Vec<Digest> {
        vec![Digest { count: 2, ..Digest::default() }]
    }

    fn slow_statements(&self) -> Vec<SlowStatement> {
        vec![SlowStatement::default()]
    }

    async fn actors(&self) -> Vec<ActorFacts> {
        vec![ActorFacts { path: "/n/store".to_owned(), ..ActorFacts::default() }.on("n")]
    }

    fn diagnostics(&self) -> &[Warning] {
        &self.diagnostics
    }
}

#[tokio::test]
async fn every_table_has_rows_of_its_columns_types() {
    let world = World::new();
    for (database, tables) in SYSTEM_DATABASES.iter().zip(&DATABASES) {
        for known in *tables {
            let found = table(database, &known.name.to_lowercase()).expect("it is listed");
            let info = world.schema.require_table(database, known.name).expect("it is there");
            for row in found.rows(&Asked::all(&world)).await.expect("it can be computed") {
                assert_eq!(row.len(), info.columns.len(), "{}", known.name);
                for (value, column) in row.iter().zip(&info.columns) {
                    let kind = column.field_type.kind;
                    let unsigned = column.field_type.unsigned;
                    let fits = match value {
                        Datum::Null => !column.field_type.not_null,
                        Datum::Int(_) => kind.is_integer() && !unsigned,
                        Datum::UInt(_) => kind.is_integer() && unsigned,
                        Datum::Float(_) => kind.is_float(),
                        Datum::Bytes(_) => kind.is_string(),
                        Datum::Time(_) | Datum::Duration(_) => kind.is_temporal(),
                        Datum::Decimal(_) | Datum::Member(_) | Datum::Json(_) => false,
                    };
                    assert!(fits, "{}.{}: {value:?}", known.name, column.name);
                }
            }
        }
    }
}

#[test]
fn names_are_there_once() {
    for tables in DATABASES {
        let mut names: Vec<_> = tables.iter().map(|table| table.name.to_lowercase()).collect();
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for table in tables {
            let mut columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
            columns.sort_unstable();
            assert!(columns.windows(2).all(|pair| pair[0] != pair[1]), "{}", table.name);
        }
    }
}

#[test]
fn show_names_columns_that_are_there() {
    for view in ALL_VIEWS {
        for (shown, column) in view.columns {
            assert!(view.table.position(column).is_some(), "{shown}: {column}");
        }
        let width =
            if view.columns.is_empty() { view.table.columns.len() } else { view.columns.len() };
        assert!(view.like < width, "{}", view.table.name);
    }
}

#[tokio::test]
async fn show_shows_what_is_asked_for() {
    let world = World::new();
    let name = |name: &str| ObjectName { database: None, name: name.to_owned() };
    let shown = |kind: ShowKind| {
        let world = &world;
        async move { show(&kind, None, Some("mysql"), world).await }
    };
    let columns = shown(ShowKind::Columns { full: false, table: name("func") }).await.unwrap();
    let fields: Vec<_> = columns.rows.iter().map(|row| row[0].to_text()).collect();
    assert_eq!(fields, ["name", "ret", "dl", "type"]);
    let list = shown(ShowKind::ProcessList { full: true }).await.unwrap();
    assert_eq!(list.rows[0][7].to_text(), "SELECT 1");
    let missing = shown(ShowKind::Triggers { database: Some("nowhere".to_owned()) }).await;
    assert_eq!(missing.err().map(|error| error.code), Some(1049));
    let warnings = shown(ShowKind::Warnings { count: true, limit: None }).await.unwrap();
    assert_eq!(warnings.rows[0][0], Datum::Int(1));
}
