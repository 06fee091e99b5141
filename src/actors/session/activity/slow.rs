//! The log of slow statements: the last ones in memory, and all of them as events with the target `slow_query`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{Outcome, Ran};

/// So many are kept in memory.
const KEPT: usize = 512;
/// Of a longer statement only the beginning is kept.
const TEXT_LIMIT: usize = 4096;

/// A statement that took longer than `long_query_time`.
#[derive(Clone, Debug)]
pub struct SlowStatement {
    /// When it ended, in microseconds since 1970.
    pub ended_micros: u64,
    /// `user[user] @ host`.
    pub user: String,
    /// The client's address.
    pub host: String,
    /// The connection.
    pub connection: u32,
    /// The database in use.
    pub database: Option<String>,
    /// Its beginning.
    pub text: Bytes,
    /// What became of it.
    pub outcome: Outcome,
}

/// The last slow statements.
#[derive(Debug, Default)]
pub struct SlowLog {
    count: AtomicU64,
    last: Mutex<VecDeque<SlowStatement>>,
}

impl SlowLog {
    /// Whether a statement that took so long is slow.
    pub fn is_slow(elapsed: Duration, long_query_time: Duration) -> bool {
        elapsed >= long_query_time
    }

    /// Adds one; it is kept and logged if the log is on.
    pub fn add(&self, ran: &Ran<'_>, user: &str, host: &str, connection: u32, on: bool) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if !on {
            return;
        }
        let text = ran.text.slice(..ran.text.len().min(TEXT_LIMIT));
        let outcome = ran.outcome.clone();
        tracing::info!(
            target: "slow_query",
            seconds = outcome.elapsed.as_secs_f64(),
            user,
            host,
            conn_id = connection,
            database = ran.database,
            rows_sent = outcome.sent,
            rows_examined = outcome.examined,
            rows_affected = outcome.affected,
            error = outcome.error,
            statement = %String::from_utf8_lossy(&text),
            "slow statement"
        );
        let mut last = self.last.lock();
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(SlowStatement {
            ended_micros: ran.now_micros,
            user: user.to_owned(),
            host: host.to_owned(),
            connection,
            database: ran.database.map(str::to_owned),
            // A copy: the text is part of the packet it came in.
            text: Bytes::copy_from_slice(&text),
            outcome,
        });
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Those that are kept, oldest first.
    pub fn list(&self) -> Vec<SlowStatement> {
        self.last.lock().iter().cloned().collect()
    }
}
