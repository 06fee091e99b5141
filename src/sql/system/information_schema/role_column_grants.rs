//! `information_schema.ROLE_COLUMN_GRANTS`: there are no roles.

use crate::sql::system::table::table;

table! {
    "ROLE_COLUMN_GRANTS" is empty;
    GRANTOR: Varchar(97);
    GRANTOR_HOST: Varchar(256);
    GRANTEE: Varchar(32) NOT NULL;
    GRANTEE_HOST: Varchar(255) NOT NULL;
    TABLE_CATALOG: Varchar(3) NOT NULL;
    TABLE_SCHEMA: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    COLUMN_NAME: Varchar(64) NOT NULL;
    PRIVILEGE_TYPE: Varchar(31) NOT NULL;
    IS_GRANTABLE: Varchar(3) NOT NULL;
}
