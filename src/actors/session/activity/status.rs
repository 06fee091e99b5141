//! Name and value of what SHOW STATUS shows.

use super::Tally;
use crate::actors::session::{SessionServices, TlsSession};

/// The counters of a session, or (`None`) of the node, and of the session's TLS: name and value. What is not counted for a session is
/// the node's in both.
pub(in crate::actors::session) fn status(
    services: &SessionServices,
    session: Option<&Tally>,
    tls: Option<&TlsSession>,
) -> Vec<(String, String)> {
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
    values
}
