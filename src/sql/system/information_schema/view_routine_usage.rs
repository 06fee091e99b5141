//! `information_schema.VIEW_ROUTINE_USAGE`: there are no views.

use crate::sql::system::table::table;

table! {
    "VIEW_ROUTINE_USAGE" is empty;
    TABLE_CATALOG: Varchar(64) NOT NULL;
    TABLE_SCHEMA: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    SPECIFIC_CATALOG: Varchar(64) NOT NULL;
    SPECIFIC_SCHEMA: Varchar(64) NOT NULL;
    SPECIFIC_NAME: Varchar(64) NOT NULL;
}
