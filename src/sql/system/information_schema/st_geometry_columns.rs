//! `information_schema.ST_GEOMETRY_COLUMNS`: there are no spatial types.

use crate::sql::system::table::table;

table! {
    "ST_GEOMETRY_COLUMNS" is empty;
    TABLE_CATALOG: Varchar(64) NOT NULL;
    TABLE_SCHEMA: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    COLUMN_NAME: Varchar(64);
    SRS_NAME: Varchar(80);
    SRS_ID: UInt;
    GEOMETRY_TYPE_NAME: LongText;
}
