//! The worker of a node with role `stats`: looks for tables whose statistics are missing or old, and reads them.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tracing::warn;

use super::round::{AnalyzeParts, Progress, Round};
use crate::actors::runtime::{Actor, Context, MailboxOptions, Overflow, Supervision};

/// Analyzes tables. Has no messages, only its own ticks; all it knows is in the store.
pub struct StatsWorker {
    parts: AnalyzeParts,
    running: bool,
    progress: Arc<Mutex<Progress>>,
}

impl StatsWorker {
    /// A worker; it first looks when an interval has passed.
    pub fn new(parts: AnalyzeParts) -> StatsWorker {
        StatsWorker { parts, running: false, progress: Arc::default() }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.running, true) {
            return;
        }
        let clock = ctx.system().clock().clone();
        let round = Round::new(self.parts.clone(), clock, self.progress.clone());
        ctx.spawn_then(async move { round.run().await }, |this: &mut Self, ran, _| {
            this.running = false;
            let mut progress = this.progress.lock();
            progress.table = None;
            progress.waiting = 0;
            if let Err(error) = ran {
                warn!(%error, "failed to look for tables to analyze");
                progress.failed(&error);
            }
        });
    }
}

impl Actor for StatsWorker {
    const KIND: &'static str = "stats-worker";

    fn mailbox() -> MailboxOptions {
        // It gets no messages but those of the runtime.
        MailboxOptions { capacity: 1, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.parts.every, Self::look);
    }

    fn observe(&self) -> Value {
        json!({ "running": self.running, "progress": *self.progress.lock() })
    }
}
