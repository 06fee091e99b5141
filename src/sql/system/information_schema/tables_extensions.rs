//! `information_schema.TABLES_EXTENSIONS`: what TABLES does not have: no engine has attributes of its own.

use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "TABLES_EXTENSIONS": |asked| for (database, table) in asked.tables();
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = table.name.as_str();
    ENGINE_ATTRIBUTE: LongText = Datum::Null;
    SECONDARY_ENGINE_ATTRIBUTE: LongText = Datum::Null;
}
