//! `mysql.procs_priv`: what is granted on procedures and functions.

use super::tables_priv::never;
use crate::sql::accounts::Privileges;
use crate::sql::parser::ast::RoutineKind;
use crate::sql::system::asked::Asked;
use crate::sql::system::grant_facts::as_set;
use crate::sql::system::sources::Account;
use crate::sql::system::table::table;

/// A routine with what is granted on it.
struct Granted {
    account: Account,
    database: String,
    name: String,
    kind: RoutineKind,
    privileges: Privileges,
}

fn routines(asked: &Asked<'_>) -> Vec<Granted> {
    let mut found = Vec::new();
    for account in asked.sources.accounts() {
        for (kind, routines) in [
            (RoutineKind::Procedure, &account.grants.procedures),
            (RoutineKind::Function, &account.grants.functions),
        ] {
            for (database, some) in routines {
                found.extend(some.iter().map(|(name, privileges)| Granted {
                    account: account.clone(),
                    database: database.clone(),
                    name: name.clone(),
                    kind,
                    privileges: *privileges,
                }));
            }
        }
    }
    found
}

table! {
    "procs_priv": |asked| for granted in routines(asked);
    Host: Varchar(255) NOT NULL = granted.account.host.as_str();
    Db: Varchar(64) NOT NULL = granted.database.as_str();
    User: Varchar(32) NOT NULL = granted.account.user.as_str();
    Routine_name: Varchar(64) NOT NULL = granted.name.as_str();
    Routine_type: Varchar(9) NOT NULL = granted.kind.name();
    Grantor: Varchar(288) NOT NULL = "";
    Proc_priv: Varchar(40) NOT NULL = as_set(granted.privileges);
    Timestamp: Timestamp(0) NOT NULL = never();
}
