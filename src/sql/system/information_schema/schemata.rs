//! `information_schema.SCHEMATA`: the databases.

use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "SCHEMATA": |asked| for database in asked.databases();
    CATALOG_NAME: Varchar(64) NOT NULL = "def";
    SCHEMA_NAME: Varchar(64) NOT NULL = database.name.as_str();
    DEFAULT_CHARACTER_SET_NAME: Varchar(64) NOT NULL = database.charset.as_str();
    DEFAULT_COLLATION_NAME: Varchar(64) NOT NULL = database.collation.as_str();
    SQL_PATH: Binary(0) = Datum::Null;
    DEFAULT_ENCRYPTION: Varchar(3) NOT NULL = "NO";
}
