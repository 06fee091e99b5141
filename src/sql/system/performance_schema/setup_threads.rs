//! `performance_schema.setup_threads`: there are none to be switched.

use crate::sql::system::table::table;

table! {
    "setup_threads" is empty;
    NAME: Varchar(128) NOT NULL;
    ENABLED: Varchar(3) NOT NULL;
    HISTORY: Varchar(3) NOT NULL;
    PROPERTIES: Varchar(64) NOT NULL;
    VOLATILITY: Int NOT NULL;
    DOCUMENTATION: LongText;
}
