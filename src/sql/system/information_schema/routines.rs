//! `information_schema.ROUTINES`: there are no stored routines.

use crate::sql::system::table::table;

table! {
    "ROUTINES" is empty;
    SPECIFIC_NAME: Varchar(64) NOT NULL;
    ROUTINE_CATALOG: Varchar(64) NOT NULL;
    ROUTINE_SCHEMA: Varchar(64) NOT NULL;
    ROUTINE_NAME: Varchar(64) NOT NULL;
    ROUTINE_TYPE: Varchar(9) NOT NULL;
    DATA_TYPE: LongText;
    CHARACTER_MAXIMUM_LENGTH: BigInt;
    CHARACTER_OCTET_LENGTH: BigInt;
    NUMERIC_PRECISION: UInt;
    NUMERIC_SCALE: UInt;
    DATETIME_PRECISION: UInt;
    CHARACTER_SET_NAME: Varchar(64);
    COLLATION_NAME: Varchar(64);
    DTD_IDENTIFIER: LongText;
    ROUTINE_BODY: Varchar(3) NOT NULL;
    ROUTINE_DEFINITION: LongText;
    EXTERNAL_NAME: Binary(0);
    EXTERNAL_LANGUAGE: Varchar(64) NOT NULL;
    PARAMETER_STYLE: Varchar(3) NOT NULL;
    IS_DETERMINISTIC: Varchar(3) NOT NULL;
    SQL_DATA_ACCESS: Varchar(17) NOT NULL;
    SQL_PATH: Binary(0);
    SECURITY_TYPE: Varchar(7) NOT NULL;
    CREATED: Timestamp(0) NOT NULL;
    LAST_ALTERED: Timestamp(0) NOT NULL;
    SQL_MODE: Varchar(520) NOT NULL;
    ROUTINE_COMMENT: Text NOT NULL;
    DEFINER: Varchar(288) NOT NULL;
    CHARACTER_SET_CLIENT: Varchar(64) NOT NULL;
    COLLATION_CONNECTION: Varchar(64) NOT NULL;
    DATABASE_COLLATION: Varchar(64) NOT NULL;
}
