//! `information_schema.CHECK_CONSTRAINTS`: the checks of tables.

use crate::sql::system::foreign_facts::checks;
use crate::sql::system::table::table;

table! {
    "CHECK_CONSTRAINTS": |asked| for facts in checks(asked);
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL = "def";
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL = facts.0.name.as_str();
    CONSTRAINT_NAME: Varchar(64) NOT NULL = facts.2.name.as_str();
    CHECK_CLAUSE: LongText NOT NULL = facts.2.expr.escaped();
}
