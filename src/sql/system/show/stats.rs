//! What SHOW tells of statistics, with TiDB's names. What TiDB has and is not here (buckets, most frequent values) has no column.

use crate::common::Timestamp;
use crate::sql::catalog::{ColumnInfo, DatabaseInfo, TableInfo};
use crate::sql::stats::{ColumnStats, TableStats};
use crate::sql::system::asked::Asked;
use crate::sql::types::{Datum, Time, TimeKind};

/// Tables are not partitioned.
pub(super) const NO_PARTITION: &str = "";

/// Every table that has statistics.
pub(super) fn counted<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo, TableStats)> + 'a {
    asked
        .tables()
        .filter_map(|(database, table)| Some((database, table, asked.sources.stats(table.id)?)))
}

/// A column, what is known of its values, and when that was written.
type CountedColumn<'a> = (&'a DatabaseInfo, &'a TableInfo, &'a ColumnInfo, ColumnStats, u64);

/// Every column that has statistics.
pub(super) fn counted_columns<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = CountedColumn<'a>> + 'a {
    counted(asked).flat_map(|(database, table, stats)| {
        let updated = stats.updated_ms;
        stats.columns.into_iter().filter_map(move |known| {
            let column = table.columns.iter().find(|column| column.id == known.column)?;
            Some((database, table, column, known, updated))
        })
    })
}

/// A moment as the session's time zone has it; NULL if it is not known.
pub(super) fn moment(unix_ms: u64, asked: &Asked<'_>) -> Datum {
    let micros = i64::try_from(unix_ms).ok().and_then(|millis| millis.checked_mul(1000));
    let zone = asked.sources.time_zone();
    let time = micros
        .filter(|micros| *micros > 0)
        .and_then(|micros| Time::from_unix_micros(micros, zone, TimeKind::DateTime, 0));
    time.map_or(Datum::Null, Datum::Time)
}

/// When a table was analyzed.
pub(super) fn analyzed(stats: &TableStats, asked: &Asked<'_>) -> Datum {
    match stats.analyzed_ts {
        0 => Datum::Null,
        at => moment(Timestamp(at).physical_ms(), asked),
    }
}
