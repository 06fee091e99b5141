//! `information_schema.TABLE_CONSTRAINTS_EXTENSIONS`: what TABLE_CONSTRAINTS does not have: no engine has attributes of its own.

use crate::sql::system::schema_facts::index_parts;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "TABLE_CONSTRAINTS_EXTENSIONS": |asked| for first in index_parts(asked).filter(|part| part.unique && part.position == 1);
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = first.database.name.as_str();
    CONSTRAINT_NAME: Varchar(64) NOT NULL = first.index;
    TABLE_NAME: Varchar(64) NOT NULL = first.table.name.as_str();
    ENGINE_ATTRIBUTE: LongText = Datum::Null;
    SECONDARY_ENGINE_ATTRIBUTE: LongText = Datum::Null;
}
