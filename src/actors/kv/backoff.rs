//! Pauses between attempts: longer each time, with jitter, until a deadline.

use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use crate::common::retry::{self, Effect, Unit};

/// Whoever wakes up so much later than he wanted did not run meanwhile: neither did his patience.
const OVERSLEPT: Duration = Duration::from_millis(500);

/// The pauses of one request. Clones share the deadline and count on their own.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    deadline: Instant,
    /// When the attempt at hand began.
    resumed: Instant,
    attempts: u32,
    /// It has got more time already.
    is_extended: bool,
}

impl Backoff {
    /// Pauses for at most `total`, all together.
    pub(super) fn new(total: Duration) -> Backoff {
        let now = Instant::now();
        Backoff { deadline: now + total, resumed: now, attempts: 0, is_extended: false }
    }

    /// The same without more time for a question whose answer decides.
    pub(super) fn unextended(total: Duration) -> Backoff {
        Backoff { is_extended: true, ..Backoff::new(total) }
    }

    /// The attempt at hand was answered, however long that took: its time does not count.
    pub(super) fn forgive(&mut self) {
        self.forgive_beyond(Duration::ZERO);
    }

    /// Of the time of the attempt at hand no more than `most` counts: beyond that the other side was at work, or this process was
    /// not.
    pub(super) fn forgive_beyond(&mut self, most: Duration) {
        let now = Instant::now();
        self.deadline += (now - self.resumed).saturating_sub(most);
        self.resumed = now;
    }

    /// There are `total` from now on, once: a question whose answer decides is asked for longer.
    pub(super) fn extend(&mut self, total: Duration) {
        if !std::mem::replace(&mut self.is_extended, true) {
            self.deadline = self.deadline.max(Instant::now() + total);
        }
    }

    /// Waits before the next attempt; `false` when the time is up.
    pub(super) async fn pause(&mut self, rng: &Mutex<ChaCha8Rng>) -> bool {
        self.pause_at_most(rng, Duration::MAX).await
    }

    /// Waits before a region is asked again that could not serve; `false` when the time is up.
    pub(super) async fn pause_for_region(
        &mut self,
        rng: &Mutex<ChaCha8Rng>,
        effect: Effect,
    ) -> bool {
        self.pause_at_most(rng, retry::pause(Unit::Request(effect), self.attempts)).await
    }

    /// Like [`Backoff::pause`], not longer than `most` this time.
    pub(super) async fn pause_at_most(&mut self, rng: &Mutex<ChaCha8Rng>, most: Duration) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let full = retry::growing(self.attempts).min(most);
        let jitter = rng.lock().random_range(0.5..1.0);
        self.attempts += 1;
        let until = Instant::now() + full.mul_f64(jitter).min(left);
        tokio::time::sleep_until(until).await;
        self.resumed = Instant::now();
        let late = self.resumed.saturating_duration_since(until);
        if late > OVERSLEPT {
            self.deadline += late;
        }
        true
    }

    /// How many attempts there were, with the one at hand.
    pub(super) fn runs(&self) -> usize {
        self.attempts as usize + 1
    }

    /// Counts an attempt that follows at once.
    pub(super) fn skip(&mut self) {
        self.attempts += 1;
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_an_attempt_counts_as_far_as_is_said_and_more_is_given_once() {
        let rng = Mutex::new(ChaCha8Rng::seed_from_u64(1));
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(10 * second);
        for _ in 0..3 {
            // As after SIGSTOP and SIGCONT.
            advance(60 * second).await;
            backoff.forgive_beyond(3 * second);
            assert!(backoff.pause(&rng).await);
        }
        advance(60 * second).await;
        backoff.forgive_beyond(3 * second);
        assert!(!backoff.pause(&rng).await, "four times three seconds are more than ten");
        backoff.extend(5 * second);
        assert!(backoff.pause(&rng).await);
        advance(5 * second).await;
        backoff.extend(5 * second);
        assert!(!backoff.pause(&rng).await);
    }
}
