//! How long statements and commits of this process wait for other transactions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sql::kv::LockWaits;

/// Counts waits. One is what a request waits for locks in one region, however many it meets there.
#[derive(Debug, Default)]
pub(super) struct WaitCounters {
    waits: AtomicU64,
    micros: AtomicU64,
    longest_micros: AtomicU64,
}

impl WaitCounters {
    /// A request has waited for `time`, after `so_far` before; that becomes the sum.
    pub(super) fn note(&self, so_far: &mut Duration, time: Duration) {
        if time.is_zero() {
            return;
        }
        if so_far.is_zero() {
            self.waits.fetch_add(1, Ordering::Relaxed);
        }
        *so_far += time;
        self.micros.fetch_add(micros(time), Ordering::Relaxed);
        self.longest_micros.fetch_max(micros(*so_far), Ordering::Relaxed);
    }

    /// What there was so far.
    pub(super) fn figures(&self) -> LockWaits {
        let micros = |counter: &AtomicU64| Duration::from_micros(counter.load(Ordering::Relaxed));
        LockWaits {
            waits: self.waits.load(Ordering::Relaxed),
            total: micros(&self.micros),
            longest: micros(&self.longest_micros),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
