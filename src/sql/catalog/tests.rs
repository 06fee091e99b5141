//! The text of a table builds an equal table, and the schema of a known database is taken.

use proptest::prelude::*;

use super::*;
use crate::sql::expr::EvalContext;
use crate::sql::parser::{Statement, parse, parse_one};
use crate::sql::plan::{StatementPlan, TestSchema};
use crate::sql::types::SqlMode;

fn build(sql: &str) -> TableInfo {
    let schema = TestSchema::new().schema;
    let (sql_mode, eval) = (SqlMode::default(), EvalContext::new());
    let ctx = DdlContext { schema: &schema, current_db: Some("test"), sql_mode, eval: &eval };
    let mut parsed = parse(sql, SqlMode::default()).expect(sql);
    match parsed.remove(0).statement {
        Statement::CreateTable(create) => build_table(&create, &ctx).expect(sql),
        other => panic!("not a table: {other:?}"),
    }
}

fn column_text() -> impl Strategy<Value = String> {
    let types = prop::sample::select(vec![
        "TINYINT",
        "TINYINT(1)",
        "SMALLINT UNSIGNED",
        "MEDIUMINT",
        "INT(8) ZEROFILL",
        "BIGINT UNSIGNED DEFAULT 18446744073709551615",
        "INT NOT NULL DEFAULT -3",
        "DECIMAL(20,5) DEFAULT '1.25'",
        "NUMERIC",
        "FLOAT",
        "FLOAT(7,3)",
        "DOUBLE PRECISION",
        "CHAR(5) NOT NULL",
        "VARCHAR(30) DEFAULT 'it''s \\\\ \\n'",
        "VARCHAR(30) COLLATE utf8mb4_general_ci",
        "VARCHAR(9) CHARACTER SET binary",
        "BINARY(3)",
        "VARBINARY(40)",
        "TINYTEXT",
        "TEXT NOT NULL",
        "MEDIUMBLOB",
        "LONGTEXT COLLATE utf8mb4_0900_bin",
        "DATE DEFAULT '2024-02-29'",
        "DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6)",
        "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
        "TIMESTAMP(2) NULL",
        "TIME(1)",
        "YEAR",
        "INT UNIQUE COMMENT 'a ''b'' `c`'",
    ]);
    types.prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn shown_text_builds_an_equal_table(
        columns in prop::collection::vec(column_text(), 1..8),
        primary in 0_usize..3,
        general in any::<bool>(),
    ) {
        let mut parts: Vec<String> =
            columns.iter().enumerate().map(|(number, text)| format!("`c {number}` {text}")).collect();
        match primary {
            1 => parts.push("id BIGINT AUTO_INCREMENT PRIMARY KEY".to_owned()),
            2 => parts.push("x INT, y INT, PRIMARY KEY (x, y), KEY yx (y, x) COMMENT 'k'".to_owned()),
            _ => {}
        }
        let collation = if general { "utf8mb4_general_ci" } else { "utf8mb4_bin" };
        let sql = format!("CREATE TABLE `t``x` ({}) COLLATE {collation} COMMENT 'c'", parts.join(", "));
        let table = build(&sql);
        let shown = show_create_table("test", &table, table.auto_increment_start);
        prop_assert_eq!(&build(&shown), &table, "{}", shown);
    }
}

#[test]
fn snapshots_do_not_change() {
    let before = TestSchema::new().schema;
    let table = build("CREATE TABLE T1 (a INT)");
    let put = SchemaChange::PutTable { database: "TEST".to_owned(), table: table.clone() };
    let after = before.edit(2, vec![put]);
    assert!(before.table("test", "t1").is_none());
    assert_eq!(**after.table("Test", "t1").expect("just added"), table);
    assert_eq!(after.version(), 2);
    let gone = after.edit(3, vec![SchemaChange::RemoveDatabase { name: "test".to_owned() }]);
    assert_eq!(gone.require_table("test", "t1").map_err(|error| error.code), Err(1049));
    assert!(gone.table_by_id(table.id).is_none());
    assert!(gone.table("INFORMATION_SCHEMA", "columns").is_some());
}

/// A known database's script: all of it is taken, and its inserts are planned.
#[test]
fn a_whole_script_is_taken() {
    let script = include_str!("testdata/music.sql");
    let mut test = TestSchema::new();
    let (mut tables, mut rows) = (0, 0);
    let mut at = 0;
    while let Some(parsed) = parse_one(script.as_bytes(), at, SqlMode::default()).expect("parsed") {
        at = parsed.next;
        match &parsed.statement {
            Statement::Use(name) => test.current_db = Some(name.clone()),
            Statement::Insert(_) => match test.plan(&parsed).expect("planned") {
                StatementPlan::Insert(_) => rows += 1,
                other => panic!("not an insert: {other:?}"),
            },
            statement => {
                test.change(statement).expect("taken");
                tables += usize::from(matches!(statement, Statement::CreateTable(_)));
            }
        }
    }
    assert_eq!((tables, rows), (3, 4));
    let music = test.schema.table("Music", "playlisttrack").expect("made");
    assert_eq!(music.indexes.len(), 2, "a primary key of two columns, and an index");
    assert_eq!(test.schema.table("music", "track").expect("made").handle_column, Some(0));
}
