//! `information_schema.INNODB_TABLESTATS`: the statistics of the tables whose rows are stored.

use crate::sql::catalog::{DatabaseInfo, TableInfo};
use crate::sql::stats::TableStats;
use crate::sql::system::asked::Asked;
use crate::sql::system::schema_facts::{innodb_name, stored};
use crate::sql::system::table::table;

/// Sizes are told in pages of InnoDB's.
const PAGE_BYTES: u64 = 16_384;

fn pages(rows: u64, each: u64) -> u64 {
    rows.saturating_mul(each).div_ceil(PAGE_BYTES)
}

fn counted<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo, TableStats)> + 'a {
    stored(asked)
        .filter_map(|(database, table)| Some((database, table, asked.sources.stats(table.id)?)))
}

table! {
    "INNODB_TABLESTATS": |asked| for (database, table, stats) in counted(asked);
    TABLE_ID: UBigInt NOT NULL = table.id.cast_unsigned();
    NAME: Varchar(193) NOT NULL = innodb_name(database, table);
    STATS_INITIALIZED: Varchar(193) NOT NULL = if stats.analyzed_ts > 0 { "Initialized" } else { "Uninitialized" };
    NUM_ROWS: UBigInt NOT NULL = stats.rows;
    CLUST_INDEX_SIZE: UBigInt NOT NULL = pages(stats.rows, stats.row_bytes);
    OTHER_INDEX_SIZE: UBigInt NOT NULL = pages(stats.rows, stats.index_bytes);
    MODIFIED_COUNTER: UBigInt NOT NULL = stats.modified;
    AUTOINC: UBigInt NOT NULL = 0_u64;
    REF_COUNT: Int NOT NULL = 0_i64;
}
