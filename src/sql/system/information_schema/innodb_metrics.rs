//! `information_schema.INNODB_METRICS`: none of InnoDB's counters exist; those that do are in SHOW STATUS and `/metrics`.

use crate::sql::system::table::table;

table! {
    "INNODB_METRICS" is empty;
    NAME: Varchar(193) NOT NULL;
    SUBSYSTEM: Varchar(193) NOT NULL;
    COUNT: BigInt NOT NULL;
    MAX_COUNT: BigInt;
    MIN_COUNT: BigInt;
    AVG_COUNT: Double;
    COUNT_RESET: BigInt NOT NULL;
    MAX_COUNT_RESET: BigInt;
    MIN_COUNT_RESET: BigInt;
    AVG_COUNT_RESET: Double;
    TIME_ENABLED: DateTime(0);
    TIME_DISABLED: DateTime(0);
    TIME_ELAPSED: BigInt;
    TIME_RESET: DateTime(0);
    STATUS: Varchar(193) NOT NULL;
    TYPE: Varchar(193) NOT NULL;
    COMMENT: Varchar(193) NOT NULL;
}
