//! SHOW STATS_HEALTHY: how far statistics can be trusted, in percent.

use super::stats::{NO_PARTITION, counted};
use crate::sql::stats::TableStats;
use crate::sql::system::table::table;

table! {
    "STATS_HEALTHY": |asked| for (database, table, stats) in counted(asked);
    Db_name: Varchar(64) = database.name.as_str();
    Table_name: Varchar(64) = table.name.as_str();
    Partition_name: Varchar(64) = NO_PARTITION;
    Healthy: BigInt = healthy(&stats);
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
