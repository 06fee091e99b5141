//! Until when a leader may answer reads by itself.

use std::time::Duration;

/// A leader's lease.
///
/// Followers that heard from the leader help nobody else to be elected for an election timeout. So
/// when a quorum answers a question that the leader asked at time `t`, there is no other leader
/// before `t` plus that timeout, and until `t` plus the (shorter) lease the leader knows of every
/// committed write. A leader that is its group's only voter needs no leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    until: u64,
}

impl Lease {
    /// No lease.
    pub const NONE: Lease = Lease { until: 0 };
    /// A lease that ends only when it is taken away: of an only voter.
    pub const UNBOUNDED: Lease = Lease { until: u64::MAX };

    /// Prolongs: a quorum answered what was asked at `asked` (nanoseconds on the node's monotonic
    /// clock).
    pub fn renew(&mut self, asked: u64, lease: Duration) {
        let lease = u64::try_from(lease.as_nanos()).unwrap_or(u64::MAX);
        // An unbounded lease is taken away explicitly; a later answer must not shorten it, nor
        // revive it.
        self.until = self.until.max(asked.saturating_add(lease).min(u64::MAX - 1));
    }

    /// Whether reads at `now` need no leave.
    pub fn is_valid(&self, now: u64) -> bool {
        now < self.until
    }

    /// The end, in nanoseconds on the node's monotonic clock.
    pub fn until(&self) -> u64 {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_counts_from_the_question() {
        let mut lease = Lease::NONE;
        assert!(!lease.is_valid(0));
        lease.renew(1_000, Duration::from_nanos(500));
        assert!(lease.is_valid(1_499));
        assert!(!lease.is_valid(1_500));
        lease.renew(900, Duration::from_nanos(500));
        assert!(lease.is_valid(1_499), "an older answer takes nothing away");
    }

    #[test]
    fn an_only_voter_needs_no_leave() {
        assert!(Lease::UNBOUNDED.is_valid(u64::MAX - 1));
    }
}
