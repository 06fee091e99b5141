//! What several tables tell of the schema.

use super::asked::Asked;
use crate::sql::catalog::{ColumnInfo, DatabaseInfo, IndexInfo, SchemaState, TableInfo};
use crate::sql::stats::TableStats;
use crate::sql::types::{Datum, Time, TimeKind, TimeZone};

/// Digits of a second's fraction where it is told.
pub(super) const MICROS: u8 = 6;

/// A TIMESTAMP without a fraction; NULL if the moment is not known.
pub(super) fn moment(unix_ms: u64, zone: &TimeZone) -> Datum {
    match unix_ms {
        0 => Datum::Null,
        _ => timestamp(unix_ms.saturating_mul(1000), zone, 0),
    }
}

/// A TIMESTAMP with its fraction.
pub(super) fn moment_micros(unix_micros: u64, zone: &TimeZone) -> Datum {
    timestamp(unix_micros, zone, MICROS)
}

/// A TIMESTAMP with hundredths of a second.
pub(super) fn moment_hundredths(unix_micros: u64, zone: &TimeZone) -> Datum {
    timestamp(unix_micros, zone, 2)
}

fn timestamp(unix_micros: u64, zone: &TimeZone, digits: u8) -> Datum {
    let time = i64::try_from(unix_micros)
        .ok()
        .and_then(|micros| Time::from_unix_micros(micros, zone, TimeKind::Timestamp, digits));
    time.map_or(Datum::Null, Datum::Time)
}

/// The columns that statements see.
pub(super) fn public_columns(table: &TableInfo) -> impl Iterator<Item = &ColumnInfo> {
    table.visible_columns().iter()
}

/// The indexes that statements see.
pub(super) fn public_indexes(table: &TableInfo) -> impl Iterator<Item = &IndexInfo> {
    table.indexes.iter().filter(|index| index.state == SchemaState::Public)
}

/// A column of an index.
pub(super) struct IndexPart<'a> {
    pub(super) database: &'a DatabaseInfo,
    pub(super) table: &'a TableInfo,
    pub(super) unique: bool,
    pub(super) index: &'a str,
    /// From 1.
    pub(super) position: u64,
    pub(super) column: &'a ColumnInfo,
    pub(super) prefix: Option<u32>,
    pub(super) descending: bool,
    pub(super) comment: &'a str,
    /// It has an entry for each word.
    pub(super) fulltext: bool,
    /// Whether plans use it.
    pub(super) visible: bool,
    /// How many different entries the index has, up to this column, if that is known.
    pub(super) different: Option<u64>,
}

/// The columns of all indexes of the tables that are asked for, each table's primary key first.
pub(super) fn index_parts<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = IndexPart<'a>> + 'a {
    asked.tables().flat_map(|(database, table)| {
        let mut parts = parts_of(database, table);
        let stats = asked.sources.stats(table.id).filter(|stats| stats.analyzed_ts > 0);
        if let Some(stats) = stats {
            count_different(&mut parts, &stats);
        }
        parts
    })
}

fn parts_of<'a>(database: &'a DatabaseInfo, table: &'a TableInfo) -> Vec<IndexPart<'a>> {
    let mut parts = Vec::new();
    if let Some(handle) = table.handle_column {
        parts.push(IndexPart {
            database,
            table,
            unique: true,
            index: "PRIMARY",
            position: 1,
            column: &table.columns[handle],
            prefix: None,
            descending: false,
            comment: table.handle_notes.as_ref().map_or("", |notes| &notes.comment),
            fulltext: false,
            visible: true,
            different: None,
        });
    }
    let mut indexes: Vec<_> = public_indexes(table).collect();
    indexes.sort_by_key(|index| (!index.primary, !index.unique, index.fulltext.is_some()));
    for index in indexes {
        for (part, position) in index.columns.iter().zip(1..) {
            parts.push(IndexPart {
                database,
                table,
                unique: index.unique,
                index: &index.name,
                position,
                column: &table.columns[part.offset],
                prefix: part.prefix_len,
                descending: part.descending,
                comment: &index.notes.comment,
                fulltext: index.fulltext.is_some(),
                visible: !index.invisible,
                different: None,
            });
        }
    }
    parts
}

/// Says of each column of an index how many different entries there are up to it. NULL is a value here. Columns are taken to have
/// nothing to do with each other: an upper bound.
fn count_different(parts: &mut [IndexPart<'_>], stats: &TableStats) {
    let mut different = None;
    for part in parts {
        if part.position == 1 {
            different = Some(1_u64);
        }
        different = different.and_then(|before| {
            let column = stats.column(part.column.id)?;
            let values = column.distinct + u64::from(column.nulls > 0);
            Some(before.saturating_mul(values).min(stats.rows))
        });
        part.different = different;
    }
}

/// The tables whose rows are stored.
pub(super) fn stored<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo)> + 'a {
    asked.tables().filter(|(database, _)| database.id >= 0)
}

/// A table's name as InnoDB has it: `database/table`.
pub(super) fn innodb_name(database: &DatabaseInfo, table: &TableInfo) -> String {
    format!("{}/{}", database.name, table.name)
}
