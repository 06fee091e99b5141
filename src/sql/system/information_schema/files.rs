//! `information_schema.FILES`: there are no files that SQL could name.

use crate::sql::system::table::table;

table! {
    "FILES" is empty;
    FILE_ID: BigInt;
    FILE_NAME: Text;
    FILE_TYPE: Varchar(256);
    TABLESPACE_NAME: Varchar(268) NOT NULL;
    TABLE_CATALOG: Varchar(0) NOT NULL;
    TABLE_SCHEMA: Binary(0);
    TABLE_NAME: Binary(0);
    LOGFILE_GROUP_NAME: Varchar(256);
    LOGFILE_GROUP_NUMBER: BigInt;
    ENGINE: Varchar(64) NOT NULL;
    FULLTEXT_KEYS: Binary(0);
    DELETED_ROWS: Binary(0);
    UPDATE_COUNT: Binary(0);
    FREE_EXTENTS: BigInt;
    TOTAL_EXTENTS: BigInt;
    EXTENT_SIZE: BigInt;
    INITIAL_SIZE: BigInt;
    MAXIMUM_SIZE: BigInt;
    AUTOEXTEND_SIZE: BigInt;
    CREATION_TIME: Binary(0);
    LAST_UPDATE_TIME: Binary(0);
    LAST_ACCESS_TIME: Binary(0);
    RECOVER_TIME: Binary(0);
    TRANSACTION_COUNTER: Binary(0);
    VERSION: BigInt;
    ROW_FORMAT: Varchar(256);
    TABLE_ROWS: Binary(0);
    AVG_ROW_LENGTH: Binary(0);
    DATA_LENGTH: Binary(0);
    MAX_DATA_LENGTH: Binary(0);
    INDEX_LENGTH: Binary(0);
    DATA_FREE: BigInt;
    CREATE_TIME: Binary(0);
    UPDATE_TIME: Binary(0);
    CHECK_TIME: Binary(0);
    CHECKSUM: Binary(0);
    STATUS: Varchar(256);
    EXTRA: Varchar(256);
}
