//! Name and value of what SHOW STATUS shows.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Tally;
use crate::actors::session::{SessionServices, TlsSession};
use crate::sql::kv::LockWaits;

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
    values.extend(rows_of_all(&services.activity.tally));
    values.extend(lock_waits(services.store.lock_waits()));
    let prepared = services.prepared.load(Ordering::Relaxed);
    values.push(("Prepared_stmt_count".to_owned(), prepared.to_string()));
    let counted = session.unwrap_or(&services.activity.tally).values().into_iter();
    values.extend(counted.map(|(name, value)| (name, value.to_string())));
    values.sort();
    values
}

/// Waits for other transactions, in milliseconds. How many there are at the moment is not counted: the stores know that.
fn lock_waits(all: LockWaits) -> [(String, String); 4] {
    let average = all.total / u32::try_from(all.waits.max(1)).unwrap_or(u32::MAX);
    [
        ("Innodb_row_lock_time", all.total.as_millis()),
        ("Innodb_row_lock_time_avg", average.as_millis()),
        ("Innodb_row_lock_time_max", all.longest.as_millis()),
        ("Innodb_row_lock_waits", u128::from(all.waits)),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_string()))
}

/// What MySQL's engine counts of rows, which it does for all sessions together.
fn rows_of_all(node: &Tally) -> [(String, String); 4] {
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let handler = &node.handler;
    let read = of(&handler.read_key).saturating_add(of(&handler.read_next));
    [
        ("Innodb_rows_deleted", of(&handler.delete)),
        ("Innodb_rows_inserted", of(&handler.write)),
        ("Innodb_rows_read", read),
        ("Innodb_rows_updated", of(&handler.update)),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_string()))
}
