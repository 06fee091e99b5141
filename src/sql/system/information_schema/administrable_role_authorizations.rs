//! `information_schema.ADMINISTRABLE_ROLE_AUTHORIZATIONS`: those of them that it may grant on.

use super::applicable_roles::applicable;
use crate::sql::system::table::table;

table! {
    "ADMINISTRABLE_ROLE_AUTHORIZATIONS": |asked| for one in applicable(asked).into_iter().filter(|one| one.admin);
    USER: Varchar(97) = one.own.user.as_str();
    HOST: Varchar(256) = one.own.host.as_str();
    GRANTEE: Varchar(97) = one.grantee.user.as_str();
    GRANTEE_HOST: Varchar(256) = one.grantee.host.as_str();
    ROLE_NAME: Varchar(255) = one.role.user.as_str();
    ROLE_HOST: Varchar(256) = one.role.host.as_str();
    IS_GRANTABLE: Varchar(3) NOT NULL = if one.admin { "YES" } else { "NO" };
    IS_DEFAULT: Varchar(3) = if one.default { "YES" } else { "NO" };
    IS_MANDATORY: Varchar(3) NOT NULL = "NO";
}
