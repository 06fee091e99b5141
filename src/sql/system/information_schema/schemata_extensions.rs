//! `information_schema.SCHEMATA_EXTENSIONS`: what SCHEMATA does not have: no database has options.

use crate::sql::system::table::table;

table! {
    "SCHEMATA_EXTENSIONS": |asked| for database in asked.databases();
    CATALOG_NAME: Varchar(64) NOT NULL = "def";
    SCHEMA_NAME: Varchar(64) NOT NULL = database.name.as_str();
    OPTIONS: Varchar(256) = "";
}
