//! `performance_schema.setup_objects`: there are none to be switched.

use crate::sql::system::table::table;

table! {
    "setup_objects" is empty;
    OBJECT_TYPE: Varchar(9) NOT NULL;
    OBJECT_SCHEMA: Varchar(64);
    OBJECT_NAME: Varchar(64) NOT NULL;
    ENABLED: Varchar(3) NOT NULL;
    TIMED: Varchar(3) NOT NULL;
}
