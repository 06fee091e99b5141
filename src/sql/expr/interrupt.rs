//! What ends a statement before it is done.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

use futures::task::AtomicWaker;

use crate::common::{Fault, SqlResult};

/// Why a statement is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptReason {
    /// KILL, or a client that is gone: error 1317.
    Killed,
    /// `max_execution_time` is over: error 3024.
    Timeout,
}

/// Shared by a statement's computing and by whoever may end it; looking at it costs one load.
///
/// It has no clock: who has one says when the time is over.
#[derive(Debug, Default)]
pub struct Interrupt {
    state: AtomicU8,
    /// Wakes the statement.
    waker: AtomicWaker,
}

const RUNNING: u8 = 0;
const KILLED: u8 = 1;
const TIMEOUT: u8 = 2;

impl Interrupt {
    /// Ends the statement; of several reasons the first one counts.
    pub fn raise(&self, reason: InterruptReason) {
        let reason = match reason {
            InterruptReason::Killed => KILLED,
            InterruptReason::Timeout => TIMEOUT,
        };
        // Whoever lost the race has nothing to add.
        let _ = self.state.compare_exchange(RUNNING, reason, Ordering::Release, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Another statement begins.
    pub fn clear(&self) {
        self.state.store(RUNNING, Ordering::Relaxed);
    }

    /// Why the statement is to end, if it is.
    pub fn reason(&self) -> Option<InterruptReason> {
        match self.state.load(Ordering::Acquire) {
            RUNNING => None,
            TIMEOUT => Some(InterruptReason::Timeout),
            _ => Some(InterruptReason::Killed),
        }
    }

    /// Resolves when the statement is to end. One task waits for that at a time: the statement's.
    pub fn raised(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(|cx| {
            // Before looking, so that no reason is missed.
            self.waker.register(cx.waker());
            if self.reason().is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    /// The error the statement ends with, if it is to end.
    pub fn check(&self) -> SqlResult<()> {
        match self.reason() {
            None => Ok(()),
            Some(InterruptReason::Killed) => Err(Fault::Interrupted.into()),
            Some(InterruptReason::Timeout) => Err(Fault::TimedOut.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::errno;

    #[test]
    fn the_first_reason_counts() {
        let interrupt = Interrupt::default();
        assert!(interrupt.check().is_ok());
        interrupt.raise(InterruptReason::Timeout);
        interrupt.raise(InterruptReason::Killed);
        assert_eq!(interrupt.check().map_err(|error| error.code), Err(errno::QUERY_TIMEOUT));
        interrupt.clear();
        interrupt.raise(InterruptReason::Killed);
        assert_eq!(interrupt.check().map_err(|error| error.code), Err(errno::QUERY_INTERRUPTED));
    }
}
