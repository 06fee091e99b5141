//! `information_schema.TABLE_CONSTRAINTS`: the unique keys.

use crate::sql::system::schema_facts::index_parts;
use crate::sql::system::table::table;

table! {
    "TABLE_CONSTRAINTS": |asked| for first in index_parts(asked).filter(|part| part.unique && part.position == 1);
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = first.database.name.as_str();
    CONSTRAINT_NAME: Varchar(64) = first.index;
    TABLE_SCHEMA: Varchar(64) NOT NULL = first.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = first.table.name.as_str();
    CONSTRAINT_TYPE: Varchar(11) NOT NULL = if first.index == "PRIMARY" { "PRIMARY KEY" } else { "UNIQUE" };
    ENFORCED: Varchar(3) NOT NULL = "YES";
}
