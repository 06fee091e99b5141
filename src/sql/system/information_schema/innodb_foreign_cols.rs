//! `information_schema.INNODB_FOREIGN_COLS`: there are no foreign keys.

use crate::sql::system::table::table;

table! {
    "INNODB_FOREIGN_COLS" is empty;
    ID: Varchar(129);
    FOR_COL_NAME: Varchar(64) NOT NULL;
    REF_COL_NAME: Varchar(64) NOT NULL;
    POS: UInt NOT NULL;
}
