//! `mysql.func`: no functions can be installed.

use crate::sql::system::table::table;

table! {
    "func" is empty;
    name: Varchar(64) NOT NULL;
    ret: Int NOT NULL;
    dl: Varchar(128) NOT NULL;
    type: Varchar(9) NOT NULL;
}
