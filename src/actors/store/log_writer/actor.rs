//! The actor: collect, write, report.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::messages::{DestroyLog, TruncateLog, WriteLog};
use super::metrics;
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::actors::store::region_peer::{PeerHandle, Report};
use crate::storage::engine::{Engine, WriteBatch};

/// A batch is written when it has this many operations even if more is waiting.
const BATCH_OPS: usize = 1024;

/// Writes the logs of all regions of a store.
pub struct LogWriter {
    raft: Arc<dyn Engine>,
    batch: WriteBatch,
    must_sync: bool,
    reports: Vec<(PeerHandle, Report)>,
    figures: Figures,
    /// How often the store has written something.
    written: Arc<AtomicU64>,
}

#[derive(Default)]
struct Figures {
    writes: u64,
    syncs: u64,
    largest_batch: usize,
}

impl LogWriter {
    /// A writer of the logs in this engine.
    pub fn new(raft: Arc<dyn Engine>, written: Arc<AtomicU64>) -> LogWriter {
        LogWriter {
            raft,
            batch: WriteBatch::new(),
            must_sync: false,
            reports: Vec::new(),
            figures: Figures::default(),
            written,
        }
    }

    fn flush_if_drained(&mut self, ctx: &Context<Self>) {
        if ctx.mailbox_len() == 0 || self.batch.ops.len() >= BATCH_OPS {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return;
        }
        let began = Instant::now();
        if let Err(error) = self.raft.write(batch, self.must_sync) {
            // Escalates: see the module's documentation.
            panic!("failed to write the raft log: {error}");
        }
        self.written.fetch_add(1, Ordering::Relaxed);
        if self.must_sync {
            metrics::record(began.elapsed(), self.reports.len());
        }
        self.figures.syncs += u64::from(self.must_sync);
        self.figures.largest_batch = self.figures.largest_batch.max(self.reports.len());
        self.must_sync = false;
        for (peer, report) in self.reports.drain(..) {
            peer.report(report);
        }
    }
}

impl Actor for LogWriter {
    const KIND: &'static str = "log-writer";

    /// Peers refuse clients long before this is full, so a write is never turned away.
    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 20, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::escalate()
    }

    fn stopping(&mut self, _ctx: &mut Context<Self>) {
        self.flush();
    }

    fn observe(&self) -> Value {
        json!({
            "writes": self.figures.writes,
            "syncs": self.figures.syncs,
            "largest_batch": self.figures.largest_batch,
        })
    }
}

impl Handler<WriteLog> for LogWriter {
    fn handle(&mut self, message: WriteLog, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let WriteLog { write, peer } = message;
        self.figures.writes += 1;
        self.must_sync = true;
        self.batch.ops.extend(write.batch.ops);
        let report = Report::Persisted { number: write.number, last: write.last };
        self.reports.push((peer, report));
        self.flush_if_drained(ctx);
    }
}

impl Handler<TruncateLog> for LogWriter {
    fn handle(&mut self, message: TruncateLog, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.batch.ops.extend(message.batch.ops);
        self.flush_if_drained(ctx);
    }
}

impl Handler<DestroyLog> for LogWriter {
    fn handle(&mut self, message: DestroyLog, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.batch.ops.extend(message.batch.ops);
        self.flush();
        reply.send(());
    }
}
