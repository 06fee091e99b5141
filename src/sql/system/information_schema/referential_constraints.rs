//! `information_schema.REFERENTIAL_CONSTRAINTS`: the foreign keys.

use crate::sql::catalog::action_text;
use crate::sql::system::foreign_facts::{foreign_keys, unique_key};
use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "REFERENTIAL_CONSTRAINTS": |asked| for foreign in foreign_keys(asked);
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = foreign.database.name.as_str();
    CONSTRAINT_NAME: Varchar(64) = foreign.key.name.as_str();
    UNIQUE_CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    UNIQUE_CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = foreign.key.parent_database.as_str();
    UNIQUE_CONSTRAINT_NAME: Varchar(64) =
        unique_key(asked, &foreign).map_or(Datum::Null, Datum::from);
    MATCH_OPTION: Varchar(7) NOT NULL = "NONE";
    UPDATE_RULE: Varchar(11) NOT NULL = action_text(foreign.key.on_update);
    DELETE_RULE: Varchar(11) NOT NULL = action_text(foreign.key.on_delete);
    TABLE_NAME: Varchar(64) NOT NULL = foreign.table.name.as_str();
    REFERENCED_TABLE_NAME: Varchar(64) NOT NULL = foreign.key.parent_table.as_str();
}
