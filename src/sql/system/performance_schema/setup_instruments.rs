//! `performance_schema.setup_instruments`: there are none to be switched.

use crate::sql::system::table::table;

table! {
    "setup_instruments" is empty;
    NAME: Varchar(128) NOT NULL;
    ENABLED: Varchar(3) NOT NULL;
    TIMED: Varchar(3);
    PROPERTIES: Varchar(64) NOT NULL;
    VOLATILITY: Int NOT NULL;
    DOCUMENTATION: LongText;
}
