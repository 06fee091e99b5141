//! SHOW STATS_META: how many rows tables have, and how many have been written since they were analyzed.

use super::stats::{NO_PARTITION, analyzed, counted, moment};
use crate::sql::system::table::table;

table! {
    "STATS_META": |asked| for (database, table, stats) in counted(asked);
    Db_name: Varchar(64) = database.name.as_str();
    Table_name: Varchar(64) = table.name.as_str();
    Partition_name: Varchar(64) = NO_PARTITION;
    Update_time: DateTime(0) = moment(stats.updated_ms, asked);
    Modify_count: BigInt = stats.modified;
    Row_count: BigInt = stats.rows;
    Last_analyze_time: DateTime(0) = analyzed(&stats, asked);
}
