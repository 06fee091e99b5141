//! SHOW STATS_HISTOGRAMS: how columns' values are spread.

use super::stats::{NO_PARTITION, counted_columns, moment};
use crate::sql::system::table::table;

table! {
    "STATS_HISTOGRAMS": |asked| for (database, table, column, stats, updated) in counted_columns(asked);
    Db_name: Varchar(64) = database.name.as_str();
    Table_name: Varchar(64) = table.name.as_str();
    Partition_name: Varchar(64) = NO_PARTITION;
    Column_name: Varchar(64) = column.name.as_str();
    Is_index: BigInt = 0_i64;
    Update_time: DateTime(0) = moment(updated, asked);
    Distinct_count: BigInt = stats.distinct;
    Null_count: BigInt = stats.nulls;
    Avg_col_size: BigInt = stats.bytes;
}
