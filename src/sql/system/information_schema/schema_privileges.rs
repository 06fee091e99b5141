//! `information_schema.SCHEMA_PRIVILEGES`: what is granted on databases.

use crate::sql::system::asked::Asked;
use crate::sql::system::grant_facts::{grantable, grantee, names, seen};
use crate::sql::system::table::table;

fn grants(asked: &Asked<'_>) -> Vec<(String, String, &'static str, &'static str)> {
    let mut found = Vec::new();
    for account in seen(asked) {
        for (database, privileges) in &account.grants.databases {
            for name in names(*privileges, false) {
                found.push((grantee(&account), database.clone(), name, grantable(*privileges)));
            }
        }
    }
    found
}

table! {
    "SCHEMA_PRIVILEGES": |asked| for (grantee, database, privilege, grantable) in grants(asked);
    GRANTEE: Varchar(292) NOT NULL = grantee;
    TABLE_CATALOG: Varchar(512) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = database;
    PRIVILEGE_TYPE: Varchar(64) NOT NULL = privilege;
    IS_GRANTABLE: Varchar(3) NOT NULL = grantable;
}
