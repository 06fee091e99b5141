//! Giving the space of deleted ranges back.
//!
//! A range that is deleted around transactions (what a dropped table leaves) stays in the engine's files until they are
//! rewritten, which may be never. Each replica has it done as soon as the deletion is applied. From time to time it also has values
//! rewritten many of whose neighbours are garbage that was collected.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{info, warn};

use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::message;
use crate::storage::engine::{Cf, Engine, WriteBatch, WriteOp};

/// Ranges wholly deleted, in which nothing will be written any more.
#[derive(Clone, Debug)]
pub struct Reclaim {
    ranges: Vec<(Vec<u8>, Vec<u8>)>,
}
message!(Reclaim => (), "Reclaim");

impl Reclaim {
    /// The ranges that a batch about to be written deletes; `None` if it deletes none.
    pub fn of(batch: &WriteBatch) -> Option<Reclaim> {
        let range = |op: &WriteOp| match op {
            WriteOp::DeleteRange(Cf::Write, start, end) => Some((start.clone(), end.clone())),
            _ => None,
        };
        let ranges: Vec<_> = batch.ops.iter().filter_map(range).collect();
        (!ranges.is_empty()).then_some(Reclaim { ranges })
    }
}

/// Has the engine give space back, on its own thread.
pub struct Reclaimer {
    kv: Arc<dyn Engine>,
    interval: Duration,
    reclaimed: u64,
    tidied: usize,
}

impl Reclaimer {
    /// A reclaimer of this engine's space, which looks around once in `interval`.
    pub fn new(kv: Arc<dyn Engine>, interval: Duration) -> Reclaimer {
        Reclaimer { kv, interval, reclaimed: 0, tidied: 0 }
    }

    /// Long values are kept apart, so the default family is where space is to be had.
    fn tidy(&mut self, _ctx: &mut Context<Reclaimer>) {
        match self.kv.tidy(Cf::Default) {
            Ok(0) => {}
            Ok(ranges) => {
                self.tidied += ranges;
                info!(ranges, "gave the space of deleted rows back");
            }
            Err(error) => warn!(%error, "failed to give the space of deleted rows back"),
        }
    }
}

impl Actor for Reclaimer {
    const KIND: &'static str = "reclaimer";

    /// What does not fit is given back whenever the engine comes to it.
    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 14, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.interval, Self::tidy);
    }

    fn observe(&self) -> Value {
        json!({ "reclaimed_ranges": self.reclaimed, "tidied_ranges": self.tidied })
    }
}

impl Handler<Reclaim> for Reclaimer {
    fn handle(&mut self, message: Reclaim, _reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        for (start, end) in message.ranges {
            for cf in [Cf::Default, Cf::Write] {
                if let Err(error) = self.kv.reclaim(cf, &start, &end) {
                    warn!(%error, "failed to give the space of a deleted range back");
                }
            }
            self.reclaimed += 1;
            info!("gave the space of a deleted range back");
        }
    }
}
