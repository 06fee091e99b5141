//! `performance_schema.global_status`: the node's counters; SHOW GLOBAL STATUS reads it.

use crate::sql::system::table::table;

table! {
    "global_status": |asked| for (name, value) in asked.sources.status(true);
    VARIABLE_NAME: Varchar(64) NOT NULL = name;
    VARIABLE_VALUE: Varchar(1024) = value;
}
