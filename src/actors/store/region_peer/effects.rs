//! Carrying out what the core wants done, and taking in what was reported.

use std::sync::atomic::Ordering;

use tracing::debug;

use super::actor::{RegionPeer, Waiting};
use super::handle::{AppliedReport, Report};
use crate::actors::runtime::{Context, Handler, Message};
use crate::actors::store::applier::{Applier, Apply, Completion};
use crate::actors::store::log_writer::{LogWriter, WriteLog};
use crate::storage::raft::{Committed, Effects, Persist};
use crate::storage::region::apply::Outcome;
use crate::storage::txn::RegionError;

/// However full the mailbox is, effects are carried out after this many messages.
const MAX_UNFLUSHED: usize = 64;

/// Commands that run with one message, those included that become runnable by it.
const COMMANDS_A_MESSAGE: usize = 16;

impl RegionPeer {
    /// First of all in every handler: what was reported meanwhile.
    pub(super) fn take_reports(&mut self, ctx: &mut Context<Self>) {
        self.commands_left = COMMANDS_A_MESSAGE;
        self.goes_on = false;
        for report in self.reports().take() {
            self.unflushed = MAX_UNFLUSHED;
            if self.gone {
                continue;
            }
            match report {
                Report::Persisted { number, last } => {
                    let messages = self.core.on_persisted(number, last);
                    self.send_messages(messages);
                }
                Report::Applied(report) => self.on_applied(*report, ctx),
                Report::AwaitSource(source) => self.await_source(source, ctx),
                Report::SnapshotSent { to, sent } => self.core.report_snapshot(to, sent),
            }
        }
    }

    /// Last of all in every handler: runs what can run. While more messages wait, proposals gather.
    pub(super) fn flush_if_drained(&mut self, ctx: &mut Context<Self>) {
        self.run_all(ctx);
        self.unflushed += 1;
        if ctx.mailbox_len() == 0 || self.unflushed >= MAX_UNFLUSHED {
            self.flush(ctx);
        }
    }

    /// Runs what can run and carries out the core's effects, until there are none.
    pub(super) fn flush(&mut self, ctx: &mut Context<Self>) {
        self.unflushed = 0;
        loop {
            if self.gone {
                return;
            }
            self.run_all(ctx);
            let effects = self.core.take_effects(Self::now(ctx));
            if effects.is_empty() {
                break;
            }
            self.carry_out(effects, ctx);
        }
        if !self.awake && self.core.needs_ticks() {
            self.wake_up();
        }
        self.renew_lease();
        self.report_first_region();
        self.turn_cold_if_asleep(ctx);
    }

    fn carry_out(&mut self, effects: Effects<Waiting>, ctx: &mut Context<Self>) {
        if effects.role_changed {
            self.on_role_changed(ctx);
        } else if effects.leader_changed {
            self.publish_status();
        }
        self.withdraw_before_change(&effects.committed);
        if let Some(snapshot) = effects.snapshot {
            self.install_snapshot(snapshot, ctx);
        }
        self.send_messages(effects.messages);
        for write in effects.persist {
            self.persist(write);
        }
        if !effects.committed.is_empty() {
            let entries = effects.committed.into_iter().map(to_apply).collect();
            self.tell_applier(Apply { region_id: self.id(), entries });
        }
        for waiting in effects.stale {
            self.on_stale(waiting, RegionError::StaleCommand(self.id()), ctx);
        }
        for waiting in effects.undetermined {
            self.on_stale(waiting, RegionError::Undetermined(self.id()), ctx);
        }
        for (index, waiting) in effects.reads {
            if let Waiting::Read { request, reply } = waiting {
                if index > self.core.last_index() && self.shared.parts.disk.is_full() {
                    // It takes a while until it has that: whoever asks goes to the leader.
                    reply.send(Err(self.not_leader().into()));
                } else {
                    self.reads.push_back((index, request, reply));
                }
            }
        }
        self.serve_reads();
        if effects.snapshot_wanted {
            self.make_snapshot(ctx);
        }
    }

    /// Hands a write of the log on, unless it must wait for a snapshot.
    fn persist(&mut self, write: Persist) {
        if let Some(waiting) = self.snapshots.installing() {
            waiting.push(write);
        } else {
            let peer = self.reports();
            self.tell_log_writer(WriteLog { write, peer });
        }
    }

    fn on_stale(&mut self, waiting: Waiting, refusal: RegionError, ctx: &mut Context<Self>) {
        match waiting {
            Waiting::Entry(completion) => {
                let Completion { command, answer, guard } = completion;
                drop(guard);
                if let Some((reply, _)) = answer {
                    reply.send(Err(refusal.clone().into()));
                }
                self.on_command_applied(command, Some(refusal), ctx);
            }
            Waiting::Read { reply, .. } => reply.send(Err(refusal.into())),
        }
    }

    fn on_applied(&mut self, report: AppliedReport, ctx: &mut Context<Self>) {
        let was_ready = self.core.is_ready();
        self.core.on_applied(report.index, report.term);
        self.gauges.applied.store(report.index.0, Ordering::Relaxed);
        self.gauges.size.fetch_add(report.bytes, Ordering::Relaxed);
        self.gauges.keys.fetch_add(report.keys, Ordering::Relaxed);
        self.admin.grew(report.bytes, report.keys);
        if let Some(to) = report.compacted {
            self.on_compacted(to);
        }
        for (command, refusal) in report.commands {
            self.on_command_applied(command, refusal, ctx);
        }
        // Last: what commands before a split did to locks goes along to the new regions, and those
        // after it are void.
        for (outcome, change) in report.outcomes {
            self.on_outcome(outcome, &change, ctx);
        }
        if self.gone {
            return;
        }
        if !was_ready && self.core.is_ready() {
            self.on_ready(ctx);
        }
        self.serve_reads();
        self.answer_change();
        self.go_on_with_handover(ctx);
        self.answer_catch_up();
        self.compact_log_if_long(ctx);
        self.check_split_if_large(ctx);
    }

    /// An entry has changed the region itself.
    fn on_outcome(&mut self, outcome: Outcome, change: &[u8], ctx: &mut Context<Self>) {
        match outcome {
            Outcome::Noop | Outcome::Written | Outcome::Compacted { .. } => {}
            Outcome::Split(split) => self.on_split(split, ctx),
            Outcome::PeersChanged(region) => self.on_peers_changed(region, change, ctx),
            Outcome::Removed(tombstone) => self.depart(tombstone, ctx),
            Outcome::MergePrepared(region, merge) => self.on_merge_prepared(region, *merge, ctx),
            Outcome::MergeCommitted { region, source } => self.on_merged(region, &source, ctx),
            Outcome::MergeRolledBack(region) => self.on_merge_rolled_back(region, ctx),
        }
    }

    /// Hands something to the log writer. It must arrive: a write that is lost would stall the
    /// region for good.
    pub(super) fn tell_log_writer<M: Message>(&self, message: M)
    where
        LogWriter: Handler<M>,
    {
        if let Err(error) = self.shared.log_writer.tell(message) {
            lost(&error);
        }
    }

    /// Hands something to the applier. It must arrive: entries are applied without gaps.
    pub(super) fn tell_applier<M: Message>(&self, message: M)
    where
        Applier: Handler<M>,
    {
        if let Err(error) = self.shared.applier(self.id()).tell(message) {
            lost(&error);
        }
    }
}

/// A message that had to arrive did not. While the node stops, nothing more can be acknowledged and
/// nothing is lost; else the peer's state is in doubt, and that escalates.
fn lost(error: &crate::actors::runtime::SendError) {
    use crate::actors::runtime::SendError;
    match error {
        SendError::Stopped(path) => debug!(%path, "dropped a write: the store is stopping"),
        SendError::Overloaded(_) | SendError::Unreachable(_) | SendError::TooLarge(_) => {
            panic!("failed to hand a write on: {error}")
        }
    }
}

fn to_apply(committed: Committed<Waiting>) -> Committed<Completion> {
    let waiter = match committed.waiter {
        Some(Waiting::Entry(completion)) => Some(completion),
        Some(Waiting::Read { .. }) => unreachable!("reads are not in the log"),
        None => None,
    };
    Committed { entry: committed.entry, waiter }
}
