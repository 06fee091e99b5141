//! `information_schema.ROLE_ROUTINE_GRANTS`: there are no roles.

use crate::sql::system::table::table;

table! {
    "ROLE_ROUTINE_GRANTS" is empty;
    GRANTOR: Varchar(97);
    GRANTOR_HOST: Varchar(256);
    GRANTEE: Varchar(32) NOT NULL;
    GRANTEE_HOST: Varchar(255) NOT NULL;
    SPECIFIC_CATALOG: Varchar(3) NOT NULL;
    SPECIFIC_SCHEMA: Varchar(64) NOT NULL;
    SPECIFIC_NAME: Varchar(64) NOT NULL;
    ROUTINE_CATALOG: Varchar(3) NOT NULL;
    ROUTINE_SCHEMA: Varchar(64) NOT NULL;
    ROUTINE_NAME: Varchar(64) NOT NULL;
    PRIVILEGE_TYPE: Varchar(27) NOT NULL;
    IS_GRANTABLE: Varchar(3) NOT NULL;
}
