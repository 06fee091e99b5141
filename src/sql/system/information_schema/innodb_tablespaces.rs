//! `information_schema.INNODB_TABLESPACES`: there are no tablespaces.

use crate::sql::system::table::table;

table! {
    "INNODB_TABLESPACES" is empty;
    SPACE: UInt NOT NULL;
    NAME: Varchar(655) NOT NULL;
    FLAG: UInt NOT NULL;
    ROW_FORMAT: Varchar(22);
    PAGE_SIZE: UInt NOT NULL;
    ZIP_PAGE_SIZE: UInt NOT NULL;
    SPACE_TYPE: Varchar(10);
    FS_BLOCK_SIZE: UInt NOT NULL;
    FILE_SIZE: UBigInt NOT NULL;
    ALLOCATED_SIZE: UBigInt NOT NULL;
    AUTOEXTEND_SIZE: UBigInt NOT NULL;
    SERVER_VERSION: Varchar(10);
    SPACE_VERSION: UInt NOT NULL;
    ENCRYPTION: Varchar(1);
    STATE: Varchar(10);
}
