//! What a failure means: pure decisions, taken by the cell that failed.

use std::{collections::VecDeque, time::Duration};

use super::clock::Monotonic;

/// What a panic of this kind of actor means when its supervisor decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Fresh state in the same cell, after a while; over the limit, [`OnFailure::Escalate`].
    Restart,
    /// The actor ends, and nothing else notices.
    Stop,
    /// The parent has failed too; at the root, the process aborts.
    Escalate,
}

/// How a kind of actor is supervised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// What to do with a failure.
    pub on_failure: OnFailure,
    /// So many restarts within `window` are borne; one more escalates.
    pub max_restarts: u32,
    /// The window of `max_restarts`.
    pub window: Duration,
    /// The wait before the first restart in a window; doubles with each further one.
    pub backoff: Duration,
    /// The longest wait before a restart.
    pub backoff_max: Duration,
}

impl Supervision {
    /// Restart: 5 times in 60 s, after 100 ms doubling to 10 s.
    pub fn restart() -> Supervision {
        Supervision {
            on_failure: OnFailure::Restart,
            max_restarts: 5,
            window: Duration::from_secs(60),
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
        }
    }

    /// Stop that actor only: a panic costs one connection.
    pub fn stop() -> Supervision {
        Supervision { on_failure: OnFailure::Stop, ..Supervision::restart() }
    }

    /// Escalate at once: for actors that guard data, whose state is in doubt after a panic.
    pub fn escalate() -> Supervision {
        Supervision { on_failure: OnFailure::Escalate, ..Supervision::restart() }
    }
}

/// The sentence on one failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Restart after this wait.
    Restart(Duration),
    /// Stop.
    Stop,
    /// Hand the failure to the parent.
    Escalate,
}

/// The restarts of one cell so far, as far as they still matter.
#[derive(Debug, Default)]
pub struct RestartHistory {
    recent: VecDeque<Monotonic>,
}

impl RestartHistory {
    /// Judges a failure at `now`, and remembers the restart if that is the verdict.
    pub fn judge(&mut self, supervision: &Supervision, now: Monotonic) -> Verdict {
        match supervision.on_failure {
            OnFailure::Stop => Verdict::Stop,
            OnFailure::Escalate => Verdict::Escalate,
            OnFailure::Restart => {
                while self.recent.front().is_some_and(|at| now.since(*at) >= supervision.window) {
                    self.recent.pop_front();
                }
                let in_window = self.recent.len();
                if in_window >= supervision.max_restarts as usize {
                    return Verdict::Escalate;
                }
                self.recent.push_back(now);
                let doublings = u32::try_from(in_window).unwrap_or(u32::MAX).min(30);
                let wait = supervision.backoff.saturating_mul(1 << doublings);
                Verdict::Restart(wait.min(supervision.backoff_max))
            }
        }
    }
}
