//! `information_schema.USER_PRIVILEGES`: every account has all rights.

use crate::sql::system::asked::Asked;
use crate::sql::system::sources::Account;
use crate::sql::system::table::table;

/// The rights an account may have on everything; each has all of them.
const RIGHTS: [&str; 32] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "RELOAD",
    "SHUTDOWN",
    "PROCESS",
    "FILE",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "SHOW DATABASES",
    "SUPER",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "REPLICATION SLAVE",
    "REPLICATION CLIENT",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "CREATE USER",
    "EVENT",
    "TRIGGER",
    "CREATE TABLESPACE",
    "CREATE ROLE",
    "DROP ROLE",
    "SYSTEM_VARIABLES_ADMIN",
    "CONNECTION_ADMIN",
];

/// Each account with each right.
fn grants(asked: &Asked<'_>) -> impl Iterator<Item = (String, &'static str)> {
    let each = |account: Account| {
        let grantee = format!("'{}'@'{}'", account.user, account.host);
        RIGHTS.iter().map(move |right| (grantee.clone(), *right))
    };
    asked.sources.accounts().into_iter().flat_map(each)
}

table! {
    "USER_PRIVILEGES": |asked| for (grantee, right) in grants(asked);
    GRANTEE: Varchar(292) NOT NULL = grantee;
    TABLE_CATALOG: Varchar(512) NOT NULL = "def";
    PRIVILEGE_TYPE: Varchar(64) NOT NULL = right;
    IS_GRANTABLE: Varchar(3) NOT NULL = "YES";
}
