//! `mysql.tables_priv`: accounts have all rights everywhere.

use crate::sql::system::table::table;

table! {
    "tables_priv" is empty;
    Host: Varchar(255) NOT NULL;
    Db: Varchar(64) NOT NULL;
    User: Varchar(32) NOT NULL;
    Table_name: Varchar(64) NOT NULL;
    Grantor: Varchar(288) NOT NULL;
    Timestamp: Timestamp(0) NOT NULL;
    Table_priv: Varchar(130) NOT NULL;
    Column_priv: Varchar(40) NOT NULL;
}
