//! `information_schema.INNODB_FOREIGN`: there are no foreign keys.

use crate::sql::system::table::table;

table! {
    "INNODB_FOREIGN" is empty;
    ID: Varchar(129);
    FOR_NAME: Varchar(129);
    REF_NAME: Varchar(129);
    N_COLS: BigInt NOT NULL;
    TYPE: UBigInt NOT NULL;
}
