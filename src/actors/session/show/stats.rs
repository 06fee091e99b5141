//! What SHOW tells of statistics, with TiDB's names. What TiDB has and is not here (buckets, most frequent values) has no column.

use super::Shown;
use crate::actors::session::core::Core;
use crate::common::Timestamp;
use crate::sql::catalog::{InfoSchema, TableInfo};
use crate::sql::stats::{ColumnStats, TableStats};
use crate::sql::types::{Datum, Time, TimeKind};

/// Tables are not partitioned.
const NO_PARTITION: &str = "";

impl Core {
    /// SHOW STATS_META: how many rows tables have, and how many have been written since they were analyzed.
    pub(super) fn stats_meta(&self, schema: &InfoSchema) -> Shown {
        let row = |(mut row, _, stats): (Vec<Datum>, &TableInfo, TableStats)| {
            let analyzed = Timestamp(stats.analyzed_ts).physical_ms();
            row.extend([
                self.moment(stats.updated_ms),
                Datum::UInt(stats.modified),
                Datum::UInt(stats.rows),
                if stats.analyzed_ts == 0 { Datum::Null } else { self.moment(analyzed) },
            ]);
            row
        };
        let columns = [
            "Db_name",
            "Table_name",
            "Partition_name",
            "@Update_time",
            "#Modify_count",
            "#Row_count",
            "@Last_analyze_time",
        ];
        Shown::new(&columns, self.with_stats(schema).map(row).collect())
    }

    /// SHOW STATS_HISTOGRAMS: how columns' values are spread.
    pub(super) fn stats_histograms(&self, schema: &InfoSchema) -> Shown {
        let mut rows = Vec::new();
        for (names, table, stats) in self.with_stats(schema) {
            for ColumnStats { column, distinct, nulls, bytes } in &stats.columns {
                let Some(column) = table.columns.iter().find(|info| info.id == *column) else {
                    continue;
                };
                let mut row = names.clone();
                row.extend([
                    Datum::from(column.name.as_str()),
                    Datum::Int(0),
                    self.moment(stats.updated_ms),
                    Datum::UInt(*distinct),
                    Datum::UInt(*nulls),
                    Datum::UInt(*bytes),
                ]);
                rows.push(row);
            }
        }
        let columns = [
            "Db_name",
            "Table_name",
            "Partition_name",
            "Column_name",
            "#Is_index",
            "@Update_time",
            "#Distinct_count",
            "#Null_count",
            "#Avg_col_size",
        ];
        Shown::new(&columns, rows)
    }

    /// SHOW STATS_HEALTHY: how far statistics can be trusted, in percent.
    pub(super) fn stats_healthy(&self, schema: &InfoSchema) -> Shown {
        let row = |(mut row, _, stats): (Vec<Datum>, &TableInfo, TableStats)| {
            row.push(Datum::UInt(healthy(&stats)));
            row
        };
        let rows = self.with_stats(schema).map(row).collect();
        Shown::new(&["Db_name", "Table_name", "Partition_name", "#Healthy"], rows)
    }

    /// Every table that has statistics, with what each row starts with.
    fn with_stats<'s>(
        &'s self,
        schema: &'s InfoSchema,
    ) -> impl Iterator<Item = (Vec<Datum>, &'s TableInfo, TableStats)> + 's {
        let tables = schema
            .databases()
            .flat_map(|info| schema.tables(&info.name).map(move |table| (info, &**table)));
        tables.filter_map(|(info, table)| {
            let names = [info.name.as_str(), table.name.as_str(), NO_PARTITION];
            let stats = self.services.stats.current(table.id)?;
            Some((names.map(Datum::from).to_vec(), table, stats))
        })
    }

    /// A moment as the session's time zone has it; NULL if it is not known.
    fn moment(&self, unix_ms: u64) -> Datum {
        let micros = i64::try_from(unix_ms).ok().and_then(|millis| millis.checked_mul(1000));
        let zone = &self.eval.time_zone;
        let time = micros
            .filter(|micros| *micros > 0)
            .and_then(|micros| Time::from_unix_micros(micros, zone, TimeKind::DateTime, 0));
        time.map_or(Datum::Null, Datum::Time)
    }
}

/// The part of the rows that has not been written since the table was analyzed, in percent.
fn healthy(stats: &TableStats) -> u64 {
    match (stats.analyzed_ts, stats.modified, stats.rows) {
        (0, ..) => 0,
        (_, 0, _) => 100,
        (_, modified, rows) if modified >= rows => 0,
        (_, modified, rows) => ((1.0 - modified as f64 / rows as f64) * 100.0) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_falls_with_writes() {
        let stats = |analyzed_ts, modified, rows| TableStats {
            analyzed_ts,
            modified,
            rows,
            ..TableStats::empty(1)
        };
        let healths = [stats(0, 0, 9), stats(5, 0, 0), stats(5, 3, 12), stats(5, 12, 12)];
        assert_eq!(healths.map(|stats| healthy(&stats)), [0, 100, 75, 0]);
    }
}
