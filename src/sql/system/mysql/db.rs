//! `mysql.db`: accounts have all rights everywhere.

use crate::sql::system::table::table;

table! {
    "db" is empty;
    Host: Varchar(255) NOT NULL;
    Db: Varchar(64) NOT NULL;
    User: Varchar(32) NOT NULL;
    Select_priv: Varchar(1) NOT NULL;
    Insert_priv: Varchar(1) NOT NULL;
    Update_priv: Varchar(1) NOT NULL;
    Delete_priv: Varchar(1) NOT NULL;
    Create_priv: Varchar(1) NOT NULL;
    Drop_priv: Varchar(1) NOT NULL;
    Grant_priv: Varchar(1) NOT NULL;
    References_priv: Varchar(1) NOT NULL;
    Index_priv: Varchar(1) NOT NULL;
    Alter_priv: Varchar(1) NOT NULL;
    Create_tmp_table_priv: Varchar(1) NOT NULL;
    Lock_tables_priv: Varchar(1) NOT NULL;
    Create_view_priv: Varchar(1) NOT NULL;
    Show_view_priv: Varchar(1) NOT NULL;
    Create_routine_priv: Varchar(1) NOT NULL;
    Alter_routine_priv: Varchar(1) NOT NULL;
    Execute_priv: Varchar(1) NOT NULL;
    Event_priv: Varchar(1) NOT NULL;
    Trigger_priv: Varchar(1) NOT NULL;
}
