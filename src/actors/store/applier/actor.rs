//! The actor: collect, write, answer.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use raft::eraftpb::{Entry, EntryType};
use serde_json::{Value, json};

use super::messages::{AfterForget, Apply, Completion, ForgetRegion, RegisterRegion, SourceReady};
use crate::actors::runtime::{
    Actor, Address, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::actors::store::gc::Reclaim;
use crate::actors::store::region_peer::{AppliedReport, PeerHandle, Report};
use crate::common::{LogIndex, RegionId, Term};
use crate::storage::engine::{Engine, WriteBatch};
use crate::storage::raft::{Committed, LogPosition};
use crate::storage::region::apply::{AppliedEntry, ApplyCore, Outcome, Step};
use crate::storage::region::state::{self, PeerState};
use crate::storage::txn::RegionError;

/// A batch is written when it has this many operations even if more is waiting.
const BATCH_OPS: usize = 8192;

/// Applies the entries of its share of a store's regions.
pub struct Applier {
    kv: Arc<dyn Engine>,
    regions: HashMap<RegionId, Applied, ahash::RandomState>,
    batch: WriteBatch,
    must_sync: bool,
    completions: Vec<(Completion, Option<RegionError>)>,
    reports: BTreeMap<RegionId, AppliedReport>,
    figures: Figures,
    /// How often the store has written something.
    written: Arc<AtomicU64>,
    reclaim: Address<Reclaim>,
}

/// A region and what waits for it.
struct Applied {
    core: ApplyCore,
    peer: PeerHandle,
    /// Entries behind one that waits for the source of a merge, that one first.
    parked: VecDeque<Committed<Completion>>,
}

#[derive(Default)]
struct Figures {
    entries: u64,
    writes: u64,
}

impl Applier {
    /// An applier into this engine.
    pub fn new(kv: Arc<dyn Engine>, written: Arc<AtomicU64>, reclaim: Address<Reclaim>) -> Applier {
        Applier {
            kv,
            regions: HashMap::default(),
            batch: WriteBatch::new(),
            must_sync: false,
            completions: Vec::new(),
            reports: BTreeMap::new(),
            figures: Figures::default(),
            written,
            reclaim,
        }
    }

    fn apply(&mut self, message: Apply) {
        let region_id = message.region_id;
        let Some(applied) = self.regions.get_mut(&region_id) else {
            panic!("entries of region {region_id}, which is not registered");
        };
        if applied.parked.is_empty() {
            self.apply_entries(region_id, message.entries.into());
        } else {
            applied.parked.extend(message.entries);
        }
    }

    fn apply_entries(&mut self, region_id: RegionId, mut entries: VecDeque<Committed<Completion>>) {
        let Applied { core, peer, parked } =
            self.regions.get_mut(&region_id).expect("the caller has looked it up");
        while let Some(committed) = entries.pop_front() {
            if core.is_removed() {
                // What comes after its removal is no replica's here.
                return;
            }
            let entry = &committed.entry;
            let step = core
                .apply(LogIndex(entry.index), payload(entry), &mut self.batch)
                .unwrap_or_else(|error| panic!("{error}"));
            let applied = match step {
                Step::Applied(applied) => applied,
                Step::AwaitSource(source) => {
                    peer.report(Report::AwaitSource(source));
                    entries.push_front(committed);
                    *parked = entries;
                    return;
                }
            };
            self.figures.entries += 1;
            let report = self.reports.entry(region_id).or_default();
            report.index = LogIndex(entry.index);
            report.term = Term(entry.term);
            report.bytes += applied.bytes;
            report.keys += applied.keys;
            let refusal = note(report, &mut self.must_sync, applied, entry);
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
            // A removed replica's state goes when its data goes.
            self.regions[region_id].core.put_state(&mut self.batch);
        }
        let batch = std::mem::take(&mut self.batch);
        let deleted = Reclaim::of(&batch);
        if let Err(error) = self.kv.write(batch, self.must_sync) {
            // Escalates: part of it may be there, and the log must be applied again from the start.
            panic!("failed to apply entries: {error}");
        }
        self.written.fetch_add(1, Ordering::Relaxed);
        if let Some(deleted) = deleted {
            let _ = self.reclaim.tell(deleted);
        }
        self.figures.writes += 1;
        self.must_sync = false;
        for (completion, refusal) in self.completions.drain(..) {
            complete(completion, refusal);
        }
        for (region_id, report) in std::mem::take(&mut self.reports) {
            self.regions[&region_id].peer.report(Report::Applied(Box::new(report)));
        }
    }
}

/// What the state machine reads of an entry: of a change of members, what stands beside it.
fn payload(entry: &Entry) -> &[u8] {
    match entry.get_entry_type() {
        EntryType::EntryNormal => &entry.data,
        EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => &entry.context,
    }
}

/// Notes what of an entry's outcome the peer must know; answers why the entry is void, if it is.
fn note(
    report: &mut AppliedReport,
    must_sync: &mut bool,
    applied: AppliedEntry,
    entry: &Entry,
) -> Option<RegionError> {
    match applied.outcome {
        Ok(Outcome::Noop | Outcome::Written) => None,
        Ok(Outcome::Compacted { index, term }) => {
            // What the log no longer holds must be in the kv engine for good.
            *must_sync = true;
            report.compacted = Some(LogPosition { index, term });
            None
        }
        Ok(outcome) => {
            // Logs are removed after these, and with them what could apply the entry again.
            *must_sync |= matches!(outcome, Outcome::Removed(_) | Outcome::MergeCommitted { .. });
            let change = match outcome {
                Outcome::PeersChanged(_) => entry.data.to_vec(),
                _ => Vec::new(),
            };
            report.outcomes.push((outcome, change));
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
        let core =
            ApplyCore::new(message.region, message.state, message.peer_id).merging(message.merging);
        let region_id = core.region().id;
        let applied = Applied { core, peer: message.peer, parked: VecDeque::new() };
        self.regions.insert(region_id, applied);
    }
}

impl Handler<ForgetRegion> for Applier {
    fn handle(&mut self, message: ForgetRegion, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.flush();
        self.regions.remove(&message.region_id);
        let mut batch = WriteBatch::new();
        match message.then {
            AfterForget::Keep => {}
            AfterForget::Merged { tombstone } => {
                state::put_region(&mut batch, &tombstone, PeerState::Tombstone { merged: true });
                state::delete_apply_state(&mut batch, message.region_id);
            }
            AfterForget::Destroy { tombstone, data } => {
                state::put_region(&mut batch, &tombstone, PeerState::Tombstone { merged: false });
                state::delete_apply_state(&mut batch, message.region_id);
                if let Some(range) = data {
                    state::delete_data(&mut batch, &range.start_key, &range.end_key);
                }
            }
        }
        if !batch.is_empty()
            && let Err(error) = self.kv.write(batch, true)
        {
            panic!("failed to let go of region {}: {error}", message.region_id);
        }
        reply.send(());
    }
}

impl Handler<SourceReady> for Applier {
    fn handle(&mut self, message: SourceReady, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        // Forgotten, if the target was removed or replaced by a snapshot meanwhile.
        let Some(applied) = self.regions.get_mut(&message.region_id) else { return };
        applied.core.source_is_ready(message.source, message.commit);
        let parked = std::mem::take(&mut applied.parked);
        self.apply_entries(message.region_id, parked);
        if ctx.mailbox_len() == 0 || self.batch.ops.len() >= BATCH_OPS {
            self.flush();
        }
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
