//! `information_schema.ENABLED_ROLES`: there are no roles.

use crate::sql::system::table::table;

table! {
    "ENABLED_ROLES" is empty;
    ROLE_NAME: Varchar(255);
    ROLE_HOST: Varchar(255);
    IS_DEFAULT: Varchar(3);
    IS_MANDATORY: Varchar(3) NOT NULL;
}
