//! What all proposals wait for: leadership goes to another replica, or the region begins to merge.
//!
//! Both end this replica's say over the region's pessimistic locks, which are in its memory. So first
//! whatever is proposed is applied, while further commands wait; then the locks are written into the
//! lock family by an entry of their own; and only then the rest follows. If it does not come about in
//! time, commands go on, and find the locks where they are now.

use tracing::{debug, info};

use super::actor::RegionPeer;
use super::commands::Stage;
use crate::actors::runtime::{Context, ReplyTo};
use crate::common::PeerId;
use crate::storage::region::entry::RegionCommand;
use crate::storage::region::{PeerRole, Region};
use crate::storage::txn::{Busy, CommandId, RegionError, RequestError};

pub(super) type HandoverReply = ReplyTo<Result<(), RequestError>>;

/// Election timeouts until it is given up.
const PATIENCE: u64 = 3;
/// Ticks until another replica that was told to lead must do so: it takes one message, and an election that nobody
/// stands against. All commands wait meanwhile.
const MOVE_PATIENCE: u64 = 5;

/// What is to happen.
pub(super) enum Goal {
    /// Another replica leads.
    Transfer(PeerId),
    /// The region becomes part of another.
    Merge(Box<Region>),
}

/// How far it is.
enum Progress {
    /// Proposals are being applied.
    Draining,
    /// The locks are being written, by this entry.
    Persisting(CommandId),
    /// The rest is up to raft.
    Moving,
}

/// A change of leader, or the beginning of a merge.
pub(super) struct Handover {
    goal: Goal,
    progress: Progress,
    reply: Option<HandoverReply>,
    /// The tick at which it is given up.
    until: u64,
}

impl Handover {
    /// Whether another replica is to lead.
    pub(super) fn is_transfer(&self) -> bool {
        matches!(self.goal, Goal::Transfer(_))
    }
}

impl RegionPeer {
    /// Hands leadership over.
    pub(super) fn transfer_leader(
        &mut self,
        to: PeerId,
        reply: Option<HandoverReply>,
        ctx: &mut Context<Self>,
    ) {
        let heir = self.region.peer(to);
        let refusal: Option<RequestError> = if !self.core.is_ready() {
            Some(self.not_leader().into())
        } else if to == self.peer.id {
            answer(reply, Ok(()));
            return;
        } else if heir.is_none_or(|heir| heir.role != PeerRole::Voter) {
            Some(RequestError::Refused(format!("peer {to} does not vote in the region")))
        } else if !self.has_caught_up(to) || !self.is_heard_of(to) {
            Some(RegionError::ServerIsBusy(Busy::ReplicaLags).into())
        } else {
            self.is_occupied().map(|reason| RegionError::ServerIsBusy(reason).into())
        };
        match refusal {
            Some(error) => answer(reply, Err(error)),
            None => self.begin_handover(Goal::Transfer(to), reply, ctx),
        }
    }

    pub(super) fn begin_handover(
        &mut self,
        goal: Goal,
        reply: Option<HandoverReply>,
        ctx: &mut Context<Self>,
    ) {
        self.wake_up();
        let ticks = self.shared.parts.options.raft.election_ticks as u64;
        let until = self.core.ticks() + PATIENCE * ticks;
        self.handover = Some(Handover { goal, progress: Progress::Draining, reply, until });
        self.go_on_with_handover(ctx);
    }

    /// Takes the next step if it can be taken.
    pub(super) fn go_on_with_handover(&mut self, ctx: &mut Context<Self>) {
        let Some(handover) = &self.handover else { return };
        if !matches!(handover.progress, Progress::Draining) {
            return;
        }
        let is_drained =
            self.commands.values().all(|command| !matches!(command.stage, Stage::Proposed(..)));
        if !is_drained {
            return;
        }
        if self.locks.is_empty() {
            self.move_on(ctx);
            return;
        }
        debug!(region_id = %self.id(), locks = self.locks.len(), "writes its locks down");
        let persist = RegionCommand::Write(self.locks.persist());
        match (self.propose_admin(persist, ctx), &mut self.handover) {
            (Some(id), Some(handover)) => handover.progress = Progress::Persisting(id),
            _ => self.end_handover(false),
        }
    }

    /// An entry of the region's own is applied; answers whether it was the locks.
    pub(super) fn on_handover_applied(
        &mut self,
        id: CommandId,
        refusal: Option<&RegionError>,
    ) -> bool {
        let Some(handover) = &mut self.handover else { return false };
        if !matches!(handover.progress, Progress::Persisting(persisting) if persisting == id) {
            return false;
        }
        if refusal.is_some() {
            self.end_handover(false);
            return true;
        }
        handover.progress = Progress::Draining;
        self.locks.clear();
        true
    }

    fn move_on(&mut self, ctx: &mut Context<Self>) {
        let Some(handover) = &mut self.handover else { return };
        handover.progress = Progress::Moving;
        match &handover.goal {
            Goal::Transfer(to) => {
                let to = *to;
                handover.until = self.core.ticks() + MOVE_PATIENCE;
                info!(region_id = %self.id(), peer_id = %to, "hands its leadership over");
                self.withdraw_delegate();
                self.core.transfer_leader(to);
            }
            Goal::Merge(target) => {
                let target = (**target).clone();
                self.propose_prepare(target, ctx);
            }
        }
    }

    /// It has come about, or has failed: commands go on (or are sent elsewhere).
    pub(super) fn end_handover(&mut self, done: bool) {
        let Some(handover) = self.handover.take() else { return };
        let result =
            if done { Ok(()) } else { Err(RegionError::ServerIsBusy(Busy::NotHandedOver).into()) };
        answer(handover.reply, result);
    }

    /// Gives up what takes too long.
    pub(super) fn expire_handover(&mut self) {
        let ticks = self.core.ticks();
        if self.handover.as_ref().is_some_and(|handover| handover.until < ticks) {
            if self.core.is_transferring() {
                self.core.abort_transfer();
            }
            self.end_handover(false);
        }
    }
}

fn answer(reply: Option<HandoverReply>, result: Result<(), RequestError>) {
    if let Some(reply) = reply {
        reply.send(result);
    } else if let Err(error) = result {
        debug!(%error, "a handover failed");
    }
}
