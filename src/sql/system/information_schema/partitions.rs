//! `information_schema.PARTITIONS`: tables are not partitioned.

use crate::sql::system::table::table;

table! {
    "PARTITIONS" is empty;
    TABLE_CATALOG: Varchar(64) NOT NULL;
    TABLE_SCHEMA: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    PARTITION_NAME: Varchar(64);
    SUBPARTITION_NAME: Varchar(64);
    PARTITION_ORDINAL_POSITION: UInt;
    SUBPARTITION_ORDINAL_POSITION: UInt;
    PARTITION_METHOD: Varchar(13);
    SUBPARTITION_METHOD: Varchar(13);
    PARTITION_EXPRESSION: Varchar(2048);
    SUBPARTITION_EXPRESSION: Varchar(2048);
    PARTITION_DESCRIPTION: Text;
    TABLE_ROWS: UBigInt;
    AVG_ROW_LENGTH: UBigInt;
    DATA_LENGTH: UBigInt;
    MAX_DATA_LENGTH: UBigInt;
    INDEX_LENGTH: UBigInt;
    DATA_FREE: UBigInt;
    CREATE_TIME: Timestamp(0);
    UPDATE_TIME: DateTime(0);
    CHECK_TIME: DateTime(0);
    CHECKSUM: BigInt;
    PARTITION_COMMENT: Text NOT NULL;
    NODEGROUP: Varchar(256);
    TABLESPACE_NAME: Varchar(268);
}
