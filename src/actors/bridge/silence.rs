//! How long a stream has been silent: decided here, from what comes over its connection.
//!
//! A frame is a sign of life, and so is every byte of one that is on its way: a large message may take longer to pass than a stream may be silent. And
//! a process that stood still, or was starved, has not listened meanwhile: such time is not the other side's silence.

use std::time::Duration;

use tokio::time::Instant;

use crate::actors::intake::Pulse;

/// One look at a stream counts no longer than so many times the pause between two.
const LOOK_MOST: u32 = 2;

/// The silence of one stream, looked at again and again.
pub(super) struct Silence {
    pulse: Pulse,
    /// The pause between two looks.
    every: Duration,
    beats: u64,
    looked: Instant,
    lasted: Duration,
}

impl Silence {
    /// Of a stream that has just spoken, and is looked at so often.
    pub(super) fn new(pulse: Pulse, every: Duration) -> Silence {
        let beats = pulse.beats();
        Silence { pulse, every, beats, looked: Instant::now(), lasted: Duration::ZERO }
    }

    /// A frame has come.
    pub(super) fn broken(&mut self) {
        self.lasted = Duration::ZERO;
        self.looked = Instant::now();
    }

    /// How long it has lasted by now.
    pub(super) fn look(&mut self) -> Duration {
        let (now, beats) = (Instant::now(), self.pulse.beats());
        if std::mem::replace(&mut self.beats, beats) != beats {
            self.lasted = Duration::ZERO;
        } else {
            self.lasted += (now - self.looked).min(self.every * LOOK_MOST);
        }
        self.looked = now;
        self.lasted
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const EVERY: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn bytes_end_it_and_time_in_which_nobody_looked_hardly_counts() {
        let pulse = Pulse::default();
        let mut silence = Silence::new(pulse.clone(), EVERY);
        for seconds in 1..=4 {
            advance(EVERY).await;
            assert_eq!(silence.look(), EVERY * seconds);
        }
        pulse.beat();
        advance(EVERY).await;
        assert_eq!(silence.look(), Duration::ZERO);
        advance(EVERY * 60).await;
        assert_eq!(silence.look(), EVERY * LOOK_MOST);
        silence.broken();
        advance(EVERY).await;
        assert_eq!(silence.look(), EVERY);
    }
}
