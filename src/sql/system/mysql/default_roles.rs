//! `mysql.default_roles`: the roles that are active after a login.

use crate::sql::accounts::AccountName;
use crate::sql::system::asked::Asked;
use crate::sql::system::sources::Account;
use crate::sql::system::table::table;

fn roles(asked: &Asked<'_>) -> impl Iterator<Item = (Account, AccountName)> {
    asked.sources.accounts().into_iter().flat_map(|account| {
        account.grants.default_roles.clone().into_iter().map(move |role| (account.clone(), role))
    })
}

table! {
    "default_roles": |asked| for (account, role) in roles(asked);
    HOST: Varchar(255) NOT NULL = account.host.as_str();
    USER: Varchar(32) NOT NULL = account.user.as_str();
    DEFAULT_ROLE_HOST: Varchar(255) NOT NULL = role.host.as_str();
    DEFAULT_ROLE_USER: Varchar(32) NOT NULL = role.user.as_str();
}
