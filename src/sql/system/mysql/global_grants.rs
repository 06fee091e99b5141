//! `mysql.global_grants`: the dynamic privileges that are granted.

use crate::sql::system::asked::Asked;
use crate::sql::system::sources::Account;
use crate::sql::system::table::table;

fn dynamic(asked: &Asked<'_>) -> impl Iterator<Item = (Account, String, bool)> {
    asked.sources.accounts().into_iter().flat_map(|account| {
        let granted = account.grants.dynamic.clone();
        granted.into_iter().map(move |(name, grantable)| (account.clone(), name, grantable))
    })
}

table! {
    "global_grants": |asked| for (account, name, grantable) in dynamic(asked);
    USER: Varchar(32) NOT NULL = account.user.as_str();
    HOST: Varchar(255) NOT NULL = account.host.as_str();
    PRIV: Varchar(32) NOT NULL = name.as_str();
    WITH_GRANT_OPTION: Varchar(1) NOT NULL = if grantable { "Y" } else { "N" };
}
