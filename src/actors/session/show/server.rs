//! What SHOW tells of the server and the session.

use super::Shown;
use crate::actors::session::activity::Tally;
use crate::actors::session::core::Core;
use crate::actors::session::variables::list;
use crate::actors::session::{SessionServices, TlsSession};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::quote_name;
use crate::sql::expr::WarningLevel;
use crate::sql::parser::ast::UserName;
use crate::sql::types::{Collation, Datum};

impl Core {
    pub(super) fn show_variables(&self, global: bool) -> Shown {
        let rows = list().iter().filter_map(|variable| {
            let value = self.vars.shown(variable, global)?;
            Some(vec![Datum::from(variable.name), Datum::from(value)])
        });
        Shown::new(&["Variable_name", "!Value"], rows.collect())
    }

    pub(super) fn show_status(&self, global: bool) -> Shown {
        let tally = (!global).then_some(&*self.tally);
        let rows = status(&self.services, tally, self.client.tls.as_ref());
        Shown::new(&["Variable_name", "!Value"], rows)
    }

    pub(super) fn show_diagnostics(
        &self,
        errors: bool,
        count: bool,
        limit: Option<(u64, u64)>,
    ) -> Shown {
        let wanted = self
            .diagnostics
            .iter()
            .filter(|warning| !errors || warning.level == WarningLevel::Error);
        if count {
            let name = if errors { "#@@session.error_count" } else { "#@@session.warning_count" };
            return Shown::new(&[name], vec![vec![Datum::Int(wanted.count() as i64)]]);
        }
        let (offset, most) = limit.unwrap_or((0, u64::MAX));
        let rows = wanted.skip(offset as usize).take(usize::try_from(most).unwrap_or(usize::MAX));
        let rows = rows.map(|warning| {
            vec![
                Datum::from(warning.level.name()),
                Datum::Int(warning.code.into()),
                Datum::from(warning.message.as_str()),
            ]
        });
        Shown::new(&["Level", "#Code", "!Message"], rows.collect())
    }

    /// Every account has all rights.
    pub(super) fn show_grants(&self, user: Option<&UserName>) -> SqlResult<Shown> {
        let (user, host) = match user {
            Some(named) if !named.is_current => {
                let (user, host) = (named.user.as_str(), named.host.as_str());
                if self.services.accounts.table().get(user, host).is_none() {
                    return Err(SqlError::new(
                        errno::NONEXISTING_GRANT,
                        format!(
                            "There is no such grant defined for user '{user}' on host '{host}'"
                        ),
                    ));
                }
                (user, host)
            }
            _ => (self.client.user.as_str(), self.client.account_host.as_str()),
        };
        let head = format!("!Grants for {user}@{host}");
        let name = format!("{}@{}", quote_name(user), quote_name(host));
        let grant = format!("GRANT ALL PRIVILEGES ON *.* TO {name} WITH GRANT OPTION");
        Ok(Shown::new(&[&head], vec![vec![Datum::from(grant)]]))
    }
}

/// The counters of a session, or (`None`) of the node, and of the session's TLS: name and value. What is not counted for a session is
/// the node's in both.
pub(in crate::actors::session) fn status(
    services: &SessionServices,
    session: Option<&Tally>,
    tls: Option<&TlsSession>,
) -> Vec<Vec<Datum>> {
    let processes = &services.processes;
    let uptime = (services.clock.now().as_nanos() / 1_000_000_000).to_string();
    let mut values: Vec<(String, String)> = [
        ("Connections", processes.connections().to_string()),
        ("Max_used_connections", processes.most().to_string()),
        ("Queries", processes.questions().to_string()),
        ("Questions", session.map_or_else(|| processes.questions(), Tally::questions).to_string()),
        ("Ssl_cipher", tls.map(|tls| tls.cipher.clone()).unwrap_or_default()),
        ("Ssl_version", tls.map(|tls| tls.version.to_owned()).unwrap_or_default()),
        ("Threads_connected", processes.len().to_string()),
        ("Threads_created", processes.connections().to_string()),
        ("Threads_running", processes.running().to_string()),
        ("Uptime", uptime.clone()),
        ("Uptime_since_flush_status", uptime),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let counted = session.unwrap_or(&services.activity.tally).values().into_iter();
    values.extend(counted.map(|(name, value)| (name, value.to_string())));
    values.sort();
    values.into_iter().map(|(name, value)| vec![Datum::from(name), Datum::from(value)]).collect()
}

pub(in crate::actors::session) fn engine_rows() -> Vec<Vec<Datum>> {
    let row =
        ["InnoDB", "DEFAULT", "Percolator transactions over Raft regions", "YES", "NO", "YES"];
    vec![row.into_iter().map(Datum::from).collect()]
}

pub(super) fn engines() -> Shown {
    let columns = ["Engine", "Support", "Comment", "Transactions", "XA", "Savepoints"];
    Shown::new(&columns, engine_rows())
}

const COLLATIONS: [Collation; 4] = [
    Collation::Binary,
    Collation::Utf8mb4_0900Bin,
    Collation::Utf8mb4Bin,
    Collation::Utf8mb4GeneralCi,
];

/// A row for each collation.
pub(in crate::actors::session) fn collation_rows() -> Vec<Vec<Datum>> {
    let row = |collation: Collation| {
        let default = matches!(collation, Collation::Binary | Collation::Utf8mb4Bin);
        let pads = matches!(collation, Collation::Utf8mb4Bin | Collation::Utf8mb4GeneralCi);
        vec![
            Datum::from(collation.name()),
            Datum::from(collation.charset()),
            Datum::Int(collation.id().into()),
            Datum::from(if default { "Yes" } else { "" }),
            Datum::from("Yes"),
            Datum::Int(1),
            Datum::from(if pads { "PAD SPACE" } else { "NO PAD" }),
        ]
    };
    COLLATIONS.into_iter().map(row).collect()
}

pub(super) fn collations() -> Shown {
    let columns =
        ["Collation", "Charset", "#Id", "Default", "Compiled", "#Sortlen", "Pad_attribute"];
    Shown::new(&columns, collation_rows())
}

/// Character set, default collation, description, bytes of a character.
pub(in crate::actors::session) const CHARACTER_SETS: [(&str, &str, &str, i64); 2] = [
    ("binary", "binary", "Binary pseudo charset", 1),
    ("utf8mb4", "utf8mb4_bin", "UTF-8 Unicode", 4),
];

pub(super) fn character_sets() -> Shown {
    let rows = CHARACTER_SETS.iter().map(|(name, collation, description, bytes)| {
        vec![
            Datum::from(*name),
            Datum::from(*description),
            Datum::from(*collation),
            Datum::Int(*bytes),
        ]
    });
    let columns = ["Charset", "Description", "Default collation", "#Maxlen"];
    Shown::new(&columns, rows.collect())
}

pub(super) fn privileges() -> Shown {
    let row = ["All", "Server Admin", "Every account has all rights"];
    let row = row.into_iter().map(Datum::from).collect();
    Shown::new(&["Privilege", "Context", "Comment"], vec![row])
}

pub(super) fn plugins() -> Shown {
    let row = |name: &str| {
        ["", "ACTIVE", "AUTHENTICATION", "", "Apache-2.0"]
            .into_iter()
            .enumerate()
            .map(|(at, value)| match (at, value) {
                (0, _) => Datum::from(name),
                (3, _) => Datum::Null,
                _ => Datum::from(value),
            })
            .collect()
    };
    let rows = vec![row("caching_sha2_password"), row("mysql_native_password")];
    Shown::new(&["Name", "Status", "Type", "Library", "License"], rows)
}
