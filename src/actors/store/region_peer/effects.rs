//! Carrying out what the core wants done, and taking in what was reported.

use std::sync::atomic::Ordering;

use tracing::debug;

use super::actor::{RegionPeer, Waiting};
use super::handle::{AppliedReport, Report};
use crate::actors::runtime::{Context, Handler, Message};
use crate::actors::store::applier::{Applier, Apply, Completion};
use crate::actors::store::log_writer::{LogWriter, WriteLog};
use crate::actors::store::transport::RaftEnvelope;
use crate::common::PeerId;
use crate::storage::raft::{Committed, Effects};
use crate::storage::txn::RegionError;

/// However full the mailbox is, effects are carried out after this many messages.
const MAX_UNFLUSHED: usize = 64;

impl RegionPeer {
    /// First of all in every handler: what was reported meanwhile.
    pub(super) fn take_reports(&mut self, ctx: &mut Context<Self>) {
        for report in self.reports().take() {
            match report {
                Report::Persisted { number, last } => {
                    let messages = self.core.on_persisted(number, last);
                    self.send_messages(messages);
                }
                Report::Applied(report) => self.on_applied(*report, ctx),
            }
            self.unflushed = MAX_UNFLUSHED;
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
            self.run_all(ctx);
            let effects = self.core.take_effects(Self::now(ctx));
            if effects.is_empty() {
                break;
            }
            self.carry_out(effects, ctx);
        }
        self.renew_lease();
    }

    fn carry_out(&mut self, effects: Effects<Waiting>, ctx: &mut Context<Self>) {
        let Effects { role_changed, messages, persist, committed, stale, reads } = effects;
        if role_changed {
            self.on_role_changed(ctx);
        }
        self.withdraw_before_split(&committed);
        self.send_messages(messages);
        for write in persist {
            let peer = self.reports();
            self.tell_log_writer(WriteLog { write, peer });
        }
        if !committed.is_empty() {
            let entries = committed.into_iter().map(to_apply).collect();
            self.tell_applier(Apply { region_id: self.id(), entries });
        }
        for waiting in stale {
            self.on_stale(waiting, ctx);
        }
        for (index, waiting) in reads {
            if let Waiting::Read { request, reply } = waiting {
                self.reads.push_back((index, request, reply));
            }
        }
        self.serve_reads();
    }

    fn on_stale(&mut self, waiting: Waiting, ctx: &mut Context<Self>) {
        let refusal = RegionError::StaleCommand(self.id());
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
        for split in report.splits {
            self.on_split(split, ctx);
        }
        if !was_ready && self.core.is_ready() {
            self.on_ready(ctx);
        }
        self.serve_reads();
        self.compact_log_if_long(ctx);
        self.check_split_if_large(ctx);
    }

    pub(super) fn send_messages(&self, messages: Vec<raft::eraftpb::Message>) {
        for message in messages {
            let to = PeerId(message.to);
            let Some(to) = self.region.peers.iter().copied().find(|peer| peer.id == to) else {
                debug!(region_id = %self.id(), peer_id = %to, "dropped a message to a former peer");
                continue;
            };
            let region = self.region.clone();
            let envelope = RaftEnvelope { region, from: self.peer, to, message };
            self.shared.parts.transport.send(envelope);
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
        SendError::Overloaded(_) | SendError::Unreachable(_) => {
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
