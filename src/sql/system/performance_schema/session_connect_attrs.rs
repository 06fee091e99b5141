//! `performance_schema.session_connect_attrs`: what clients say of themselves when they connect is not kept.

use crate::sql::system::table::table;

table! {
    "session_connect_attrs" is empty;
    PROCESSLIST_ID: UBigInt NOT NULL;
    ATTR_NAME: Varchar(32) NOT NULL;
    ATTR_VALUE: Varchar(1024);
    ORDINAL_POSITION: Int;
}
