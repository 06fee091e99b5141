//! `information_schema.CHECK_CONSTRAINTS`: there are none.

use crate::sql::system::table::table;

table! {
    "CHECK_CONSTRAINTS" is empty;
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL;
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL;
    CONSTRAINT_NAME: Varchar(64) NOT NULL;
    CHECK_CLAUSE: LongText NOT NULL;
}
