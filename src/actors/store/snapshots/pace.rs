//! How fast snapshots may come and go.

use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// A rate, kept by all who share it together. Pure: the time is the caller's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    bytes_per_second: u64,
    /// When all that was let through so far has had its time.
    free_at: u64,
}

impl Pace {
    /// A pace of so many bytes in a second; zero: as fast as it goes.
    pub(super) fn new(bytes_per_second: u64) -> Pace {
        Pace { bytes_per_second, free_at: 0 }
    }

    /// So many bytes have passed at `now` (nanoseconds): how long until whoever sent them may go on. Time in which nothing
    /// passed is not saved up.
    pub(super) fn take(&mut self, bytes: u64, now: u64) -> Duration {
        let nanos = u128::from(bytes) * u128::from(SECOND);
        let Some(nanos) = nanos.checked_div(u128::from(self.bytes_per_second)) else {
            return Duration::ZERO;
        };
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.free_at = self.free_at.max(now).saturating_add(nanos);
        Duration::from_nanos(self.free_at - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_share_a_pace_wait_for_each_other() {
        let mut pace = Pace::new(1000);
        assert_eq!(pace.take(500, 0), Duration::from_millis(500));
        assert_eq!(pace.take(500, 0), Duration::from_secs(1), "behind the first");
        assert_eq!(pace.take(1000, SECOND), Duration::from_secs(1), "the first two have passed");
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut pace = Pace::new(1000);
        assert_eq!(pace.take(1000, 60 * SECOND), Duration::from_secs(1));
        assert_eq!(pace.take(1000, 60 * SECOND), Duration::from_secs(2));
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        let mut pace = Pace::new(0);
        assert_eq!(pace.take(u64::MAX, 0), Duration::ZERO);
    }
}
