//! `information_schema.TABLE_PRIVILEGES`: what is granted on tables.

use crate::sql::system::asked::Asked;
use crate::sql::system::grant_facts::{grantable, grantee, names, seen, tables};
use crate::sql::system::table::table;

/// Grantee, database, table, privilege, whether it may be granted on.
type Granted = (String, String, String, &'static str, &'static str);

fn grants(asked: &Asked<'_>) -> impl Iterator<Item = Granted> {
    tables(seen(asked)).into_iter().flat_map(|(account, database, table, grant)| {
        names(grant.table, false).into_iter().map(move |name| {
            (grantee(&account), database.clone(), table.clone(), name, grantable(grant.table))
        })
    })
}

table! {
    "TABLE_PRIVILEGES": |asked| for (grantee, database, name, privilege, grantable) in grants(asked);
    GRANTEE: Varchar(292) NOT NULL = grantee;
    TABLE_CATALOG: Varchar(512) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = database;
    TABLE_NAME: Varchar(64) NOT NULL = name;
    PRIVILEGE_TYPE: Varchar(64) NOT NULL = privilege;
    IS_GRANTABLE: Varchar(3) NOT NULL = grantable;
}
