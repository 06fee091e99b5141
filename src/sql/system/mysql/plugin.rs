//! `mysql.plugin`: no plugins can be installed.

use crate::sql::system::table::table;

table! {
    "plugin" is empty;
    name: Varchar(64) NOT NULL;
    dl: Varchar(128) NOT NULL;
}
