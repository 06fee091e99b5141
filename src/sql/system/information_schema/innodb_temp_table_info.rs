//! `information_schema.INNODB_TEMP_TABLE_INFO`: there are no temporary tables.

use crate::sql::system::table::table;

table! {
    "INNODB_TEMP_TABLE_INFO" is empty;
    TABLE_ID: UBigInt NOT NULL;
    NAME: Varchar(64);
    N_COLS: UInt NOT NULL;
    SPACE: UInt NOT NULL;
}
