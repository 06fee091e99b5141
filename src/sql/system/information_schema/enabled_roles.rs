//! `information_schema.ENABLED_ROLES`: the session's active roles.

use crate::sql::accounts::AccountName;
use crate::sql::system::asked::Asked;
use crate::sql::system::table::table;

/// The active roles, and whether they are active after a login.
fn roles(asked: &Asked<'_>) -> Vec<(AccountName, bool)> {
    let (user, host) = asked.sources.current_account();
    let accounts = asked.sources.accounts();
    let own = accounts.iter().find(|account| account.user == user && account.host == host);
    let is_default =
        |role: &AccountName| own.is_some_and(|own| own.grants.default_roles.contains(role));
    let active = asked.sources.rights().roles().iter();
    active.map(|role| (role.clone(), is_default(role))).collect()
}

table! {
    "ENABLED_ROLES": |asked| for (role, default) in roles(asked);
    ROLE_NAME: Varchar(255) = role.user.as_str();
    ROLE_HOST: Varchar(255) = role.host.as_str();
    IS_DEFAULT: Varchar(3) = if default { "YES" } else { "NO" };
    IS_MANDATORY: Varchar(3) NOT NULL = "NO";
}
