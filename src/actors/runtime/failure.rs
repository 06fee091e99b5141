//! Panics, caught and remembered.

use std::{any::Any, collections::VecDeque};

use parking_lot::Mutex;
use serde::Serialize;

use super::path::ActorPath;

/// How many failures a node remembers.
pub const FAILURES_KEPT: usize = 256;

/// One panic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Whose.
    pub path: ActorPath,
    /// The kind of actor.
    pub kind: &'static str,
    /// The message in hand, or what else ran: `started`, `stopping`, `task`, `timer`.
    pub message: &'static str,
    /// What the panic said.
    pub panic: String,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
}

/// The last failures of a node, oldest first.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    kept: Mutex<VecDeque<Failure>>,
}

impl FailureLog {
    pub(super) fn record(&self, failure: Failure) {
        let mut kept = self.kept.lock();
        if kept.len() == FAILURES_KEPT {
            kept.pop_front();
        }
        kept.push_back(failure);
    }

    pub(super) fn list(&self) -> Vec<Failure> {
        self.kept.lock().iter().cloned().collect()
    }
}

/// The text of a panic, as far as it has one.
pub(super) fn panic_text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a text".to_owned()
    }
}
