//! The log of slow statements: the last ones in memory, and all of them as events with the target `slow_query`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Ran;
use crate::sql::system::SlowStatement;

/// So many are kept in memory.
const KEPT: usize = 512;
/// Of a longer statement only the beginning is kept.
const TEXT_LIMIT: usize = 4096;

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
        let outcome = &ran.outcome;
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
            elapsed: outcome.elapsed,
            sent: outcome.sent,
            affected: outcome.affected,
            examined: outcome.examined,
            error: outcome.error,
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
