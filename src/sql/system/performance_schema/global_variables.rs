//! `performance_schema.global_variables`: the node's system variables; SHOW GLOBAL VARIABLES reads it.

use crate::sql::system::table::table;

table! {
    "global_variables": |asked| for (name, value) in asked.sources.variables(true);
    VARIABLE_NAME: Varchar(64) NOT NULL = name;
    VARIABLE_VALUE: Varchar(1024) = value;
}
