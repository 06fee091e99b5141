//! `information_schema.PARAMETERS`: there are no stored routines.

use crate::sql::system::table::table;

table! {
    "PARAMETERS" is empty;
    SPECIFIC_CATALOG: Varchar(64) NOT NULL;
    SPECIFIC_SCHEMA: Varchar(64) NOT NULL;
    SPECIFIC_NAME: Varchar(64) NOT NULL;
    ORDINAL_POSITION: UBigInt NOT NULL;
    PARAMETER_MODE: Varchar(5);
    PARAMETER_NAME: Varchar(64);
    DATA_TYPE: LongText;
    CHARACTER_MAXIMUM_LENGTH: BigInt;
    CHARACTER_OCTET_LENGTH: BigInt;
    NUMERIC_PRECISION: UInt;
    NUMERIC_SCALE: BigInt;
    DATETIME_PRECISION: UInt;
    CHARACTER_SET_NAME: Varchar(64);
    COLLATION_NAME: Varchar(64);
    DTD_IDENTIFIER: MediumText NOT NULL;
    ROUTINE_TYPE: Varchar(9) NOT NULL;
}
