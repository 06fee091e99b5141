//! Ending the statement in hand before it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::Process;
use crate::common::{Fault, SqlError, SqlResult};
use crate::sql::expr::InterruptReason;

/// What ends a session's statements: KILL, the time limit, a client that is gone. All of them set the statement's interrupt, which
/// whatever computes looks at, and wake whatever waits.
#[derive(Debug)]
pub(super) struct Control {
    process: Arc<Process>,
    shielded: AtomicBool,
}

impl Control {
    pub(super) fn new(process: Arc<Process>) -> Control {
        Control { process, shielded: AtomicBool::new(false) }
    }

    /// A statement begins: what was asked of the last one does not concern it.
    pub(super) fn begin(&self) {
        self.process.begin();
    }

    /// Ends the statement in hand.
    pub(super) fn cancel(&self) {
        self.process.cancel(InterruptReason::Killed);
    }

    /// Error 1317 or 3024 if the statement in hand is to end.
    pub(super) fn check(&self) -> SqlResult<()> {
        self.process.interrupt().check()
    }

    /// Resolves when the statement in hand is to end, with the error it ends with.
    pub(super) async fn cancelled(&self) -> SqlError {
        loop {
            // Waits from here on, so that nothing is missed between the look and the wait.
            let cancelled = self.process.cancelled();
            // A commit is not stopped halfway: whoever asked would not know what came of it.
            if !self.shielded.load(Ordering::Relaxed)
                && let Err(error) = self.check()
            {
                return error;
            }
            cancelled.await;
        }
    }

    /// Resolves when the statement in hand is asked to end, shielded or not.
    pub(super) async fn asked(&self) {
        loop {
            let cancelled = self.process.cancelled();
            if self.check().is_err() {
                return;
            }
            cancelled.await;
        }
    }

    /// Until it is dropped nothing is cancelled.
    pub(super) fn shield(self: &Arc<Self>) -> Shield {
        self.shielded.store(true, Ordering::Relaxed);
        Shield(self.clone())
    }

    /// Ends the statement in hand with error 3024 after this time, unless the alarm is dropped before; zero: no limit.
    pub(super) fn alarm(&self, limit: Duration) -> Option<Alarm> {
        if limit.is_zero() {
            return None;
        }
        let process = self.process.clone();
        // A task of its own: the statement may compute on another thread when the time is over.
        let task = tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            process.cancel(InterruptReason::Timeout);
        });
        Some(Alarm(task.abort_handle()))
    }
}

/// Keeps a commit from being cancelled.
pub(super) struct Shield(Arc<Control>);

impl Drop for Shield {
    fn drop(&mut self) {
        self.0.shielded.store(false, Ordering::Relaxed);
    }
}

/// The time limit of a statement.
#[derive(Debug)]
pub(super) struct Alarm(AbortHandle);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Error 1317.
pub(super) fn interrupted() -> SqlError {
    Fault::Interrupted.into()
}
