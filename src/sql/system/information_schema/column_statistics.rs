//! `information_schema.COLUMN_STATISTICS`: histograms of MySQL's kind are not made.

use crate::sql::system::table::table;

table! {
    "COLUMN_STATISTICS" is empty;
    SCHEMA_NAME: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    COLUMN_NAME: Varchar(64) NOT NULL;
    HISTOGRAM: LongText NOT NULL;
}
