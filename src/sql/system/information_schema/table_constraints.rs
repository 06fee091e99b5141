//! `information_schema.TABLE_CONSTRAINTS`: the unique keys, the foreign keys and the checks.

use crate::sql::system::foreign_facts::constraints;
use crate::sql::system::table::table;

table! {
    "TABLE_CONSTRAINTS": |asked| for constraint in constraints(asked);
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = constraint.database.name.as_str();
    CONSTRAINT_NAME: Varchar(64) = constraint.name;
    TABLE_SCHEMA: Varchar(64) NOT NULL = constraint.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = constraint.table.name.as_str();
    CONSTRAINT_TYPE: Varchar(11) NOT NULL = constraint.kind;
    ENFORCED: Varchar(3) NOT NULL = if constraint.enforced { "YES" } else { "NO" };
}
