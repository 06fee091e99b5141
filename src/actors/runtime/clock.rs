//! Time as the actors see it: a monotonic clock, driven by `tokio::time`, and the machine's wall clock.

use std::{
    fmt,
    ops::{Add, Sub},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::time::Instant;

/// A point on the node's monotonic clock, in nanoseconds since the system started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Monotonic(u64);

impl Monotonic {
    /// A point this many nanoseconds after the start.
    pub fn from_nanos(nanos: u64) -> Monotonic {
        Monotonic(nanos)
    }

    /// Nanoseconds since the start.
    pub fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time passed since `earlier`; zero if that is later.
    pub fn since(self, earlier: Monotonic) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Like [`Monotonic::since`], under the name `std::time::Instant` uses.
    pub fn duration_since(self, earlier: Monotonic) -> Duration {
        self.since(earlier)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Monotonic;

    fn add(self, time: Duration) -> Monotonic {
        Monotonic(self.0.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Monotonic> for Monotonic {
    type Output = Duration;

    fn sub(self, earlier: Monotonic) -> Duration {
        self.since(earlier)
    }
}

/// The machine's wall clock, or what stands for it in a test: microseconds since 1970.
type ReadWall = Box<dyn Fn() -> u64 + Send + Sync>;

/// The node's clock. Reads `tokio::time`, so paused time pauses it, and the machine's wall clock, unless it was told what that says
/// at the start.
///
/// Time is asked for in four ways. [`Clock::now`] is monotonic, to measure with. [`Clock::unix_ms`] is what people call the time: it
/// follows the machine's clock, back as well. [`Clock::steady_unix_ms`] began with the machine's and goes on at its own pace, for leases and for how
/// long somebody has been silent: a clock that is set must not make everybody late. [`Clock::forward_unix_ms`] follows the machine's
/// clock forward only, for timestamps.
#[derive(Clone)]
pub struct Clock {
    anchor: Instant,
    anchor_unix_us: u64,
    wall: Option<Arc<Wall>>,
}

struct Wall {
    read: ReadWall,
    /// The most it was ahead of the steady clock, in microseconds.
    most_ahead: AtomicU64,
}

impl Clock {
    /// A clock that starts now. `unix_ms` is what the wall clock shall say now, from where it goes on by itself; if absent it is the
    /// machine's, and followed.
    pub fn start(unix_ms: Option<u64>) -> Clock {
        match unix_ms {
            None => Clock::following(Box::new(machine_unix_us)),
            Some(unix_ms) => {
                Clock { anchor: Instant::now(), anchor_unix_us: unix_ms * 1000, wall: None }
            }
        }
    }

    fn following(read: ReadWall) -> Clock {
        let anchor_unix_us = read();
        let wall = Wall { read, most_ahead: AtomicU64::new(0) };
        Clock { anchor: Instant::now(), anchor_unix_us, wall: Some(Arc::new(wall)) }
    }

    /// Now, on the monotonic clock.
    pub fn now(&self) -> Monotonic {
        let passed = Instant::now().saturating_duration_since(self.anchor);
        Monotonic(passed.as_secs() * 1_000_000_000 + u64::from(passed.subsec_nanos()))
    }

    /// Now, in milliseconds since 1970, as the machine's clock has it: when that is set back, so is this.
    pub fn unix_ms(&self) -> u64 {
        self.unix_micros() / 1000
    }

    /// The same in microseconds.
    pub fn unix_micros(&self) -> u64 {
        match &self.wall {
            Some(wall) => (wall.read)(),
            None => self.steady_unix_us(),
        }
    }

    /// Milliseconds since 1970 by the machine's clock as it was at the start, and by the monotonic clock since.
    pub fn steady_unix_ms(&self) -> u64 {
        self.steady_unix_us() / 1000
    }

    fn steady_unix_us(&self) -> u64 {
        self.anchor_unix_us + self.now().as_nanos() / 1000
    }

    /// Milliseconds since 1970 that never go back: they follow the machine's clock forward, and go on at its pace when it is set back.
    pub fn forward_unix_ms(&self) -> u64 {
        let steady = self.steady_unix_us();
        let Some(wall) = &self.wall else { return steady / 1000 };
        let ahead = (wall.read)().saturating_sub(steady);
        (steady + wall.most_ahead.fetch_max(ahead, Ordering::Relaxed).max(ahead)) / 1000
    }

    /// How far the machine's clock is ahead of the steady one, in microseconds.
    pub fn drift_us(&self) -> i64 {
        let Some(wall) = &self.wall else { return 0 };
        let (wall, steady) = ((wall.read)(), self.steady_unix_us());
        i64::try_from(i128::from(wall) - i128::from(steady)).unwrap_or(i64::MAX)
    }

    /// The wall-clock time of a point on the monotonic clock, as the steady clock has it.
    pub fn unix_ms_at(&self, at: Monotonic) -> u64 {
        (self.anchor_unix_us + at.as_nanos() / 1000) / 1000
    }

    /// The `tokio` instant of a point on the monotonic clock, to sleep until.
    pub fn instant_at(&self, at: Monotonic) -> Instant {
        self.anchor + Duration::from_nanos(at.as_nanos())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("now", &self.now()).finish()
    }
}

/// The instant some time from now; one far away where that cannot be counted (`Duration::MAX` as a deadline).
pub(in crate::actors) fn instant_after(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    let now = Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + FAR)
}

/// The one place that reads the machine's wall clock: everything else goes through [`Clock`].
#[allow(clippy::disallowed_methods, reason = "what the runtime's own clock follows")]
fn machine_unix_us() -> u64 {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_US: u64 = 1_700_000_000_000_000;
    const HOUR: Duration = Duration::from_secs(3600);
    const HOUR_US: u64 = 3_600_000_000;

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_is_followed_and_timestamps_never_go_back() {
        let machine = Arc::new(AtomicU64::new(START_US));
        let read = machine.clone();
        let clock = Clock::following(Box::new(move || read.load(Ordering::Relaxed)));
        let pass = async |seconds: u64| {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            machine.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        };
        let seen = |clock: &Clock| {
            let from_start = |ms: u64| (ms - START_US / 1000) / 1000;
            [clock.unix_ms(), clock.steady_unix_ms(), clock.forward_unix_ms()].map(from_start)
        };
        pass(10).await;
        assert_eq!(seen(&clock), [10, 10, 10]);

        // An hour forward, as after a sleep.
        machine.fetch_add(HOUR_US, Ordering::Relaxed);
        assert_eq!(seen(&clock), [3610, 10, 3610]);
        assert_eq!(clock.drift_us(), HOUR_US as i64);

        // And back by an hour: the time is right again at once, timestamps go on from where they were.
        machine.fetch_sub(HOUR_US, Ordering::Relaxed);
        pass(5).await;
        assert_eq!(seen(&clock), [15, 15, 3615]);
        assert_eq!(clock.drift_us(), 0);
        let at = clock.now();
        tokio::time::advance(HOUR).await;
        assert_eq!(clock.now().since(at), HOUR, "nothing of that is seen by who measures");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_told_the_time_goes_on_by_itself() {
        let clock = Clock::start(Some(5_000));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!([clock.unix_ms(), clock.steady_unix_ms(), clock.forward_unix_ms()], [7_000; 3]);
        assert_eq!(clock.drift_us(), 0);
    }
}
