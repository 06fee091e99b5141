//! `information_schema.TABLE_PRIVILEGES`: accounts have all rights everywhere.

use crate::sql::system::table::table;

table! {
    "TABLE_PRIVILEGES" is empty;
    GRANTEE: Varchar(292) NOT NULL;
    TABLE_CATALOG: Varchar(512) NOT NULL;
    TABLE_SCHEMA: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    PRIVILEGE_TYPE: Varchar(64) NOT NULL;
    IS_GRANTABLE: Varchar(3) NOT NULL;
}
