//! `information_schema.INNODB_VIRTUAL`: there are no generated columns.

use crate::sql::system::table::table;

table! {
    "INNODB_VIRTUAL" is empty;
    TABLE_ID: UBigInt NOT NULL;
    POS: UInt NOT NULL;
    BASE_POS: UInt NOT NULL;
}
