//! `information_schema.COLUMN_PRIVILEGES`: what is granted on columns.

use crate::sql::system::asked::Asked;
use crate::sql::system::grant_facts::{grantable, grantee, names, seen, tables};
use crate::sql::system::table::table;

/// A column and one privilege on it.
struct Granted {
    grantee: String,
    database: String,
    table: String,
    column: String,
    privilege: &'static str,
    grantable: &'static str,
}

fn grants(asked: &Asked<'_>) -> Vec<Granted> {
    let mut found = Vec::new();
    for (account, database, table, grant) in tables(seen(asked)) {
        for (column, privileges) in &grant.columns {
            found.extend(names(*privileges, false).into_iter().map(|privilege| Granted {
                grantee: grantee(&account),
                database: database.clone(),
                table: table.clone(),
                column: column.clone(),
                privilege,
                grantable: grantable(grant.table),
            }));
        }
    }
    found
}

table! {
    "COLUMN_PRIVILEGES": |asked| for granted in grants(asked);
    GRANTEE: Varchar(292) NOT NULL = granted.grantee.as_str();
    TABLE_CATALOG: Varchar(512) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = granted.database.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = granted.table.as_str();
    COLUMN_NAME: Varchar(64) NOT NULL = granted.column.as_str();
    PRIVILEGE_TYPE: Varchar(64) NOT NULL = granted.privilege;
    IS_GRANTABLE: Varchar(3) NOT NULL = granted.grantable;
}
