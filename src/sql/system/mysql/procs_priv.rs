//! `mysql.procs_priv`: accounts have all rights everywhere.

use crate::sql::system::table::table;

table! {
    "procs_priv" is empty;
    Host: Varchar(255) NOT NULL;
    Db: Varchar(64) NOT NULL;
    User: Varchar(32) NOT NULL;
    Routine_name: Varchar(64) NOT NULL;
    Routine_type: Varchar(9) NOT NULL;
    Grantor: Varchar(288) NOT NULL;
    Proc_priv: Varchar(40) NOT NULL;
    Timestamp: Timestamp(0) NOT NULL;
}
