//! `information_schema.EVENTS`: there are no events.

use crate::sql::system::table::table;

table! {
    "EVENTS" is empty;
    EVENT_CATALOG: Varchar(64) NOT NULL;
    EVENT_SCHEMA: Varchar(64) NOT NULL;
    EVENT_NAME: Varchar(64) NOT NULL;
    DEFINER: Varchar(288) NOT NULL;
    TIME_ZONE: Varchar(64) NOT NULL;
    EVENT_BODY: Varchar(3) NOT NULL;
    EVENT_DEFINITION: LongText NOT NULL;
    EVENT_TYPE: Varchar(9) NOT NULL;
    EXECUTE_AT: DateTime(0);
    INTERVAL_VALUE: Varchar(256);
    INTERVAL_FIELD: Varchar(18);
    SQL_MODE: Varchar(520) NOT NULL;
    STARTS: DateTime(0);
    ENDS: DateTime(0);
    STATUS: Varchar(21) NOT NULL;
    ON_COMPLETION: Varchar(12) NOT NULL;
    CREATED: Timestamp(0) NOT NULL;
    LAST_ALTERED: Timestamp(0) NOT NULL;
    LAST_EXECUTED: DateTime(0);
    EVENT_COMMENT: Varchar(2048) NOT NULL;
    ORIGINATOR: UInt NOT NULL;
    CHARACTER_SET_CLIENT: Varchar(64) NOT NULL;
    COLLATION_CONNECTION: Varchar(64) NOT NULL;
    DATABASE_COLLATION: Varchar(64) NOT NULL;
}
