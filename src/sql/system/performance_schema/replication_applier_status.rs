//! `performance_schema.replication_applier_status`: nothing is replicated from another server; replicas of regions are in `information_schema.ACTORS` and PD.

use crate::sql::system::table::table;

table! {
    "replication_applier_status" is empty;
    CHANNEL_NAME: Varchar(64) NOT NULL;
    SERVICE_STATE: Varchar(3) NOT NULL;
    REMAINING_DELAY: UInt;
    COUNT_TRANSACTIONS_RETRIES: UBigInt NOT NULL;
}
