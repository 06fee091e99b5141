//! Falling asleep with the whole group, and waking up.

use raft::eraftpb::Message;
use tracing::debug;

use super::actor::RegionPeer;
use super::messages::Rouse;
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::actors::store::transport::RaftEnvelope;
use crate::common::{PeerId, StoreId};
use crate::storage::raft::{AfterDoze, Doze};
use crate::storage::region::{Peer, PeerRole};

/// Ticks between two questions whether the group may sleep.
const ASK_TICKS: u64 = 10;
/// A replica that was only read sleeps again after this part of the usual time.
const READ_ONLY_PART: u32 = 5;

impl RegionPeer {
    /// After a tick: an only replica sleeps when it is quiet; a leader asks its group now and then.
    pub(super) fn doze_if_quiet(&mut self) {
        let quiet_ticks = self.quiet_ticks();
        if quiet_ticks == 0 || !self.is_idle() {
            return;
        }
        if self.core.may_hibernate(quiet_ticks) {
            self.fall_asleep();
        } else if self.core.ticks().is_multiple_of(ASK_TICKS)
            && let Some(word) = self.core.ask_to_doze(quiet_ticks)
        {
            self.tell_others(word);
        }
    }

    /// How long nothing may happen before it sleeps: not as long for a group whose leader was made again only to be read, as nothing has
    /// been written since and its heartbeats are of no use.
    fn quiet_ticks(&self) -> u32 {
        let ticks = self.shared.parts.options.raft.hibernate_ticks;
        let is_group = self.region.peers.len() > 1;
        match is_group && self.resumed_at == Some(self.core.last_index()) {
            true => ticks.div_ceil(READ_ONLY_PART),
            false => ticks,
        }
    }

    /// Whether this replica is in the middle of nothing that the core does not know of.
    pub(super) fn is_idle(&self) -> bool {
        let is_whole = self
            .region
            .peers
            .iter()
            .all(|peer| matches!(peer.role, PeerRole::Voter | PeerRole::Learner));
        is_whole
            && self.region.is_initialized()
            && self.merging.is_none()
            && !self.outlived
            && !self.is_dividing
            && self.handover.is_none()
            && self.membership.is_idle()
            && !self.admin.is_splitting()
            && self.commands.is_empty()
            && self.parked.is_empty()
            && self.reads.is_empty()
            && !self.snapshots.is_installing()
    }

    fn others(&self) -> Vec<Peer> {
        let peers = self.region.peers.iter().filter(|peer| peer.id != self.peer.id);
        peers.copied().collect()
    }

    /// Another replica has said something on the way to sleep.
    pub(super) fn on_doze(&mut self, word: Doze, from: Peer) {
        if !self.is_idle() {
            return;
        }
        let others: Vec<PeerId> = self.others().iter().map(|peer| peer.id).collect();
        match self.core.on_doze(word, from.id, &others) {
            AfterDoze::Nothing => {}
            AfterDoze::Answer(answer) => self.tell(from, answer),
            AfterDoze::TellAll(word) => {
                self.tell_others(word);
                self.fall_asleep();
            }
            AfterDoze::Sleep => self.fall_asleep(),
        }
    }

    fn tell_others(&self, word: Doze) {
        for peer in self.others() {
            self.tell(peer, word);
        }
    }

    fn tell(&self, to: Peer, word: Doze) {
        self.shared.parts.transport.send(RaftEnvelope {
            region: self.region.clone(),
            from: self.peer,
            to,
            message: Message::default(),
            tombstone: false,
            doze: Some(word),
            room: self.shared.parts.disk.room(),
        });
    }

    fn fall_asleep(&mut self) {
        if !self.awake {
            return;
        }
        self.awake = false;
        self.core.release_memory();
        self.runnable.shrink_to_fit();
        self.parked.shrink_to_fit();
        self.reads.shrink_to_fit();
        let stores: Vec<StoreId> = self.others().iter().map(|peer| peer.store_id).collect();
        self.shared.parts.sleepers.sleep(self.id(), stores);
        self.shared.awake.sleep(self.id());
    }

    /// Asks for ticks.
    pub(super) fn wake_up(&mut self) {
        if !self.awake {
            self.awake = true;
            self.shared.parts.sleepers.wake(self.id());
            self.shared.awake.wake(self.id());
        }
    }

    /// A store that shares this sleeping region is lost.
    fn rouse(&mut self, lost: StoreId) {
        let was_let_go = std::mem::take(&mut self.missed_ticks);
        if (self.awake && was_let_go == 0) || self.gone {
            return;
        }
        let missed = was_let_go.max(self.shared.parts.sleepers.wake(self.id()));
        self.wake_up();
        let leader = self.core.leader().and_then(|leader| self.region.peer(leader));
        if leader.is_some_and(|leader| leader.store_id == lost) {
            debug!(region_id = %self.id(), store_id = %lost, "the leader of a sleeping region is lost");
            self.core.make_up_for(missed);
        }
    }
}

impl Handler<Rouse> for RegionPeer {
    fn handle(&mut self, message: Rouse, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        self.rouse(message.lost);
        self.flush_if_drained(ctx);
    }
}
