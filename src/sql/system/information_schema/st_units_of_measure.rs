//! `information_schema.ST_UNITS_OF_MEASURE`: there are no spatial types.

use crate::sql::system::table::table;

table! {
    "ST_UNITS_OF_MEASURE" is empty;
    UNIT_NAME: Varchar(255);
    UNIT_TYPE: Varchar(7);
    CONVERSION_FACTOR: Double;
    DESCRIPTION: Varchar(255);
}
