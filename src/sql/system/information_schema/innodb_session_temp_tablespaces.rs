//! `information_schema.INNODB_SESSION_TEMP_TABLESPACES`: there are no tablespaces.

use crate::sql::system::table::table;

table! {
    "INNODB_SESSION_TEMP_TABLESPACES" is empty;
    ID: UInt NOT NULL;
    SPACE: UInt NOT NULL;
    PATH: Varchar(4001) NOT NULL;
    SIZE: UBigInt NOT NULL;
    STATE: Varchar(192) NOT NULL;
    PURPOSE: Varchar(192) NOT NULL;
}
