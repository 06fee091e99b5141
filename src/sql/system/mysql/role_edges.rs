//! `mysql.role_edges`: who has been granted which role.

use crate::sql::accounts::RoleGrant;
use crate::sql::system::asked::Asked;
use crate::sql::system::sources::Account;
use crate::sql::system::table::table;

fn edges(asked: &Asked<'_>) -> impl Iterator<Item = (Account, RoleGrant)> {
    asked.sources.accounts().into_iter().flat_map(|account| {
        account.grants.roles.clone().into_iter().map(move |role| (account.clone(), role))
    })
}

table! {
    "role_edges": |asked| for (account, grant) in edges(asked);
    FROM_HOST: Varchar(255) NOT NULL = grant.role.host.as_str();
    FROM_USER: Varchar(32) NOT NULL = grant.role.user.as_str();
    TO_HOST: Varchar(255) NOT NULL = account.host.as_str();
    TO_USER: Varchar(32) NOT NULL = account.user.as_str();
    WITH_ADMIN_OPTION: Varchar(1) NOT NULL = if grant.admin { "Y" } else { "N" };
}
