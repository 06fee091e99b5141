//! `information_schema.VIEW_TABLE_USAGE`: there are no views.

use crate::sql::system::table::table;

table! {
    "VIEW_TABLE_USAGE" is empty;
    VIEW_CATALOG: Varchar(64) NOT NULL;
    VIEW_SCHEMA: Varchar(64) NOT NULL;
    VIEW_NAME: Varchar(64) NOT NULL;
    TABLE_CATALOG: Varchar(64) NOT NULL;
    TABLE_SCHEMA: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
}
