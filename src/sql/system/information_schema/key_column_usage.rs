//! `information_schema.KEY_COLUMN_USAGE`: the columns of unique and of foreign keys.

use crate::sql::system::foreign_facts::key_columns;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "KEY_COLUMN_USAGE": |asked| for part in key_columns(asked);
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = part.database.name.as_str();
    CONSTRAINT_NAME: Varchar(64) = part.constraint;
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = part.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = part.table.name.as_str();
    COLUMN_NAME: Varchar(64) = part.column;
    ORDINAL_POSITION: UInt NOT NULL = part.position;
    POSITION_IN_UNIQUE_CONSTRAINT: UInt = part.parent.map(|_| part.position);
    REFERENCED_TABLE_SCHEMA: Varchar(64) =
        part.parent.map_or(Datum::Null, |(key, _)| key.parent_database.as_str().into());
    REFERENCED_TABLE_NAME: Varchar(64) =
        part.parent.map_or(Datum::Null, |(key, _)| key.parent_table.as_str().into());
    REFERENCED_COLUMN_NAME: Varchar(64) = part.parent.map_or(Datum::Null, |(_, name)| name.into());
}
