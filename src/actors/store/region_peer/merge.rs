//! Becoming part of a neighbour, and taking a neighbour in. The steps are in
//! [`region::merge`](crate::storage::region::merge).
//!
//! The source's leader prepares. From then on every replica of the source looks, time and again, at
//! the target's replica on its own store: if that leads and is still as it was, it is told to commit
//! the merge; if it has changed, the source's leader rolls back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protobuf::Message as _;
use raft::eraftpb::Entry;
use tracing::{debug, info};

use super::actor::RegionPeer;
use super::handover::{Goal, HandoverReply};
use super::messages::{AbsorbRegion, Absorbed, CatchUp};
use crate::actors::runtime::{Context, ReplyTo};
use crate::actors::store::applier::SourceReady;
use crate::common::{LogIndex, Term};
use crate::storage::raft::LogPosition;
use crate::storage::region::entry::{MergeSource, RegionCommand};
use crate::storage::region::state::{MergeState, PeerState, load_region};
use crate::storage::region::{Region, merge};
use crate::storage::txn::{Busy, CommandId, RegionError, RequestError};

/// How long a replica may take to apply its last entries.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(300);
/// How long to wait before looking again for a replica that is not there yet.
const RETRY: Duration = Duration::from_millis(100);
/// Entries that replicas may lack when a merge begins.
const LAG_MAX: u64 = 4096;

/// What is going on with merges.
#[derive(Default)]
pub(super) struct MergeJob {
    prepare: Option<CommandId>,
    /// The entry that begins the merge is committed: the range will soon be another region's.
    prepare_committed: bool,
    absorb: Option<CommandId>,
    rollback: Option<CommandId>,
    catch_up: Option<(LogIndex, ReplyTo<()>)>,
}

impl MergeJob {
    pub(super) fn is_prepare(&self, command: CommandId) -> bool {
        self.prepare == Some(command)
    }

    pub(super) fn set_prepare_committed(&mut self) {
        self.prepare_committed = true;
    }

    /// Leadership is lost: what is under way goes on without this replica.
    pub(super) fn clear(&mut self, _error: &RegionError) {
        self.prepare = None;
        // Whoever leads next has applied the entry before it serves anything.
        self.prepare_committed = false;
        self.absorb = None;
        self.rollback = None;
    }
}

impl RegionPeer {
    /// Whether the region is about to become part of another.
    pub(super) fn is_merging(&self) -> bool {
        self.merging.is_some() || self.merge.prepare_committed
    }

    /// Begins to become part of a neighbour.
    pub(super) fn merge_into(
        &mut self,
        target: Region,
        reply: Option<HandoverReply>,
        ctx: &mut Context<Self>,
    ) {
        let refusal: Option<RequestError> = if !self.core.is_ready() {
            Some(self.not_leader().into())
        } else if let Some(reason) = self.is_occupied() {
            Some(RegionError::ServerIsBusy(reason).into())
        } else if self.admin.is_splitting() {
            Some(RegionError::ServerIsBusy(Busy::Splitting).into())
        } else if let Err(error) = merge::check(&target, &self.region) {
            Some(RequestError::Refused(error.to_string()))
        } else if self.first_lacking().is_none() {
            Some(RegionError::ServerIsBusy(Busy::ReplicaLags).into())
        } else {
            None
        };
        match (refusal, reply) {
            (Some(error), Some(reply)) => reply.send(Err(error)),
            (Some(error), None) => debug!(%error, region_id = %self.id(), "cannot merge"),
            (None, reply) => self.begin_handover(Goal::Merge(Box::new(target)), reply, ctx),
        }
    }

    /// The first index that some replica may lack; `None` if that is too long ago.
    fn first_lacking(&self) -> Option<LogIndex> {
        let matched = self.core.replicated_everywhere();
        let lag = self.core.last_index().0.saturating_sub(matched.0);
        let is_there = matched >= self.core.truncated();
        (is_there && lag <= LAG_MAX).then_some(LogIndex(matched.0 + 1))
    }

    /// The region takes nothing more from here on.
    pub(super) fn propose_prepare(&mut self, target: Region, ctx: &mut Context<Self>) {
        let Some(min_index) = self.first_lacking() else {
            self.end_handover(false);
            return;
        };
        info!(region_id = %self.id(), target = %target.id, "prepares to merge");
        self.merge.prepare =
            self.propose_admin(RegionCommand::PrepareMerge { min_index, target }, ctx);
        if self.merge.prepare.is_none() {
            self.end_handover(false);
        }
    }

    /// An entry of the region's own is applied; answers whether it belonged to a merge.
    pub(super) fn on_merge_applied(
        &mut self,
        id: CommandId,
        refusal: Option<&RegionError>,
    ) -> bool {
        if self.merge.prepare == Some(id) {
            self.merge.prepare = None;
            self.merge.prepare_committed = refusal.is_none();
            if refusal.is_some() {
                self.end_handover(false);
            }
        } else if self.merge.absorb == Some(id) {
            self.merge.absorb = None;
        } else if self.merge.rollback == Some(id) {
            self.merge.rollback = None;
        } else {
            return false;
        }
        true
    }

    /// The region takes no more writes.
    pub(super) fn on_merge_prepared(
        &mut self,
        region: Region,
        merge: MergeState,
        ctx: &mut Context<Self>,
    ) {
        self.withdraw_delegate();
        self.set_region(region);
        self.merging = Some(merge);
        self.merge.prepare_committed = false;
        self.refuse_waiters(&RegionError::EpochNotMatch(self.id()));
        self.end_handover(true);
        self.wake_up();
        self.report_change();
        self.go_on_with_merge(ctx);
    }

    /// Looks at the target's replica on this store.
    pub(super) fn go_on_with_merge(&mut self, ctx: &mut Context<Self>) {
        let Some(merge) = &self.merging else { return };
        let expected = merge.target.epoch;
        let Some(entry) = self.shared.parts.router.get(merge.target.id) else {
            self.look_at_lost_target(ctx);
            return;
        };
        let status = entry.status();
        if !status.region.is_initialized() {
            return;
        }
        let epoch = status.region.epoch;
        if epoch == expected {
            if status.is_leader()
                && let Some(source) = self.merge_source()
            {
                let target = status.region;
                // Told again with the next look, if it is lost.
                let _ = entry.tell(AbsorbRegion { source, target });
            }
        } else if epoch.version > expected.version || epoch.conf_ver > expected.conf_ver {
            self.roll_back(ctx);
        }
    }

    /// The target has no replica here. If that is because it was removed or has merged itself, it is no
    /// longer what it was.
    fn look_at_lost_target(&mut self, ctx: &mut Context<Self>) {
        let Some(merge) = &self.merging else { return };
        let known = load_region(&*self.shared.parts.kv, merge.target.id)
            .unwrap_or_else(|error| panic!("failed to read region {}: {error}", merge.target.id));
        if let Some((tombstone, PeerState::Tombstone { .. })) = known
            && tombstone.epoch != merge.target.epoch
        {
            self.roll_back(ctx);
        }
    }

    fn roll_back(&mut self, ctx: &mut Context<Self>) {
        let Some(merge) = &self.merging else { return };
        if self.merge.rollback.is_some() || !self.core.is_ready() {
            return;
        }
        let commit = merge.commit;
        info!(region_id = %self.id(), "takes a merge back: the target has changed");
        self.merge.rollback = self.propose_admin(RegionCommand::RollbackMerge { commit }, ctx);
    }

    /// What the target needs to know, and its replicas may lack.
    fn merge_source(&self) -> Option<MergeSource> {
        let merge = self.merging.as_ref()?;
        let before = LogIndex(merge.min_index.0 - 1);
        let before_term = self.core.term_of(before).ok()?;
        let entries = self.core.entries(merge.min_index, merge.commit).ok()?;
        let entries =
            entries.iter().map(|entry| entry.write_to_bytes().ok()).collect::<Option<_>>()?;
        Some(MergeSource {
            region: self.region.clone(),
            commit: merge.commit,
            entries,
            before_term,
        })
    }

    /// A neighbour is ready to become part of this region.
    pub(super) fn absorb(&mut self, message: AbsorbRegion, ctx: &mut Context<Self>) {
        let AbsorbRegion { source, target } = message;
        let can = self.core.is_ready()
            && self.region == target
            && self.merge.absorb.is_none()
            && self.is_occupied().is_none()
            && !self.admin.is_splitting()
            && merge::check(&self.region, &source.region).is_ok();
        if can {
            info!(region_id = %self.id(), source = %source.region.id, "takes a region in");
            let command = RegionCommand::CommitMerge(Box::new(source));
            self.merge.absorb = self.propose_admin(command, ctx);
        }
    }

    /// The applier must not go on before the source's replica on this store is at its end.
    pub(super) fn await_source(&mut self, source: Box<MergeSource>, ctx: &mut Context<Self>) {
        let (source_id, commit) = (source.region.id, source.commit);
        let Some(entry) = self.shared.parts.router.get(source_id) else {
            ctx.run_later(RETRY, move |this, ctx| this.await_source(source, ctx));
            return;
        };
        let answer = entry.ask(CatchUp { source: source.clone() }, CATCH_UP_DEADLINE);
        ctx.spawn_then(answer, move |this: &mut Self, answer, ctx| match answer {
            Ok(()) => {
                let region_id = this.id();
                this.tell_applier(SourceReady { region_id, source: source_id, commit });
            }
            Err(error) => {
                debug!(%error, region_id = %this.id(), "waits for the source of a merge");
                ctx.run_later(RETRY, move |this, ctx| this.await_source(source, ctx));
            }
        });
    }

    /// Applies everything up to the end that a merge needs.
    pub(super) fn catch_up(&mut self, source: &MergeSource, reply: ReplyTo<()>) {
        if self.core.applied() >= source.commit {
            reply.send(());
            return;
        }
        let entries: Result<Vec<Entry>, _> =
            source.entries.iter().map(|bytes| Entry::parse_from_bytes(bytes)).collect();
        let entries = entries.unwrap_or_else(|error| {
            panic!("the entries of merging region {} are unreadable: {error}", self.id())
        });
        let first = entries.first().map_or(source.commit.0 + 1, |entry| entry.index);
        let before = LogPosition { index: LogIndex(first - 1), term: Term(source.before_term.0) };
        self.wake_up();
        if !self.core.append_committed(before, &entries) {
            // The question goes unanswered, and is asked again.
            debug!(region_id = %self.id(), "the end of a merging region does not fit yet");
            return;
        }
        self.merge.catch_up = Some((source.commit, reply));
    }

    /// Answers once everything is applied.
    pub(super) fn answer_catch_up(&mut self) {
        let applied = self.core.applied();
        if let Some((_, reply)) = self.merge.catch_up.take_if(|(commit, _)| *commit <= applied) {
            reply.send(());
        }
    }

    /// The region has taken another one in.
    pub(super) fn on_merged(&mut self, region: Region, source: &Region, ctx: &mut Context<Self>) {
        info!(region_id = %self.id(), source = %source.id, "took a region in");
        self.withdraw_delegate();
        self.set_region(region);
        self.refuse_waiters(&RegionError::EpochNotMatch(self.id()));
        if self.core.is_leader() {
            // The source's readers were another store's, perhaps.
            self.max_ts_synced = false;
            self.sync_max_ts(ctx);
        }
        let entry = self.shared.parts.router.get(source.id);
        if let Some(entry) = &entry {
            let size = entry.status().approximate_size;
            self.gauges.size.fetch_add(size, Ordering::Relaxed);
        }
        // Until the source is gone, the router shows the old range: it must not take the new one for a
        // reason to roll back.
        self.is_dividing = true;
        let (by, source_id) = (self.id(), source.id);
        let shared = Arc::clone(&self.shared);
        let absorbed = async move {
            if let Some(entry) = entry
                && let Err(error) = entry.ask(Absorbed { by }, CATCH_UP_DEADLINE).await
            {
                debug!(%error, region_id = %source_id, "failed to end a region that has merged");
            }
            drop(shared);
        };
        ctx.spawn_then(absorbed, |this: &mut Self, (), _ctx| {
            this.is_dividing = false;
            this.report_change();
        });
    }

    /// The region goes on by itself.
    pub(super) fn on_merge_rolled_back(&mut self, region: Region, ctx: &mut Context<Self>) {
        info!(region_id = %self.id(), "goes on without having merged");
        self.merging = None;
        self.set_region(region);
        self.report_change();
        self.renew_lease();
        let _ = ctx;
    }
}
