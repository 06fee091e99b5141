//! Cancelling the statement in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::Process;
use crate::common::{SqlError, errno};

/// What cancels a session's statements.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// Looked at by the statement's operators.
    pub(super) killed: Arc<AtomicBool>,
    cancel: Notify,
    shielded: AtomicBool,
}

impl Control {
    /// A statement begins: what was asked of the last one does not concern it.
    pub(super) fn begin(&self) {
        self.killed.store(false, Ordering::Relaxed);
    }

    /// Ends the statement in hand.
    pub(super) fn cancel(&self) {
        self.killed.store(true, Ordering::Relaxed);
        self.cancel.notify_waiters();
    }

    /// Resolves when the statement in hand is to end.
    pub(super) async fn cancelled(&self, process: &Process) {
        loop {
            tokio::select! {
                () = process.cancelled() => self.killed.store(true, Ordering::Relaxed),
                () = self.cancel.notified() => {}
            }
            // A commit is not stopped halfway: whoever asked would not know what came of it.
            if !self.shielded.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Until it is dropped nothing is cancelled.
    pub(super) fn shield(self: &Arc<Self>) -> Shield {
        self.shielded.store(true, Ordering::Relaxed);
        Shield(self.clone())
    }
}

/// Keeps a commit from being cancelled.
pub(super) struct Shield(Arc<Control>);

impl Drop for Shield {
    fn drop(&mut self) {
        self.0.shielded.store(false, Ordering::Relaxed);
    }
}

/// Error 1317.
pub(super) fn interrupted() -> SqlError {
    SqlError::new(errno::QUERY_INTERRUPTED, "Query execution was interrupted")
}
