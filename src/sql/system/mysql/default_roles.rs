//! `mysql.default_roles`: there are no roles.

use crate::sql::system::table::table;

table! {
    "default_roles" is empty;
    HOST: Varchar(255) NOT NULL;
    USER: Varchar(32) NOT NULL;
    DEFAULT_ROLE_HOST: Varchar(255) NOT NULL;
    DEFAULT_ROLE_USER: Varchar(32) NOT NULL;
}
