//! Time as the actors see it: one monotonic clock and one wall clock, both driven by `tokio::time`.

use std::{
    fmt,
    ops::{Add, Sub},
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

/// The node's clock. Reads `tokio::time`, so paused time pauses it; the wall clock is read once, at the start.
#[derive(Clone)]
pub struct Clock {
    anchor: Instant,
    anchor_unix_ms: u64,
}

impl Clock {
    /// A clock that starts now. `unix_ms` is what the wall clock shall say now; read from the machine if absent.
    pub fn start(unix_ms: Option<u64>) -> Clock {
        Clock { anchor: Instant::now(), anchor_unix_ms: unix_ms.unwrap_or_else(machine_unix_ms) }
    }

    /// Now, on the monotonic clock.
    pub fn now(&self) -> Monotonic {
        let passed = Instant::now().saturating_duration_since(self.anchor);
        Monotonic(passed.as_secs() * 1_000_000_000 + u64::from(passed.subsec_nanos()))
    }

    /// Now, in milliseconds since 1970. Never goes back, and does not follow later changes of the machine's clock.
    pub fn unix_ms(&self) -> u64 {
        self.unix_ms_at(self.now())
    }

    /// Microseconds since 1970: as exact as the monotonic clock from the process's start on.
    pub fn unix_micros(&self) -> u64 {
        self.anchor_unix_ms * 1000 + self.now().as_nanos() / 1000
    }

    /// The wall-clock time of a point on the monotonic clock.
    pub fn unix_ms_at(&self, at: Monotonic) -> u64 {
        self.anchor_unix_ms + at.as_nanos() / 1_000_000
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
#[allow(clippy::disallowed_methods, reason = "the anchor of the runtime's own clock")]
fn machine_unix_ms() -> u64 {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
