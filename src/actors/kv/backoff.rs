//! Pauses between attempts: longer each time, with jitter, until a deadline.

use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

/// The first pause.
const FIRST: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(500);
/// The longest pause before a region is asked again: its new leader may be there at any moment.
const LONGEST_FOR_REGION: Duration = Duration::from_millis(150);

/// The pauses of one request. Clones share the deadline and count on their own.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    deadline: Instant,
    /// When the attempt at hand began.
    resumed: Instant,
    attempts: u32,
}

impl Backoff {
    /// Pauses for at most `total`, all together.
    pub(super) fn new(total: Duration) -> Backoff {
        let now = Instant::now();
        Backoff { deadline: now + total, resumed: now, attempts: 0 }
    }

    /// The attempt at hand was answered, however long that took: its time does not count.
    pub(super) fn forgive(&mut self) {
        let now = Instant::now();
        self.deadline += now - self.resumed;
        self.resumed = now;
    }

    /// Waits before the next attempt; `false` when the time is up.
    pub(super) async fn pause(&mut self, rng: &Mutex<ChaCha8Rng>) -> bool {
        self.pause_at_most(rng, LONGEST).await
    }

    /// Waits before a region is asked again that could not serve; `false` when the time is up.
    pub(super) async fn pause_for_region(&mut self, rng: &Mutex<ChaCha8Rng>) -> bool {
        self.pause_at_most(rng, LONGEST_FOR_REGION).await
    }

    /// Like [`Backoff::pause`], not longer than `most` this time.
    pub(super) async fn pause_at_most(&mut self, rng: &Mutex<ChaCha8Rng>, most: Duration) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let full = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST).min(most);
        let jitter = rng.lock().random_range(0.5..1.0);
        self.attempts += 1;
        tokio::time::sleep(full.mul_f64(jitter).min(left)).await;
        self.resumed = Instant::now();
        true
    }

    /// Whether nothing has been tried again yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.attempts == 0
    }

    /// Counts an attempt that follows at once.
    pub(super) fn skip(&mut self) {
        self.attempts += 1;
    }
}
