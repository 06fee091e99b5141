//! `mysql.columns_priv`: what is granted on columns.

use super::tables_priv::never;
use crate::sql::accounts::Privileges;
use crate::sql::system::asked::Asked;
use crate::sql::system::grant_facts::{as_set, tables};
use crate::sql::system::sources::Account;
use crate::sql::system::table::table;

/// A column with what is granted on it.
type Granted = (Account, String, String, String, Privileges);

fn columns(asked: &Asked<'_>) -> impl Iterator<Item = Granted> {
    tables(asked.sources.accounts()).into_iter().flat_map(|(account, database, table, grant)| {
        grant.columns.into_iter().map(move |(column, privileges)| {
            (account.clone(), database.clone(), table.clone(), column, privileges)
        })
    })
}

table! {
    "columns_priv": |asked| for (account, database, name, column, privileges) in columns(asked);
    Host: Varchar(255) NOT NULL = account.host.as_str();
    Db: Varchar(64) NOT NULL = database.as_str();
    User: Varchar(32) NOT NULL = account.user.as_str();
    Table_name: Varchar(64) NOT NULL = name.as_str();
    Column_name: Varchar(64) NOT NULL = column.as_str();
    Timestamp: Timestamp(0) NOT NULL = never();
    Column_priv: Varchar(40) NOT NULL = as_set(privileges);
}
