//! What the region does to itself: splits, and compactions of its log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tracing::{debug, info};

use super::actor::{RegionPeer, Waiting};
use crate::actors::pd::PdResult;
use crate::actors::runtime::{Context, ReplyTo};
use crate::actors::store::applier::Completion;
use crate::actors::store::log_writer::TruncateLog;
use crate::actors::store::split_checker::{CheckSplit, CutAt, SplitCheck};
use crate::actors::store::store::RegionChanged;
use crate::actors::store::store::{CreatePeers, NewRegion};
use crate::storage::mvcc::KeyRange;
use crate::storage::raft::LogPosition;
use crate::storage::region::check::is_valid_bound;
use crate::storage::region::entry::{RegionCommand, encode};
use crate::storage::region::split::{Cut, SplitIds};
use crate::storage::region::{Region, SplitOutcome};
use crate::storage::txn::{Busy, CommandId, RegionError, RequestError};

/// How long a scan for split keys may take.
const CHECK_DEADLINE: Duration = Duration::from_secs(300);
/// How long the Store may take to start peers.
const CREATE_DEADLINE: Duration = Duration::from_secs(60);

pub(super) type SplitReply = ReplyTo<Result<Vec<Region>, RequestError>>;

/// A split on its way.
struct SplitJob {
    /// Set once it is proposed.
    command: Option<CommandId>,
    /// It is committed; the region it describes will soon be another.
    committed: bool,
    reply: Option<SplitReply>,
}

/// What the region is doing to itself.
#[derive(Default)]
pub(super) struct AdminState {
    split: Option<SplitJob>,
    compaction: Option<CommandId>,
    /// Bytes applied since the log was compacted.
    log_bytes: u64,
    /// Bytes applied since the region was scanned.
    unscanned_bytes: u64,
    /// Keys applied since the region was scanned.
    unscanned_keys: u64,
    /// Whether the size shown comes from a scan, rather than only from what was written since the
    /// start.
    is_scanned: bool,
    scanning: bool,
}

impl AdminState {
    /// Bytes, and keys, were applied.
    pub(super) fn grew(&mut self, bytes: u64, keys: u64) {
        self.log_bytes += bytes;
        self.unscanned_bytes += bytes;
        self.unscanned_keys += keys;
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.split.is_none() && self.compaction.is_none() && !self.scanning
    }

    /// Whether the region is being split.
    pub(super) fn is_splitting(&self) -> bool {
        self.split.is_some()
    }

    pub(super) fn is_split(&self, command: CommandId) -> bool {
        self.split.as_ref().is_some_and(|job| job.command == Some(command))
    }

    pub(super) fn is_split_committed(&self) -> bool {
        self.split.as_ref().is_some_and(|job| job.committed)
    }

    pub(super) fn set_split_committed(&mut self) {
        if let Some(job) = &mut self.split {
            job.committed = true;
        }
    }

    /// Leadership is lost: what is under way goes on without whoever asked.
    pub(super) fn clear(&mut self, error: &RegionError) {
        if let Some(SplitJob { reply: Some(reply), .. }) = self.split.take() {
            reply.send(Err(error.clone().into()));
        }
        self.compaction = None;
    }
}

impl RegionPeer {
    /// Starts a split at encoded keys.
    pub(super) fn split_at(
        &mut self,
        mut keys: Vec<Bytes>,
        reply: Option<SplitReply>,
        ctx: &mut Context<Self>,
    ) {
        keys.sort();
        keys.dedup();
        keys.retain(|key| *key != self.region.start_key);
        let refusal = if !self.core.is_ready() {
            Some(self.not_leader())
        } else if keys.iter().any(|key| !self.region.contains(key) || !is_valid_bound(key)) {
            Some(RegionError::KeyNotInRegion(self.id()))
        } else if self.admin.split.is_some() {
            Some(RegionError::ServerIsBusy(Busy::Splitting))
        } else {
            self.is_occupied().map(RegionError::ServerIsBusy)
        };
        if let Some(error) = refusal {
            respond(reply, Err(error.into()));
            return;
        }
        if keys.is_empty() {
            respond(reply, Ok(vec![self.region.clone()]));
            return;
        }
        self.wake_up();
        self.admin.split = Some(SplitJob { command: None, committed: false, reply });
        let (pd, region) = (Arc::clone(&self.shared.parts.pd), self.region.clone());
        let count = keys.len();
        let ids = async move { pd.ask_batch_split(region, count).await };
        let epoch = self.region.epoch;
        ctx.spawn_then(ids, move |this: &mut Self, ids, ctx| {
            if this.region.epoch == epoch && this.core.is_ready() {
                this.propose_split(keys, ids, ctx);
            } else {
                this.end_split(Err(RegionError::EpochNotMatch(this.id()).into()));
            }
            this.flush_if_drained(ctx);
        });
    }

    fn propose_split(
        &mut self,
        keys: Vec<Bytes>,
        ids: PdResult<Vec<SplitIds>>,
        ctx: &mut Context<Self>,
    ) {
        let ids = match ids {
            Ok(ids) if ids.len() == keys.len() => ids,
            Ok(_) => {
                self.end_split(Err(RequestError::Refused("too few ids for a split".to_owned())));
                return;
            }
            Err(error) => {
                debug!(%error, region_id = %self.id(), "failed to get ids for a split");
                let busy = RegionError::ServerIsBusy(Busy::NoIds);
                self.end_split(Err(busy.into()));
                return;
            }
        };
        let cuts = keys.into_iter().zip(ids).map(|(key, ids)| Cut { key, ids });
        let command = RegionCommand::Split { cuts: cuts.collect(), right_derive: true };
        match self.propose_admin(command, ctx) {
            Some(id) => {
                if let Some(job) = &mut self.admin.split {
                    job.command = Some(id);
                }
            }
            None => self.end_split(Err(RegionError::ServerIsBusy(Busy::Log).into())),
        }
    }

    pub(super) fn propose_admin(
        &mut self,
        command: RegionCommand,
        ctx: &mut Context<Self>,
    ) -> Option<CommandId> {
        self.wake_up();
        let id = self.next_id();
        let data = encode(self.region.context(), command);
        let completion = Completion { command: id, answer: None, guard: None };
        self.core.propose(data, Waiting::Entry(completion), Self::now(ctx)).ok().map(|_| id)
    }

    fn end_split(&mut self, result: Result<Vec<Region>, RequestError>) {
        if let Some(job) = self.admin.split.take() {
            respond(job.reply, result);
        }
    }

    /// An entry of the region's own is applied. What a split or compaction did is told apart from
    /// that.
    pub(super) fn on_admin_applied(&mut self, id: CommandId, refusal: Option<RegionError>) {
        if self.admin.compaction == Some(id) {
            self.admin.compaction = None;
        }
        if self.on_handover_applied(id, refusal.as_ref())
            || self.on_change_applied(id, refusal.as_ref())
            || self.on_merge_applied(id, refusal.as_ref())
        {
            return;
        }
        if self.admin.is_split(id)
            && let Some(error) = refusal
        {
            self.end_split(Err(error.into()));
        }
    }

    /// The region was cut. What it keeps is its own; the rest goes to new peers, locks and all.
    pub(super) fn on_split(&mut self, split: SplitOutcome, ctx: &mut Context<Self>) {
        let SplitOutcome { derived, created } = split;
        let parts = created.len() as u64 + 1;
        info!(region_id = %self.id(), parts, "split a region");
        self.withdraw_delegate();
        self.set_region(derived);
        let reply = self.admin.split.take().and_then(|job| job.reply);
        self.refuse_waiters(&RegionError::EpochNotMatch(self.id()));
        let (size, keys) = self.divide_gauges(parts);
        let mut moved = self.locks.split_off(&self.key_range);
        let mut regions = Vec::with_capacity(created.len());
        for region in &created {
            let range = KeyRange::of_region(&region.start_key, &region.end_key);
            let others = moved.split_off(&range);
            let locks = std::mem::replace(&mut moved, others);
            let campaign = self.core.is_leader();
            let locks = campaign.then_some(locks);
            regions.push(NewRegion { region: region.clone(), locks, size, keys, campaign });
        }
        // Until the new peers are there, the router shows the old range: so nothing else takes theirs.
        self.is_dividing = true;
        let mut all = created;
        all.push(self.region.clone());
        all.sort_by(|a, b| a.start_key.cmp(&b.start_key));
        let done = self.shared.store.ask(CreatePeers { regions }, CREATE_DEADLINE);
        ctx.spawn_then(done, move |this: &mut Self, done, _ctx| {
            this.is_dividing = false;
            this.report_change();
            match done {
                Ok(()) => respond(reply, Ok(all)),
                Err(error) => {
                    debug!(%error, region_id = %this.id(), "failed to start the peers of a split");
                    respond(reply, Err(RegionError::Undetermined(this.id()).into()));
                }
            }
        });
    }

    fn divide_gauges(&mut self, parts: u64) -> (u64, u64) {
        let size = self.gauges.size.load(Ordering::Relaxed) / parts;
        let keys = self.gauges.keys.load(Ordering::Relaxed) / parts;
        self.gauges.size.store(size, Ordering::Relaxed);
        self.gauges.keys.store(keys, Ordering::Relaxed);
        self.admin.is_scanned = false;
        (size, keys)
    }

    /// Has the region scanned when it may be too large and has grown since it was last looked at.
    pub(super) fn check_split_if_large(&mut self, ctx: &mut Context<Self>) {
        let options = &self.shared.parts.options.split;
        let size = self.gauges.size.load(Ordering::Relaxed);
        let keys = self.gauges.keys.load(Ordering::Relaxed);
        let may_be_large = !self.admin.is_scanned || options.is_too_large(size, keys);
        // Rows may be so small that their number tells long before their bytes do.
        let has_grown = self.admin.unscanned_bytes >= options.split_size / 16
            || self.admin.unscanned_keys >= options.split_keys / 16;
        if may_be_large && has_grown {
            self.check_split(CutAt::Size, ctx);
        }
    }

    /// Has the region scanned, and splits it as the scan says.
    pub(super) fn check_split(&mut self, cut_at: CutAt, ctx: &mut Context<Self>) {
        let busy = self.admin.scanning || self.admin.split.is_some();
        if busy || self.is_occupied().is_some() || !self.core.is_ready() {
            return;
        }
        self.admin.scanning = true;
        self.admin.unscanned_bytes = 0;
        self.admin.unscanned_keys = 0;
        let question = CheckSplit { region: self.region.clone(), cut_at };
        let answer = self.shared.split_checker.ask(question, CHECK_DEADLINE);
        let epoch = self.region.epoch;
        ctx.spawn_then(answer, move |this: &mut Self, answer, ctx| {
            this.admin.scanning = false;
            match answer {
                Ok(check) if this.region.epoch == epoch => this.on_split_check(check, cut_at, ctx),
                Ok(_) => {}
                Err(error) => debug!(%error, region_id = %this.id(), "failed to check the size"),
            }
            this.flush_if_drained(ctx);
        });
    }

    fn on_split_check(&mut self, check: SplitCheck, cut_at: CutAt, ctx: &mut Context<Self>) {
        self.gauges.size.store(check.size, Ordering::Relaxed);
        self.gauges.keys.store(check.keys, Ordering::Relaxed);
        self.admin.is_scanned = true;
        let unsplittable = check.cuts.is_empty() && cut_at == CutAt::Middle;
        if unsplittable || !check.cuts.is_empty() {
            self.gauges.unsplittable.store(unsplittable, Ordering::Relaxed);
        }
        if unsplittable
            && let Err(error) = self.shared.store.tell(RegionChanged { region_id: self.id() })
        {
            debug!(%error, region_id = %self.id(), "says later that it cannot be split");
        }
        if !check.cuts.is_empty() && self.core.is_ready() {
            self.split_at(check.cuts, None, ctx);
        }
    }

    /// Proposes to forget the log that every replica has, once it is long. For replicas that lag, so
    /// much is kept as the options say; then they will need a snapshot.
    pub(super) fn compact_log_if_long(&mut self, ctx: &mut Context<Self>) {
        if self.admin.compaction.is_some() || !self.core.is_ready() || self.merging.is_some() {
            return;
        }
        let options = &self.shared.parts.options.raft;
        let (applied, truncated) = (self.core.applied(), self.core.truncated());
        let held = applied.0.saturating_sub(truncated.0);
        let too_far_behind = held >= options.lag_entries.max(options.compact_entries)
            || self.admin.log_bytes >= options.lag_bytes.max(options.compact_bytes);
        let everywhere = applied.min(self.core.replicated_everywhere());
        let index = if too_far_behind { applied } else { everywhere };
        let entries = index.0.saturating_sub(truncated.0);
        let is_long = entries >= options.compact_entries
            || (entries > 0 && self.admin.log_bytes >= options.compact_bytes);
        if !is_long || self.handover.is_some() {
            return;
        }
        if let Ok(term) = self.core.term_of(index) {
            // What stays is about in proportion.
            let left = u128::from(held - entries) * u128::from(self.admin.log_bytes);
            self.admin.log_bytes =
                u64::try_from(left / u128::from(held.max(1))).unwrap_or(u64::MAX);
            let command = RegionCommand::CompactLog { index, term };
            self.admin.compaction = self.propose_admin(command, ctx);
        }
    }

    /// The log up to here is no longer needed, not even after a crash.
    pub(super) fn on_compacted(&mut self, to: LogPosition) {
        let batch = self.core.compact(to);
        self.tell_log_writer(TruncateLog { batch });
    }
}

fn respond(reply: Option<SplitReply>, result: Result<Vec<Region>, RequestError>) {
    if let Some(reply) = reply {
        reply.send(result);
    } else if let Err(error) = result {
        debug!(%error, "a split of the region's own accord failed");
    }
}
