//! `performance_schema.replication_group_members`: nothing is replicated from another server; replicas of regions are in `information_schema.ACTORS` and PD.

use crate::sql::system::table::table;

table! {
    "replication_group_members" is empty;
    CHANNEL_NAME: Varchar(64) NOT NULL;
    MEMBER_ID: Varchar(36) NOT NULL;
    MEMBER_HOST: Varchar(255) NOT NULL;
    MEMBER_PORT: Int;
    MEMBER_STATE: Varchar(64) NOT NULL;
    MEMBER_ROLE: Varchar(64) NOT NULL;
    MEMBER_VERSION: Varchar(64) NOT NULL;
}
