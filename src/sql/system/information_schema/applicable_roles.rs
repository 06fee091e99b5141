//! `information_schema.APPLICABLE_ROLES`: there are no roles.

use crate::sql::system::table::table;

table! {
    "APPLICABLE_ROLES" is empty;
    USER: Varchar(97);
    HOST: Varchar(256);
    GRANTEE: Varchar(97);
    GRANTEE_HOST: Varchar(256);
    ROLE_NAME: Varchar(255);
    ROLE_HOST: Varchar(256);
    IS_GRANTABLE: Varchar(3) NOT NULL;
    IS_DEFAULT: Varchar(3);
    IS_MANDATORY: Varchar(3) NOT NULL;
}
