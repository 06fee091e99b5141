//! `mysql.global_grants`: accounts have all rights everywhere.

use crate::sql::system::table::table;

table! {
    "global_grants" is empty;
    USER: Varchar(32) NOT NULL;
    HOST: Varchar(255) NOT NULL;
    PRIV: Varchar(32) NOT NULL;
    WITH_GRANT_OPTION: Varchar(1) NOT NULL;
}
