//! `mysql.role_edges`: there are no roles.

use crate::sql::system::table::table;

table! {
    "role_edges" is empty;
    FROM_HOST: Varchar(255) NOT NULL;
    FROM_USER: Varchar(32) NOT NULL;
    TO_HOST: Varchar(255) NOT NULL;
    TO_USER: Varchar(32) NOT NULL;
    WITH_ADMIN_OPTION: Varchar(1) NOT NULL;
}
