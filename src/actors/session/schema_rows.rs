//! What the schema tells of itself: the rows of `information_schema`'s tables, of which SHOW shows parts.

use crate::sql::catalog::{
    ColumnInfo, DatabaseInfo, DefaultValue, INFORMATION_SCHEMA, IndexInfo, SchemaState, TableInfo,
    column_type_text, default_text,
};
use crate::sql::stats::TableStats;
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

fn text(value: &str) -> Datum {
    Datum::from(value)
}

fn is_virtual(database: &DatabaseInfo) -> bool {
    database.id < 0
}

/// What SHOW FULL TABLES and TABLES call a database's tables.
pub(super) fn table_type(database: &DatabaseInfo) -> &'static str {
    if database.name == INFORMATION_SCHEMA { "SYSTEM VIEW" } else { "BASE TABLE" }
}

/// The columns that statements see.
pub(super) fn public_columns(table: &TableInfo) -> impl Iterator<Item = &ColumnInfo> {
    table.columns.iter().filter(|column| column.state == SchemaState::Public)
}

/// A row of SCHEMATA.
pub(super) fn schema_row(database: &DatabaseInfo) -> Vec<Datum> {
    vec![
        text("def"),
        text(&database.name),
        text(&database.charset),
        text(&database.collation),
        Datum::Null,
        text("NO"),
    ]
}

/// Bytes of a key: prefix, table, kind and handle.
const KEY_BYTES: u64 = 19;
/// Of a text whose length nobody has looked at, at most so many bytes are taken to be used on average.
const TEXT_BYTES: u64 = 64;

/// Rows, bytes of a row, of all rows and of all index entries; as long as nobody has looked at a row by what its types are
/// likely to take.
fn sizes(table: &TableInfo, stats: Option<&TableStats>) -> [Datum; 4] {
    let rows = stats.map_or(0, |stats| stats.rows);
    let known = stats.filter(|stats| stats.row_bytes > 0);
    let (row, entries) = match known {
        Some(stats) => (stats.row_bytes, stats.index_bytes),
        None => likely_bytes(table),
    };
    let all = |each: u64| Datum::UInt(rows.saturating_mul(each));
    let row_bytes = if rows == 0 { 0 } else { row };
    [Datum::UInt(rows), Datum::UInt(row_bytes), all(row), all(entries)]
}

/// What a row and its index entries are likely to take.
fn likely_bytes(table: &TableInfo) -> (u64, u64) {
    let width = |column: &ColumnInfo| {
        let kind = column.field_type.kind;
        match kind {
            _ if kind.is_string() => {
                (u64::from(column.field_type.display_width()) / 2).min(TEXT_BYTES)
            }
            _ => 8,
        }
    };
    let row = public_columns(table).map(width).sum::<u64>() + KEY_BYTES;
    let public = table.indexes.iter().filter(|index| index.state == SchemaState::Public);
    let entry = |index: &IndexInfo| {
        let parts = index.columns.iter().filter_map(|part| table.columns.get(part.offset));
        parts.map(width).sum::<u64>() + KEY_BYTES
    };
    (row, public.map(entry).sum())
}

/// What TABLES tells of a table that is not in its definition.
#[derive(Default)]
pub(super) struct TableFacts<'a> {
    pub(super) stats: Option<&'a TableStats>,
    /// The next AUTO_INCREMENT value.
    pub(super) next_id: Option<u64>,
    /// When it was made.
    pub(super) created: Datum,
}

/// A row of TABLES; SHOW TABLE STATUS has most of its columns.
pub(super) fn table_row(
    database: &DatabaseInfo,
    table: &TableInfo,
    facts: TableFacts<'_>,
) -> Vec<Datum> {
    let system = is_virtual(database);
    let view = table_type(database) != "BASE TABLE";
    let [rows, row_bytes, data_bytes, index_bytes] = sizes(table, facts.stats);
    vec![
        text("def"),
        text(&database.name),
        text(&table.name),
        text(table_type(database)),
        if view { Datum::Null } else { text("InnoDB") },
        Datum::Int(10),
        if view { Datum::Null } else { text("Dynamic") },
        rows,
        row_bytes,
        data_bytes,
        Datum::UInt(0),
        index_bytes,
        Datum::UInt(0),
        facts.next_id.filter(|_| !system).map_or(Datum::Null, Datum::UInt),
        facts.created,
        Datum::Null,
        Datum::Null,
        text(&table.collation),
        Datum::Null,
        text(""),
        text(&table.comment),
    ]
}

fn number(value: Option<u32>) -> Datum {
    value.map_or(Datum::Null, |number| Datum::UInt(number.into()))
}

/// Precision and scale of a number; `None` for other types.
fn digits(field_type: &FieldType) -> (Option<u32>, Option<u32>) {
    let kind = field_type.kind;
    match kind {
        _ if kind.is_integer() => (Some(field_type.decimal_digits()), Some(0)),
        _ if kind.is_float() => (
            field_type.length.or_else(|| Some(field_type.display_width())),
            field_type.decimals.map(u32::from),
        ),
        _ if kind.is_numeric() => {
            let (precision, scale) = field_type.precision_scale();
            (Some(precision), Some(scale.into()))
        }
        _ => (None, None),
    }
}

/// A row of COLUMNS; SHOW COLUMNS and DESCRIBE have some of its columns.
pub(super) fn column_row(
    database: &DatabaseInfo,
    table: &TableInfo,
    column: &ColumnInfo,
) -> Vec<Datum> {
    let field_type = &column.field_type;
    let length = field_type.kind.is_string().then(|| field_type.display_width());
    let bytes = length.map(|length| match text_collation(column) {
        Some(_) if !field_type.kind.is_text() => length.saturating_mul(4),
        _ => length,
    });
    let (precision, scale) = digits(field_type);
    let fraction = (field_type.kind.is_temporal() && field_type.kind != TypeKind::Date)
        .then(|| u32::from(field_type.fsp()));
    let collation = text_collation(column);
    vec![
        text("def"),
        text(&database.name),
        text(&table.name),
        text(&column.name),
        Datum::UInt(column.offset as u64 + 1),
        Datum::from(default_text(column)),
        text(if field_type.not_null { "NO" } else { "YES" }),
        text(data_type(column)),
        number(length),
        number(bytes),
        number(precision),
        number(scale),
        number(fraction),
        Datum::from(collation.map(|_| field_type.collation.charset())),
        Datum::from(collation),
        text(&column_type_text(column)),
        text(column_key(table, column)),
        Datum::from(extra(column)),
        text("select,insert,update,references"),
        text(&column.comment),
        text(""),
        Datum::Null,
    ]
}

/// The rows of STATISTICS; SHOW INDEX has most of their columns.
pub(super) fn index_rows<'a>(
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
    stats: Option<&TableStats>,
) -> impl Iterator<Item = Vec<Datum>> + use<'a> {
    let mut cardinality = Cardinality::new(stats);
    let parts = index_parts(table);
    let different: Vec<Datum> = parts.iter().map(|part| cardinality.with(part)).collect();
    parts.into_iter().zip(different).map(move |(part, different)| {
        let nullable = !part.column.field_type.not_null;
        vec![
            text("def"),
            text(&database.name),
            text(&table.name),
            Datum::Int(i64::from(!part.unique)),
            text(&database.name),
            text(part.index),
            Datum::UInt(part.position.cast_unsigned()),
            text(&part.column.name),
            text("A"),
            different,
            number(part.prefix),
            Datum::Null,
            text(if nullable { "YES" } else { "" }),
            text("BTREE"),
            text(""),
            text(part.comment),
            text("YES"),
            Datum::Null,
        ]
    })
}

/// The rows of KEY_COLUMN_USAGE.
pub(super) fn key_rows<'a>(
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
) -> impl Iterator<Item = Vec<Datum>> + 'a {
    index_parts(table).into_iter().filter(|part| part.unique).map(move |part| {
        vec![
            text("def"),
            text(&database.name),
            text(part.index),
            text("def"),
            text(&database.name),
            text(&table.name),
            text(&part.column.name),
            Datum::UInt(part.position.cast_unsigned()),
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ]
    })
}

/// The rows of TABLE_CONSTRAINTS.
pub(super) fn constraint_rows<'a>(
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
) -> impl Iterator<Item = Vec<Datum>> + 'a {
    let first = |part: &IndexPart<'_>| part.unique && part.position == 1;
    index_parts(table).into_iter().filter(first).map(move |part| {
        let primary = part.index == "PRIMARY";
        vec![
            text("def"),
            text(&database.name),
            text(part.index),
            text(&database.name),
            text(&table.name),
            text(if primary { "PRIMARY KEY" } else { "UNIQUE" }),
            text("YES"),
        ]
    })
}

/// PRI, UNI, MUL or nothing.
fn column_key(table: &TableInfo, column: &ColumnInfo) -> &'static str {
    let offset = column.offset;
    if table.handle_column == Some(offset) {
        return "PRI";
    }
    let public = || table.indexes.iter().filter(|index| index.state == SchemaState::Public);
    let within = |index: &IndexInfo| index.columns.iter().any(|part| part.offset == offset);
    if table.primary_index().is_some_and(within) {
        return "PRI";
    }
    let mut first = public().filter(|index| index.columns[0].offset == offset).peekable();
    if first.peek().is_none() {
        return "";
    }
    if first.any(|index| index.unique && index.columns.len() == 1) { "UNI" } else { "MUL" }
}

/// `varchar`, `bigint`: the type's name alone.
fn data_type(column: &ColumnInfo) -> &'static str {
    column.field_type.kind_name()
}

/// `auto_increment`, `on update CURRENT_TIMESTAMP`, `DEFAULT_GENERATED`.
fn extra(column: &ColumnInfo) -> String {
    let mut parts = Vec::new();
    if column.auto_increment {
        parts.push("auto_increment".to_owned());
    }
    if matches!(column.default, Some(DefaultValue::CurrentTimestamp(_))) {
        parts.push("DEFAULT_GENERATED".to_owned());
    }
    match column.on_update_now {
        Some(0) => parts.push("on update CURRENT_TIMESTAMP".to_owned()),
        Some(digits) => parts.push(format!("on update CURRENT_TIMESTAMP({digits})")),
        None => {}
    }
    parts.join(" ")
}

/// The collation of a column of text.
fn text_collation(column: &ColumnInfo) -> Option<&'static str> {
    let field_type = &column.field_type;
    let text = field_type.kind.is_string() && field_type.collation != Collation::Binary;
    text.then(|| field_type.collation.name())
}

/// How many different entries an index has, up to each of its columns.
struct Cardinality<'s> {
    /// Of a table that was analyzed.
    stats: Option<&'s TableStats>,
    /// Up to the last column, if that is known.
    different: Option<u64>,
}

impl<'s> Cardinality<'s> {
    fn new(stats: Option<&'s TableStats>) -> Cardinality<'s> {
        Cardinality { stats: stats.filter(|stats| stats.analyzed_ts > 0), different: None }
    }

    /// Takes the next column; NULL is a value here. Columns are taken to have nothing to do with each other: an upper bound.
    fn with(&mut self, part: &IndexPart<'_>) -> Datum {
        if part.position == 1 {
            self.different = Some(1);
        }
        self.different = self.stats.zip(self.different).and_then(|(stats, before)| {
            let column = stats.column(part.column.id)?;
            let values = column.distinct + u64::from(column.nulls > 0);
            Some(before.saturating_mul(values).min(stats.rows))
        });
        self.different.map_or(Datum::Null, Datum::UInt)
    }
}

/// A column of an index: what SHOW INDEX and `information_schema.STATISTICS` tell.
struct IndexPart<'a> {
    unique: bool,
    index: &'a str,
    position: i64,
    column: &'a ColumnInfo,
    prefix: Option<u32>,
    comment: &'a str,
}

/// The columns of all indexes of a table, the primary key first.
fn index_parts(table: &TableInfo) -> Vec<IndexPart<'_>> {
    let mut parts = Vec::new();
    if let Some(handle) = table.handle_column {
        parts.push(IndexPart {
            unique: true,
            index: "PRIMARY",
            position: 1,
            column: &table.columns[handle],
            prefix: None,
            comment: "",
        });
    }
    let mut indexes: Vec<_> =
        table.indexes.iter().filter(|index| index.state == SchemaState::Public).collect();
    indexes.sort_by_key(|index| (!index.primary, !index.unique));
    for index in indexes {
        for (position, part) in index.columns.iter().enumerate() {
            parts.push(IndexPart {
                unique: index.unique,
                index: &index.name,
                position: position as i64 + 1,
                column: &table.columns[part.offset],
                prefix: part.prefix_len,
                comment: &index.comment,
            });
        }
    }
    parts
}
