//! `performance_schema.replication_connection_status`: nothing is replicated from another server; replicas of regions are in `information_schema.ACTORS` and PD.

use crate::sql::system::table::table;

table! {
    "replication_connection_status" is empty;
    CHANNEL_NAME: Varchar(64) NOT NULL;
    GROUP_NAME: Varchar(36) NOT NULL;
    SOURCE_UUID: Varchar(36) NOT NULL;
    THREAD_ID: UBigInt;
    SERVICE_STATE: Varchar(10) NOT NULL;
    COUNT_RECEIVED_HEARTBEATS: UBigInt NOT NULL;
    LAST_HEARTBEAT_TIMESTAMP: Timestamp(6) NOT NULL;
    RECEIVED_TRANSACTION_SET: LongText NOT NULL;
    LAST_ERROR_NUMBER: Int NOT NULL;
    LAST_ERROR_MESSAGE: Varchar(1024) NOT NULL;
    LAST_ERROR_TIMESTAMP: Timestamp(6) NOT NULL;
}
