//! Changes of the region's replicas.

use std::collections::BTreeMap;

use protobuf::Message as _;
use raft::eraftpb::ConfChangeV2;
use tracing::{debug, info};

use super::actor::{RegionPeer, Waiting};
use crate::actors::runtime::{Context, ReplyTo};
use crate::actors::store::applier::Completion;
use crate::common::PeerId;
use crate::storage::region::entry::{RegionCommand, encode};
use crate::storage::region::membership::{self, PeerChange};
use crate::storage::region::{Peer, PeerRole, Region};
use crate::storage::txn::{Busy, CommandId, RegionError, RequestError};

pub(super) type ChangeReply = ReplyTo<Result<Region, RequestError>>;

/// A change on its way.
struct ChangeJob {
    command: CommandId,
    reply: Option<ChangeReply>,
    /// Its entry is applied.
    applied: bool,
}

/// What is going on with the replicas.
#[derive(Default)]
pub(super) struct MembershipState {
    job: Option<ChangeJob>,
    /// Learners to be made voters once they have caught up.
    promote: BTreeMap<PeerId, Peer>,
}

impl MembershipState {
    /// Whether nothing is to be changed.
    pub(super) fn is_idle(&self) -> bool {
        self.job.is_none() && self.promote.is_empty()
    }

    /// Whether a change is on its way.
    pub(super) fn is_changing(&self) -> bool {
        self.job.is_some()
    }

    /// Leadership is lost: what is under way goes on without whoever asked.
    pub(super) fn clear(&mut self, error: &RegionError) {
        if let Some(ChangeJob { reply: Some(reply), .. }) = self.job.take() {
            reply.send(Err(error.clone().into()));
        }
        self.promote.clear();
    }
}

impl RegionPeer {
    /// Why the region cannot begin to change itself now.
    pub(super) fn is_occupied(&self) -> Option<Busy> {
        if self.handover.is_some() {
            Some(Busy::Handover)
        } else if self.is_merging() {
            Some(Busy::Merging)
        } else if self.membership.is_changing() || self.core.has_pending_change() {
            Some(Busy::Membership)
        } else {
            None
        }
    }

    /// Proposes to change the replicas.
    pub(super) fn change_peers(
        &mut self,
        changes: Vec<PeerChange>,
        reply: Option<ChangeReply>,
        ctx: &mut Context<Self>,
    ) {
        if let Err(error) = self.check_change(&changes) {
            answer(reply, Err(error));
            return;
        }
        self.wake_up();
        let command = self.next_id();
        let change = membership::to_raft(&changes);
        let context = encode(self.region.context(), RegionCommand::ChangePeers { changes });
        let waiting = Waiting::Entry(Completion { command, answer: None, guard: None });
        match self.core.propose_change(change, context, waiting, Self::now(ctx)) {
            Ok(_) => self.membership.job = Some(ChangeJob { command, reply, applied: false }),
            Err(_) => {
                let busy = RegionError::ServerIsBusy(Busy::Membership);
                answer(reply, Err(busy.into()));
            }
        }
    }

    fn check_change(&self, changes: &[PeerChange]) -> Result<(), RequestError> {
        if !self.core.is_ready() {
            return Err(self.not_leader().into());
        }
        if let Some(reason) = self.is_occupied() {
            return Err(RegionError::ServerIsBusy(reason).into());
        }
        if self.admin.is_splitting() {
            return Err(RegionError::ServerIsBusy(Busy::Splitting).into());
        }
        let changed = membership::change_peers(&self.region, changes)
            .map_err(|error| RequestError::Refused(error.to_string()))?;
        let leads_on = changed
            .peer(self.peer.id)
            .is_some_and(|me| matches!(me.role, PeerRole::Voter | PeerRole::IncomingVoter));
        if !leads_on {
            let reason = "the leader hands its leadership over before it is removed or demoted";
            return Err(RequestError::Refused(reason.to_owned()));
        }
        Ok(())
    }

    /// Adds a replica as a learner, and promotes it later if it is to vote.
    pub(super) fn place_peer(&mut self, peer: Peer, ctx: &mut Context<Self>) {
        let learner = Peer { role: PeerRole::Learner, ..peer };
        if peer.role == PeerRole::Voter {
            self.membership.promote.insert(peer.id, learner);
        }
        if self.region.peer(peer.id).is_none() {
            self.change_peers(vec![PeerChange::AddLearner(learner)], None, ctx);
        } else {
            self.promote_learners(ctx);
        }
    }

    /// Removes a replica; a leader makes another one lead first.
    pub(super) fn drop_peer(&mut self, peer: Peer, ctx: &mut Context<Self>) {
        if peer.id != self.peer.id {
            self.membership.promote.remove(&peer.id);
            self.change_peers(vec![PeerChange::Remove(peer)], None, ctx);
            return;
        }
        let heir = self.region.peers.iter().copied().find(|heir| {
            heir.id != peer.id && heir.role == PeerRole::Voter && self.has_caught_up(heir.id)
        });
        match heir {
            Some(heir) => self.transfer_leader(heir.id, None, ctx),
            None => debug!(region_id = %self.id(), "nobody can lead in the place of the leader"),
        }
    }

    /// Makes learners voters that have caught up.
    pub(super) fn promote_learners(&mut self, ctx: &mut Context<Self>) {
        if self.membership.promote.is_empty() || self.is_occupied().is_some() {
            return;
        }
        let region = self.region.clone();
        self.membership
            .promote
            .retain(|id, _| region.peer(*id).is_none_or(|peer| peer.role == PeerRole::Learner));
        let ready = self
            .membership
            .promote
            .values()
            .copied()
            .find(|peer| region.peer(peer.id).is_some() && self.has_caught_up(peer.id));
        if let Some(peer) = ready {
            info!(region_id = %self.id(), peer_id = %peer.id, "promotes a learner");
            self.change_peers(vec![PeerChange::AddVoter(peer)], None, ctx);
        }
    }

    /// A joint configuration is left as soon as it is applied, by whoever leads then.
    pub(super) fn leave_joint(&mut self, ctx: &mut Context<Self>) {
        let is_ready = self.core.is_ready() && !self.core.has_pending_change();
        if !is_ready || self.handover.is_some() || !membership::is_joint(&self.region) {
            return;
        }
        let reply = self.membership.job.take().and_then(|job| job.reply);
        let command = self.next_id();
        let changes = Vec::new();
        let context = encode(self.region.context(), RegionCommand::ChangePeers { changes });
        let waiting = Waiting::Entry(Completion { command, answer: None, guard: None });
        let left =
            self.core.propose_change(ConfChangeV2::default(), context, waiting, Self::now(ctx));
        if left.is_err() {
            debug!(region_id = %self.id(), "failed to leave a joint configuration, tries again");
        }
        self.membership.job = Some(ChangeJob { command, reply, applied: false });
    }

    /// The replicas have changed.
    pub(super) fn on_peers_changed(
        &mut self,
        region: Region,
        change: &[u8],
        ctx: &mut Context<Self>,
    ) {
        // Another quorum counts from now on: nothing of an earlier lease may be served under it.
        self.withdraw_delegate();
        let change = ConfChangeV2::parse_from_bytes(change).unwrap_or_else(|error| {
            panic!("a membership change of region {} is unreadable: {error}", region.id)
        });
        self.core.apply_change(&change).unwrap_or_else(|error| {
            panic!("raft refuses a membership change of region {}: {error}", region.id)
        });
        info!(region_id = %region.id, peers = region.peers.len(), "changed its replicas");
        self.set_region(region);
        self.known.retain(|id, _| self.region.peer(*id).is_none());
        self.heard.retain(|id, _| self.region.peer(*id).is_some());
        self.wake_up();
        self.report_change();
        if membership::is_joint(&self.region) {
            self.leave_joint(ctx);
        }
    }

    /// An entry of the region's own is applied; answers whether it was a change of replicas.
    pub(super) fn on_change_applied(
        &mut self,
        id: CommandId,
        refusal: Option<&RegionError>,
    ) -> bool {
        let Some(job) = self.membership.job.as_mut().filter(|job| job.command == id) else {
            return false;
        };
        job.applied = true;
        if let Some(error) = refusal {
            let job = self.membership.job.take().and_then(|job| job.reply);
            answer(job, Err(error.clone().into()));
        }
        true
    }

    /// Answers whoever asked for a change, once it is complete.
    pub(super) fn answer_change(&mut self) {
        if self.membership.job.is_none() || membership::is_joint(&self.region) {
            return;
        }
        if let Some(job) = self.membership.job.take_if(|job| job.applied) {
            answer(job.reply, Ok(self.region.clone()));
        }
    }
}

fn answer(reply: Option<ChangeReply>, result: Result<Region, RequestError>) {
    if let Some(reply) = reply {
        reply.send(result);
    } else if let Err(error) = result {
        debug!(%error, "a change of replicas failed");
    }
}
