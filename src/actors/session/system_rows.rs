//! The rows of `mysql`: accounts and time zones, as tools look for them.

use super::Account;
use super::accounts::AccountTable;
use crate::protocol::auth::Plugin;
use crate::sql::types::{Datum, time_zone_names};

type Rows = Vec<Vec<Datum>>;

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

/// The rows of a table of `mysql`; `None`: there is no such table.
pub(super) fn mysql(table: &str, accounts: &AccountTable) -> Option<Rows> {
    let zones = || time_zone_names().enumerate();
    Some(match table {
        "user" => accounts.list().iter().map(user).collect(),
        "time_zone" => {
            zones().map(|(at, _)| vec![Datum::UInt(at as u64 + 1), Datum::from("N")]).collect()
        }
        "time_zone_name" => {
            zones().map(|(at, name)| vec![Datum::from(name), Datum::UInt(at as u64 + 1)]).collect()
        }
        // What zones do at which moment is in the program; accounts have all rights everywhere; nothing can be installed.
        "time_zone_leap_second"
        | "time_zone_transition"
        | "time_zone_transition_type"
        | "db"
        | "tables_priv"
        | "columns_priv"
        | "procs_priv"
        | "proxies_priv"
        | "global_grants"
        | "role_edges"
        | "default_roles"
        | "func"
        | "plugin"
        | "servers" => Vec::new(),
        _ => return None,
    })
}

/// A row of `mysql.user`.
fn user(account: &Account) -> Vec<Datum> {
    let yes = || Datum::from("Y");
    let hash: String = account.stored.iter().map(|byte| format!("{byte:02X}")).collect();
    let stored = match account.plugin {
        Plugin::Native if !hash.is_empty() => format!("*{hash}"),
        _ => hash,
    };
    let mut row = vec![Datum::from(account.host.as_str()), Datum::from(account.user.as_str())];
    // From Select_priv to Create_tablespace_priv.
    row.extend((0..29).map(|_| yes()));
    row.push(Datum::from(""));
    row.extend((0..3).map(|_| Datum::from("")));
    row.extend((0..4).map(|_| Datum::UInt(0)));
    row.extend([
        Datum::from(account.plugin.name()),
        Datum::from(stored),
        Datum::from("N"),
        Datum::Null,
        Datum::Null,
        Datum::from("N"),
        yes(),
        yes(),
    ]);
    row.extend((0..4).map(|_| Datum::Null));
    row
}

/// The rows of USER_PRIVILEGES.
pub(super) fn user_privileges(accounts: &AccountTable) -> Rows {
    let mut rows = Vec::new();
    for account in accounts.list() {
        let grantee = format!("'{}'@'{}'", account.user, account.host);
        let row = |right: &&str| {
            [grantee.as_str(), "def", *right, "YES"]
                .into_iter()
                .map(Datum::from)
                .collect::<Vec<_>>()
        };
        rows.extend(RIGHTS.iter().map(row));
    }
    rows
}

/// The rows of PLUGINS: what there is to authenticate with, and the engine.
pub(super) fn plugins() -> Rows {
    let row = |name: &str, kind: &str| {
        let [name, version, status, kind, type_version] =
            [name, "1.0", "ACTIVE", kind, "1.0"].map(Datum::from);
        let author = Datum::from("TroupeDB");
        let license = Datum::from("Apache-2.0");
        let load = Datum::from("FORCE");
        let (library, description) = (Datum::Null, Datum::Null);
        vec![
            name,
            version,
            status,
            kind,
            type_version,
            library.clone(),
            library,
            author,
            description,
            license,
            load,
        ]
    };
    vec![
        row("caching_sha2_password", "AUTHENTICATION"),
        row("mysql_native_password", "AUTHENTICATION"),
        row("InnoDB", "STORAGE ENGINE"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::catalog::InfoSchema;

    #[test]
    fn rows_are_as_wide_as_their_tables() {
        let schema = InfoSchema::new(1, Vec::new());
        let accounts = AccountTable::new(Vec::new(), Plugin::CachingSha2);
        for table in schema.tables("mysql").filter(|table| table.name != "slow_log") {
            let rows = mysql(&table.name, &accounts).expect("every table has rows");
            assert!(rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.name);
        }
        let wide = |name: &str, rows: Rows| {
            let table = schema.table("information_schema", name).expect("it is there");
            assert!(rows.iter().all(|row| row.len() == table.columns.len()), "{name}");
        };
        wide("plugins", plugins());
        wide("user_privileges", user_privileges(&accounts));
    }
}
