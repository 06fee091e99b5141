//! The actor: collect, write, answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::messages::{Apply, Completion, ForgetRegion, RegisterRegion};
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::actors::store::region_peer::{AppliedReport, PeerHandle, Report};
use crate::common::{LogIndex, RegionId, Term};
use crate::storage::engine::{Engine, WriteBatch};
use crate::storage::raft::LogPosition;
use crate::storage::region::apply::{AppliedEntry, ApplyCore, Outcome};
use crate::storage::txn::RegionError;

/// A batch is written when it has this many operations even if more is waiting.
const BATCH_OPS: usize = 8192;

/// Applies the entries of its share of a store's regions.
pub struct Applier {
    kv: Arc<dyn Engine>,
    regions: HashMap<RegionId, (ApplyCore, PeerHandle), ahash::RandomState>,
    batch: WriteBatch,
    must_sync: bool,
    completions: Vec<(Completion, Option<RegionError>)>,
    reports: BTreeMap<RegionId, AppliedReport>,
    figures: Figures,
}

#[derive(Default)]
struct Figures {
    entries: u64,
    writes: u64,
}

impl Applier {
    /// An applier into this engine.
    pub fn new(kv: Arc<dyn Engine>) -> Applier {
        Applier {
            kv,
            regions: HashMap::default(),
            batch: WriteBatch::new(),
            must_sync: false,
            completions: Vec::new(),
            reports: BTreeMap::new(),
            figures: Figures::default(),
        }
    }

    fn apply(&mut self, message: Apply) {
        let region_id = message.region_id;
        let Some((core, _)) = self.regions.get_mut(&region_id) else {
            panic!("entries of region {region_id}, which is not registered");
        };
        let report = self.reports.entry(region_id).or_default();
        for committed in message.entries {
            let entry = committed.entry;
            let applied = core
                .apply(LogIndex(entry.index), &entry.data, &mut self.batch)
                .unwrap_or_else(|error| panic!("{error}"));
            self.figures.entries += 1;
            report.index = LogIndex(entry.index);
            report.term = Term(entry.term);
            report.bytes += applied.bytes;
            report.keys += applied.keys;
            let refusal = note(report, &mut self.must_sync, applied);
            if let Some(completion) = committed.waiter {
                report.commands.push((completion.command, refusal.clone()));
                self.completions.push((completion, refusal));
            }
        }
    }

    fn flush(&mut self) {
        if self.reports.is_empty() {
            return;
        }
        for region_id in self.reports.keys() {
            self.regions[region_id].0.put_state(&mut self.batch);
        }
        let batch = std::mem::take(&mut self.batch);
        if let Err(error) = self.kv.write(batch, self.must_sync) {
            // Escalates: part of it may be there, and the log must be applied again from the start.
            panic!("failed to apply entries: {error}");
        }
        self.figures.writes += 1;
        self.must_sync = false;
        for (completion, refusal) in self.completions.drain(..) {
            complete(completion, refusal);
        }
        for (region_id, report) in std::mem::take(&mut self.reports) {
            self.regions[&region_id].1.report(Report::Applied(Box::new(report)));
        }
    }
}

/// Notes what of an entry's outcome the peer must know; answers why the entry is void, if it is.
fn note(
    report: &mut AppliedReport,
    must_sync: &mut bool,
    applied: AppliedEntry,
) -> Option<RegionError> {
    match applied.outcome {
        Ok(Outcome::Noop | Outcome::Written) => None,
        Ok(Outcome::Split(split)) => {
            report.splits.push(split);
            None
        }
        Ok(Outcome::Compacted { index, term }) => {
            // What the log no longer holds must be in the kv engine for good.
            *must_sync = true;
            report.compacted = Some(LogPosition { index, term });
            None
        }
        Err(error) => Some(error),
    }
}

/// Answers the client of an applied entry.
fn complete(completion: Completion, refusal: Option<RegionError>) {
    // Readers that come because of the answer must not meet the memory locks.
    drop(completion.guard);
    if let Some((reply, response)) = completion.answer {
        reply.send(match refusal {
            None => Ok(response),
            Some(error) => Err(error.into()),
        });
    }
}

impl Actor for Applier {
    const KIND: &'static str = "applier";

    /// Peers refuse clients long before this is full, so entries are never turned away.
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
            "regions": self.regions.len(),
            "entries": self.figures.entries,
            "writes": self.figures.writes,
        })
    }
}

impl Handler<RegisterRegion> for Applier {
    fn handle(&mut self, message: RegisterRegion, _reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        let core = ApplyCore::new(message.region, message.state);
        self.regions.insert(core.region().id, (core, message.peer));
    }
}

impl Handler<ForgetRegion> for Applier {
    fn handle(&mut self, message: ForgetRegion, _reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.flush();
        self.regions.remove(&message.region_id);
    }
}

impl Handler<Apply> for Applier {
    fn handle(&mut self, message: Apply, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.apply(message);
        if ctx.mailbox_len() == 0 || self.batch.ops.len() >= BATCH_OPS {
            self.flush();
        }
    }
}
