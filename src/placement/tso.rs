//! The timestamp oracle.
//!
//! A timestamp is 46 bits of Unix milliseconds and 18 bits of counter, handed out strictly ascending by
//! [`TimestampOracle::take`], which any thread may call: it is one compare-and-swap. What makes it safe across restarts
//! and changes of leader is the *bound*: the physical part stays below a bound that is durable in PD's log,
//! and a new leader starts at the bound it finds. The bound is moved ahead of need, [`BOUND_AHEAD_MS`] at a
//! time, so taking a timestamp waits for the disk only after a pause longer than that.
//!
//! The clock only suggests. When it stands still or steps back, the counter goes on, and carries into the physical
//! part when its 18 bits are used up; when it jumps forward past the bound, the bound is moved first.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::Timestamp;

/// How far ahead of the clock the durable bound is set.
pub const BOUND_AHEAD_MS: u64 = 3_000;

/// When less than this is left below the bound, it is time to move it.
pub const BOUND_LOW_MS: u64 = 1_500;

/// Hands out timestamps below a durable bound. Does not serve until [`TimestampOracle::open`].
#[derive(Debug, Default)]
pub struct TimestampOracle {
    /// The last timestamp handed out.
    last: AtomicU64,
    /// Physical parts stay below this many Unix milliseconds. Zero: not serving.
    bound_ms: AtomicU64,
    /// Nanoseconds of the monotonic clock until which nobody else can lead.
    lease_until: AtomicU64,
}

impl TimestampOracle {
    /// An oracle that does not serve yet.
    pub fn new() -> TimestampOracle {
        TimestampOracle::default()
    }

    /// Starts to serve above everything an earlier leader can have handed out.
    ///
    /// `durable_ms` is the bound found in the log; the caller follows with [`TimestampOracle::extend`] once a new one
    /// is durable, and nothing is handed out before.
    pub fn open(&self, durable_ms: u64) {
        self.last.fetch_max(Timestamp::compose(durable_ms, 0).0, Ordering::SeqCst);
    }

    /// Stops serving: leadership is lost.
    pub fn close(&self) {
        self.bound_ms.store(0, Ordering::SeqCst);
    }

    /// Nobody else can lead before then, in nanoseconds of the monotonic clock.
    pub fn lease(&self, until: u64) {
        self.lease_until.store(until, Ordering::SeqCst);
    }

    /// Whether nobody else can lead now.
    pub fn is_leased(&self, now: u64) -> bool {
        now < self.lease_until.load(Ordering::SeqCst)
    }

    /// The next `count` timestamps, if the lease still holds once they are taken: a leader that was cut off must not
    /// hand out what lies below another's. `now` is read after they are taken.
    pub fn take_leased(
        &self,
        now_ms: u64,
        count: u64,
        now: impl FnOnce() -> u64,
    ) -> Option<Range<Timestamp>> {
        let taken = self.take_many(now_ms, count)?;
        self.is_leased(now()).then_some(taken)
    }

    /// The bound to make durable next, or `None` while enough is left.
    pub fn wanted_bound(&self, now_ms: u64) -> Option<u64> {
        let reached = now_ms.max(self.last().physical_ms());
        let bound = self.bound_ms.load(Ordering::SeqCst);
        (bound < reached + BOUND_LOW_MS).then_some(reached + BOUND_AHEAD_MS)
    }

    /// A new bound is durable. Bounds only grow.
    pub fn extend(&self, durable_ms: u64) {
        self.bound_ms.fetch_max(durable_ms, Ordering::SeqCst);
    }

    /// The next timestamp; `None` until the bound is moved.
    pub fn take(&self, now_ms: u64) -> Option<Timestamp> {
        self.take_many(now_ms, 1).map(|range| range.start)
    }

    /// The next `count` timestamps, consecutive; `None` until the bound is moved.
    pub fn take_many(&self, now_ms: u64, count: u64) -> Option<Range<Timestamp>> {
        assert!(count > 0, "a batch has at least one timestamp");
        let mut last = self.last.load(Ordering::SeqCst);
        loop {
            let first = (last + 1).max(Timestamp::compose(now_ms, 0).0);
            let end = first.checked_add(count).expect("the oracle is far from its end");
            if Timestamp(end - 1).physical_ms() >= self.bound_ms.load(Ordering::SeqCst) {
                return None;
            }
            match self.last.compare_exchange_weak(last, end - 1, Ordering::SeqCst, Ordering::SeqCst)
            {
                Ok(_) => return Some(Timestamp(first)..Timestamp(end)),
                Err(current) => last = current,
            }
        }
    }

    /// The last timestamp handed out, or where it will start.
    pub fn last(&self) -> Timestamp {
        Timestamp(self.last.load(Ordering::SeqCst))
    }

    /// The durable bound in Unix milliseconds; zero when it does not serve.
    pub fn bound_ms(&self) -> u64 {
        self.bound_ms.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn does_not_serve_before_its_bound_is_durable() {
        let oracle = TimestampOracle::new();
        assert_eq!(oracle.take(1_000), None);
        oracle.open(500);
        assert_eq!(oracle.take(1_000), None);
        assert_eq!(oracle.wanted_bound(1_000), Some(4_000));
        oracle.extend(4_000);
        assert_eq!(oracle.take(1_000), Some(Timestamp::compose(1_000, 0)));
        oracle.close();
        assert_eq!(oracle.take(1_001), None);
    }

    #[test]
    fn the_counter_carries_into_the_milliseconds() {
        let oracle = TimestampOracle::new();
        oracle.extend(10);
        let all = oracle.take_many(5, (1 << 18) + 2).unwrap();
        assert_eq!(all.start, Timestamp::compose(5, 0));
        assert_eq!(oracle.last(), Timestamp::compose(6, 1));
        assert_eq!(oracle.take(5), Some(Timestamp::compose(6, 2)));
        assert_eq!(oracle.take_many(5, 4 << 18), None, "would pass the bound");
    }

    #[test]
    fn threads_never_get_the_same() {
        let oracle = TimestampOracle::new();
        oracle.extend(100);
        let mut all: Vec<Timestamp> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).map(|_| oracle.take(1).unwrap()).collect()))
                .collect();
            threads.into_iter().flat_map(|thread| -> Vec<_> { thread.join().unwrap() }).collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4000);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Clock(i64),
        Take(u64),
        Extend,
        Restart,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (-5_000i64..5_000).prop_map(Step::Clock),
            (1u64..300_000).prop_map(Step::Take),
            Just(Step::Extend),
            Just(Step::Restart),
        ]
    }

    proptest! {
        #[test]
        fn never_goes_backward(steps in proptest::collection::vec(step(), 1..200)) {
            let mut oracle = TimestampOracle::new();
            let (mut now, mut durable, mut highest) = (1_000_000i64, 0u64, Timestamp::ZERO);
            for step in steps {
                match step {
                    Step::Clock(change) => now = (now + change).max(0),
                    Step::Take(count) => {
                        if let Some(range) = oracle.take_many(now as u64, count) {
                            prop_assert!(range.start > highest);
                            prop_assert!(range.end.prev().physical_ms() < durable);
                            highest = range.end.prev();
                        }
                    }
                    Step::Extend => {
                        if let Some(bound) = oracle.wanted_bound(now as u64) {
                            prop_assert!(bound >= durable);
                            durable = bound;
                            oracle.extend(bound);
                            let ts = oracle.take(now as u64).unwrap();
                            prop_assert!(ts > highest);
                            highest = ts;
                        }
                    }
                    Step::Restart => {
                        oracle = TimestampOracle::new();
                        oracle.open(durable);
                    }
                }
            }
        }
    }
}
