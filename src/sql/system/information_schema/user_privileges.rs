//! `information_schema.USER_PRIVILEGES`: what accounts may do everywhere.

use crate::sql::system::asked::Asked;
use crate::sql::system::grant_facts::{grantable, grantee, names, seen};
use crate::sql::system::table::table;

/// Each account with each of its privileges, and whether it may grant it.
fn grants(asked: &Asked<'_>) -> Vec<(String, String, &'static str)> {
    let mut found = Vec::new();
    for account in seen(asked) {
        let (name, global) = (grantee(&account), account.grants.global);
        let usage = account.grants.dynamic.is_empty();
        for privilege in names(global, usage) {
            found.push((name.clone(), privilege.to_owned(), grantable(global)));
        }
        for (privilege, may) in &account.grants.dynamic {
            found.push((name.clone(), privilege.clone(), if *may { "YES" } else { "NO" }));
        }
    }
    found
}

table! {
    "USER_PRIVILEGES": |asked| for (grantee, privilege, grantable) in grants(asked);
    GRANTEE: Varchar(292) NOT NULL = grantee;
    TABLE_CATALOG: Varchar(512) NOT NULL = "def";
    PRIVILEGE_TYPE: Varchar(64) NOT NULL = privilege;
    IS_GRANTABLE: Varchar(3) NOT NULL = grantable;
}
