//! `information_schema.TABLESPACES`: there are no tablespaces.

use crate::sql::system::table::table;

table! {
    "TABLESPACES" is empty;
    TABLESPACE_NAME: Varchar(64) NOT NULL;
    ENGINE: Varchar(64) NOT NULL;
    TABLESPACE_TYPE: Varchar(64);
    LOGFILE_GROUP_NAME: Varchar(64);
    EXTENT_SIZE: UBigInt;
    AUTOEXTEND_SIZE: UBigInt;
    MAXIMUM_SIZE: UBigInt;
    NODEGROUP_ID: UBigInt;
    TABLESPACE_COMMENT: Varchar(2048);
}
