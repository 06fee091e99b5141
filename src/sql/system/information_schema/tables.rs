//! `information_schema.TABLES`: the tables; SHOW TABLES and SHOW TABLE STATUS read it.

use crate::common::SqlResult;
use crate::sql::catalog::{
    ColumnInfo, DatabaseInfo, INFORMATION_SCHEMA, IndexInfo, TableInfo, create_options, row_format,
};
use crate::sql::stats::TableStats;
use crate::sql::system::asked::Asked;
use crate::sql::system::schema_facts::{moment, public_columns, public_indexes};
use crate::sql::system::table::table;
use crate::sql::types::{Datum, TypeKind};

/// What is told of a table.
struct Facts<'a> {
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
    /// Its rows are not stored, and nobody could.
    view: bool,
    sizes: Sizes,
    /// The next AUTO_INCREMENT value.
    next_id: Option<u64>,
    created: Datum,
}

async fn facts<'a>(asked: &'a Asked<'a>) -> SqlResult<Vec<Facts<'a>>> {
    let tables: Vec<_> = asked.tables().collect();
    let counted = |table: &TableInfo| table.columns.iter().any(|column| column.auto_increment);
    let counting: Vec<&TableInfo> =
        tables.iter().map(|(_, table)| *table).filter(|table| counted(table)).collect();
    let mut next = asked.sources.next_auto_increments(&counting).await?.into_iter();
    let facts = |(database, table): (&'a DatabaseInfo, &'a TableInfo)| Facts {
        database,
        table,
        view: table_type(database, table) != BASE_TABLE,
        sizes: Sizes::of(table, asked.sources.stats(table.id).as_ref()),
        next_id: if counted(table) { next.next() } else { None },
        created: moment(table.created_ms, asked.sources.time_zone()),
    };
    Ok(tables.into_iter().map(facts).collect())
}

const BASE_TABLE: &str = "BASE TABLE";
const VIEW: &str = "VIEW";

fn table_type(database: &DatabaseInfo, table: &TableInfo) -> &'static str {
    match &table.view {
        Some(_) => VIEW,
        None if database.name == INFORMATION_SCHEMA => "SYSTEM VIEW",
        None => BASE_TABLE,
    }
}

impl Facts<'_> {
    /// Of a view nearly nothing is known.
    fn unless_view<T: Into<Datum>>(&self, value: T) -> Datum {
        if self.table.view.is_some() { Datum::Null } else { value.into() }
    }
}

table! {
    "TABLES": |asked| for facts in facts(asked).await?;
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = facts.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = facts.table.name.as_str();
    TABLE_TYPE: Varchar(11) NOT NULL = table_type(facts.database, facts.table);
    ENGINE: Varchar(64) = (!facts.view).then_some("InnoDB");
    VERSION: Int = facts.unless_view(10_i64);
    ROW_FORMAT: Varchar(10) = (!facts.view).then(|| row_format(facts.table));
    TABLE_ROWS: UBigInt = facts.unless_view(facts.sizes.rows);
    AVG_ROW_LENGTH: UBigInt = facts.unless_view(facts.sizes.row_bytes);
    DATA_LENGTH: UBigInt = facts.unless_view(facts.sizes.data_bytes);
    MAX_DATA_LENGTH: UBigInt = facts.unless_view(0_u64);
    INDEX_LENGTH: UBigInt = facts.unless_view(facts.sizes.index_bytes);
    DATA_FREE: UBigInt = facts.unless_view(0_u64);
    AUTO_INCREMENT: UBigInt = facts.next_id;
    CREATE_TIME: Timestamp(0) = facts.created.clone();
    UPDATE_TIME: DateTime(0) = Datum::Null;
    CHECK_TIME: DateTime(0) = Datum::Null;
    TABLE_COLLATION: Varchar(64) = facts.unless_view(facts.table.collation.as_str());
    CHECKSUM: BigInt = Datum::Null;
    CREATE_OPTIONS: Varchar(256) = facts.unless_view(create_options(facts.table));
    TABLE_COMMENT: Text = match facts.table.view {
        Some(_) => VIEW,
        None => facts.table.comment.as_str(),
    };
}

/// Bytes of a key: prefix, table, kind and handle.
const KEY_BYTES: u64 = 19;
/// Of a text whose length nobody has looked at, at most so many bytes are taken to be used on average.
const TEXT_BYTES: u64 = 64;

/// How much there is; as long as nobody has looked at a row by what its types are likely to take.
pub(super) struct Sizes {
    pub(super) rows: u64,
    /// Of a row, on average.
    pub(super) row_bytes: u64,
    pub(super) data_bytes: u64,
    pub(super) index_bytes: u64,
}

impl Sizes {
    pub(super) fn of(table: &TableInfo, stats: Option<&TableStats>) -> Sizes {
        let rows = stats.map_or(0, |stats| stats.rows);
        let known = stats.filter(|stats| stats.row_bytes > 0);
        let (row, entries) = match known {
            Some(stats) => (stats.row_bytes, stats.index_bytes),
            None => likely_bytes(table),
        };
        Sizes {
            rows,
            row_bytes: if rows == 0 { 0 } else { row },
            data_bytes: rows.saturating_mul(row),
            index_bytes: rows.saturating_mul(entries),
        }
    }
}

/// What a row and its index entries are likely to take.
fn likely_bytes(table: &TableInfo) -> (u64, u64) {
    let width = |column: &ColumnInfo| {
        let kind = column.field_type.kind;
        match kind {
            _ if kind.is_string() => {
                (u64::from(column.field_type.display_width()) / 2).min(TEXT_BYTES)
            }
            TypeKind::Json => TEXT_BYTES,
            // Whatever else there is takes about as much as a number.
            _ => 8,
        }
    };
    let row = public_columns(table).map(width).sum::<u64>() + KEY_BYTES;
    let entry = |index: &IndexInfo| {
        let parts = index.columns.iter().filter_map(|part| table.columns.get(part.offset));
        parts.map(width).sum::<u64>() + KEY_BYTES
    };
    (row, public_indexes(table).map(entry).sum())
}
