//! What the admin endpoint counts of itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::http::ENDPOINTS;

/// Requests by endpoint and outcome. Shared by the actor, which shows them, and the server, which
/// counts.
#[derive(Debug)]
pub(super) struct Counts {
    by_endpoint: Vec<AtomicU64>,
    unknown: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    open_traces: AtomicUsize,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            by_endpoint: ENDPOINTS.iter().map(|_| AtomicU64::new(0)).collect(),
            unknown: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            open_traces: AtomicUsize::new(0),
        }
    }
}

impl Counts {
    /// A request to the endpoint with this pattern, if it is one, was answered with this status.
    pub(super) fn count(&self, pattern: Option<&str>, status: u16) {
        let at = ENDPOINTS.iter().position(|endpoint| Some(endpoint.pattern) == pattern);
        let endpoint = at.map_or(&self.unknown, |at| &self.by_endpoint[at]);
        endpoint.fetch_add(1, Ordering::Relaxed);
        match status {
            400..500 => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
            500.. => drop(self.failed.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    /// One more open trace, unless there are `most` already.
    pub(super) fn open_trace(&self, most: usize) -> bool {
        let more = |open: usize| (open < most).then_some(open + 1);
        self.open_traces.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// One open trace less.
    pub(super) fn close_trace(&self) {
        self.open_traces.fetch_sub(1, Ordering::Relaxed);
    }

    /// As `/actors/node-1/admin` shows it.
    pub(super) fn show(&self) -> Value {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let requests: BTreeMap<&str, u64> = ENDPOINTS
            .iter()
            .zip(&self.by_endpoint)
            .map(|(endpoint, count)| (endpoint.path, read(count)))
            .filter(|(_, count)| *count > 0)
            .collect();
        json!({
            "requests": requests,
            "unknown_endpoint": read(&self.unknown),
            "answered_4xx": read(&self.refused),
            "answered_5xx": read(&self.failed),
            "open_traces": self.open_traces.load(Ordering::Relaxed),
        })
    }
}
