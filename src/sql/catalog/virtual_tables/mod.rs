//! The databases whose tables are computed: their columns. Their rows are made by the session.

mod information_schema;
mod system;

use super::{ColumnInfo, DatabaseInfo, INFORMATION_SCHEMA, SchemaState, TableInfo};
use crate::sql::types::{Collation, FieldType, TypeKind};

/// A table: its name and its columns.
type Definition = (&'static str, &'static str);

/// The databases nobody may change: MySQL's own.
const DATABASES: [(&str, &[Definition]); 3] = [
    (INFORMATION_SCHEMA, information_schema::TABLES),
    ("mysql", system::MYSQL),
    ("performance_schema", system::PERFORMANCE_SCHEMA),
];

/// Ids of tables of one database are so far from those of the next.
const STRIDE: i64 = 1000;

/// Whether a database, in any case, is one of MySQL's own.
pub fn is_system_database(name: &str) -> bool {
    DATABASES.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// All of them with their tables. Ids are negative: no row is stored.
pub(super) fn databases() -> Vec<(DatabaseInfo, Vec<TableInfo>)> {
    let build = |(position, (name, tables)): (usize, &(&str, &[Definition]))| {
        let info = DatabaseInfo {
            id: -1 - position as i64,
            name: (*name).to_owned(),
            charset: "utf8mb4".to_owned(),
            collation: COLLATION.name().to_owned(),
            state: SchemaState::Public,
        };
        let first = -STRIDE * (position as i64 + 1);
        let tables =
            tables.iter().enumerate().map(|(at, table)| build_table(first - at as i64, table));
        (info, tables.collect())
    };
    DATABASES.iter().enumerate().map(build).collect()
}

/// Names are compared without their case.
const COLLATION: Collation = Collation::Utf8mb4GeneralCi;

fn build_table(id: i64, (name, columns): &Definition) -> TableInfo {
    TableInfo {
        id,
        name: (*name).to_owned(),
        columns: columns.split_whitespace().enumerate().map(column).collect(),
        indexes: Vec::new(),
        handle_column: None,
        collation: COLLATION.name().to_owned(),
        comment: String::new(),
        auto_increment_start: None,
        max_column_id: columns.split_whitespace().count() as i64,
        max_index_id: 0,
        state: SchemaState::Public,
        version: 0,
        created_ms: 0,
        locks: Vec::new(),
    }
}

/// A column of a definition `NAME:type`: `v64` is VARCHAR(64) and `b0` BINARY(0); `text`, `medium`, `long` are texts of that
/// size; `int`, `big`, and with `u` before it unsigned; `double`; `dt` is DATETIME, `time` TIME(6), `ts` TIMESTAMP (`ts2` with two digits);
/// `blob`. `!` says NOT NULL.
fn column((offset, text): (usize, &str)) -> ColumnInfo {
    let (name, kind) = text.split_once(':').unwrap_or((text, "v64"));
    let (kind, not_null) = match kind.strip_suffix('!') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    let number = |from: usize| kind[from..].parse::<u32>().unwrap_or(0);
    let field_type = match kind {
        "text" => FieldType::new(TypeKind::Text).collate(COLLATION),
        "medium" => FieldType::new(TypeKind::MediumText).collate(COLLATION),
        "long" => FieldType::new(TypeKind::LongText).collate(COLLATION),
        "blob" => FieldType { collation: Collation::Binary, ..FieldType::new(TypeKind::Text) },
        "int" => FieldType::new(TypeKind::Int),
        "uint" => FieldType { unsigned: true, ..FieldType::new(TypeKind::Int) },
        "big" => FieldType::bigint(),
        "ubig" => FieldType::bigint_unsigned(),
        "double" => FieldType::double(),
        "time" => FieldType::time(6),
        "dt" => FieldType::datetime(0),
        _ if kind.starts_with("ts") => {
            FieldType { kind: TypeKind::Timestamp, ..FieldType::datetime(number(2) as u8) }
        }
        _ if kind.starts_with('b') => {
            let binary = FieldType::new(TypeKind::Char);
            FieldType { length: Some(number(1)), collation: Collation::Binary, ..binary }
        }
        _ => FieldType::varchar(number(1)).collate(COLLATION),
    };
    ColumnInfo {
        id: offset as i64 + 1,
        name: name.to_owned(),
        offset,
        field_type: FieldType { not_null, ..field_type },
        default: None,
        on_update_now: None,
        auto_increment: false,
        comment: String::new(),
        state: SchemaState::Public,
    }
}
