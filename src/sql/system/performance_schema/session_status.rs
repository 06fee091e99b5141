//! `performance_schema.session_status`: the session's counters; SHOW STATUS reads it.

use crate::sql::system::table::table;

table! {
    "session_status": |asked| for (name, value) in asked.sources.status(false);
    VARIABLE_NAME: Varchar(64) NOT NULL = name;
    VARIABLE_VALUE: Varchar(1024) = value;
}
