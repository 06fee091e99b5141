//! `performance_schema.session_variables`: the session's system variables; SHOW VARIABLES reads it.

use crate::sql::system::table::table;

table! {
    "session_variables": |asked| for (name, value) in asked.sources.variables(false);
    VARIABLE_NAME: Varchar(64) NOT NULL = name;
    VARIABLE_VALUE: Varchar(1024) = value;
}
