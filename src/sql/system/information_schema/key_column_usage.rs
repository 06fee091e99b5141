//! `information_schema.KEY_COLUMN_USAGE`: the columns of unique keys.

use crate::sql::system::schema_facts::index_parts;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "KEY_COLUMN_USAGE": |asked| for part in index_parts(asked).filter(|part| part.unique);
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = part.database.name.as_str();
    CONSTRAINT_NAME: Varchar(64) = part.index;
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = part.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = part.table.name.as_str();
    COLUMN_NAME: Varchar(64) = part.column.name.as_str();
    ORDINAL_POSITION: UInt NOT NULL = part.position;
    POSITION_IN_UNIQUE_CONSTRAINT: UInt = Datum::Null;
    REFERENCED_TABLE_SCHEMA: Varchar(64) = Datum::Null;
    REFERENCED_TABLE_NAME: Varchar(64) = Datum::Null;
    REFERENCED_COLUMN_NAME: Varchar(64) = Datum::Null;
}
