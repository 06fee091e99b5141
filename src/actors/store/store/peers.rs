//! Peers that come by another store's message, and peers that go.

use raft::eraftpb::MessageType;
use tracing::{debug, info};

use super::actor::Store;
use super::messages::{GetDeadlocks, GetMover, NewRegion, PeerGone, UnknownRegion};
use crate::actors::runtime::{ActorRef, Address, Context, Handler, ReplyTo};
use crate::actors::store::deadlock::Deadlocks;
use crate::actors::store::snapshots::TakeChunk;
use crate::actors::store::transport::RaftEnvelope;
use crate::storage::region::Region;
use crate::storage::region::state::{PeerState, load_region};

/// Votes asked for on behalf of regions that a split here has not made yet.
const EARLY_VOTES_MAX: usize = 1024;

/// Whether a message may be the first that a new replica hears.
fn may_be_first(kind: MessageType) -> bool {
    is_vote(kind)
        || matches!(
            kind,
            MessageType::MsgHeartbeat | MessageType::MsgAppend | MessageType::MsgSnapshot
        )
}

/// Whether a message asks for a vote.
pub(in crate::actors::store) fn is_vote(kind: MessageType) -> bool {
    matches!(kind, MessageType::MsgRequestVote | MessageType::MsgRequestPreVote)
}

impl Store {
    /// A message for a region that is not here: it may be about a replica that was removed, one that a
    /// split is about to make, or a new one.
    fn on_unknown(&mut self, envelope: RaftEnvelope, ctx: &mut Context<Self>) {
        let region_id = envelope.region.id;
        if envelope.to.store_id != self.parts.store_id || envelope.tombstone {
            return;
        }
        if self.parts.router.get(region_id).is_some() {
            self.parts.router.deliver(envelope);
            return;
        }
        let known = load_region(&*self.parts.kv, region_id)
            .unwrap_or_else(|error| panic!("failed to read region {region_id}: {error}"));
        match known {
            // A split is about to start its peer.
            Some((_, PeerState::Normal | PeerState::Applying | PeerState::Merging(_))) => {
                self.keep_vote(envelope);
                return;
            }
            Some((tombstone, PeerState::Tombstone { merged })) => {
                let mine = tombstone.peer_on(self.parts.store_id);
                let is_old = mine.is_some_and(|mine| envelope.to.id <= mine.id);
                if merged || is_old {
                    self.answer_with_tombstone(&envelope, tombstone, merged);
                    return;
                }
            }
            None => {}
        }
        if !may_be_first(envelope.message.get_msg_type()) {
            return;
        }
        let is_taken = self
            .parts
            .router
            .statuses()
            .iter()
            .any(|status| status.region.overlaps(&envelope.region));
        if is_taken {
            // Most likely the split that makes the region is not applied here yet.
            self.keep_vote(envelope);
            return;
        }
        info!(%region_id, peer_id = %envelope.to.id, "creates a peer for another store's message");
        let region = Region { id: region_id, ..Region::default() };
        let new = NewRegion { region, locks: None, size: 0, keys: 0, campaign: false };
        self.create_peer(new, envelope.to, ctx);
        self.parts.router.deliver(envelope);
    }

    /// Whoever stands for election in a group this store knows to be over, or to be without that one,
    /// is told.
    fn answer_with_tombstone(&self, envelope: &RaftEnvelope, tombstone: Region, merged: bool) {
        let is_member = tombstone.peer(envelope.from.id).is_some();
        let knows_less = envelope.region.epoch.conf_ver < tombstone.epoch.conf_ver;
        let outlived = merged && envelope.region.epoch.version <= tombstone.epoch.version;
        let removed = !merged && !is_member && knows_less;
        if !is_vote(envelope.message.get_msg_type()) || !(outlived || removed) {
            return;
        }
        let message = raft::eraftpb::Message { reject: merged, ..Default::default() };
        debug!(region_id = %tombstone.id, peer_id = %envelope.from.id, "tells a peer that it is gone");
        self.parts.transport.send(RaftEnvelope {
            region: tombstone,
            message,
            from: envelope.to,
            to: envelope.from,
            tombstone: true,
            doze: None,
            room: self.parts.disk.room(),
        });
    }

    fn keep_vote(&mut self, envelope: RaftEnvelope) {
        let known = self.early_votes.contains_key(&envelope.region.id);
        if is_vote(envelope.message.get_msg_type())
            && (known || self.early_votes.len() < EARLY_VOTES_MAX)
        {
            self.early_votes.insert(envelope.region.id, envelope);
        }
    }
}

impl Handler<UnknownRegion> for Store {
    fn handle(&mut self, message: UnknownRegion, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.on_unknown(message.envelope, ctx);
    }
}

impl Handler<PeerGone> for Store {
    fn handle(&mut self, message: PeerGone, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        let PeerGone { region_id, peer_id } = message;
        self.parts.router.remove(region_id, peer_id);
        self.changed.remove(&region_id);
        reply.send(());
    }
}

impl Handler<GetMover> for Store {
    fn handle(
        &mut self,
        _message: GetMover,
        reply: ReplyTo<Address<TakeChunk>>,
        _ctx: &mut Context<Self>,
    ) {
        reply.send(self.chunks.clone().expect("made when the store started"));
    }
}

impl Handler<GetDeadlocks> for Store {
    fn handle(
        &mut self,
        _message: GetDeadlocks,
        reply: ReplyTo<ActorRef<Deadlocks>>,
        _ctx: &mut Context<Self>,
    ) {
        let shared = self.shared.as_ref().expect("made when the store started");
        reply.send(shared.deadlocks.clone());
    }
}
