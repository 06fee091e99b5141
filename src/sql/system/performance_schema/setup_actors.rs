//! `performance_schema.setup_actors`: everybody is instrumented, in one way.

use crate::sql::system::table::table;

table! {
    "setup_actors": |_asked| for everybody in ["%"];
    HOST: Varchar(255) NOT NULL = everybody;
    USER: Varchar(32) NOT NULL = everybody;
    ROLE: Varchar(32) NOT NULL = everybody;
    ENABLED: Varchar(3) NOT NULL = "YES";
    HISTORY: Varchar(3) NOT NULL = "NO";
}
