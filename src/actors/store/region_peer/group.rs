//! The peer and the other replicas of its group: messages in and out, who is behind, who is gone.

use std::sync::Arc;

use raft::eraftpb::{Message, MessageType};
use tracing::debug;

use super::actor::{RegionPeer, Waiting};
use crate::actors::runtime::Context;
use crate::actors::store::store::is_vote;
use crate::actors::store::transport::RaftEnvelope;
use crate::common::{LogIndex, PeerId};
use crate::storage::raft::PeerCore;
use crate::storage::region::{Peer, Region};

/// Entries a replica may lack and still count as caught up.
const CAUGHT_UP: u64 = 64;
/// Ticks between two looks at the group.
const LOOK_TICKS: u64 = 10;

impl RegionPeer {
    /// Takes a message of another replica, after checking who sends it to whom.
    pub(super) fn receive(&mut self, envelope: RaftEnvelope, ctx: &mut Context<Self>) {
        let RaftEnvelope { region, from, to, message, tombstone, doze, room: _ } = envelope;
        let is_newer = region.epoch.conf_ver > self.region.epoch.conf_ver;
        if to.id != self.peer.id {
            if to.id > self.peer.id && is_newer && to.store_id == self.peer.store_id {
                // This store's replica was removed, and another one added since.
                self.leave(region, ctx);
            }
            return;
        }
        if tombstone {
            if message.reject {
                // The target's replica here will take this one over, by its log or by a snapshot.
                self.outlived = true;
                self.publish_status();
            } else if is_newer {
                self.leave(region, ctx);
            }
            return;
        }
        let is_stranger = self.region.is_initialized() && self.region.peer(from.id).is_none();
        if is_stranger && region.epoch.conf_ver < self.region.epoch.conf_ver {
            if is_vote(message.get_msg_type()) {
                self.send_tombstone(from);
            }
            return;
        }
        self.missed_ticks = 0;
        self.known.insert(from.id, from);
        self.heard.insert(from.id, self.core.ticks());
        if let Some(word) = doze {
            self.on_doze(word, from);
            return;
        }
        if self.core.is_roused_by(&message) {
            self.wake_up();
        }
        self.step(message, ctx);
    }

    fn step(&mut self, message: Message, ctx: &mut Context<Self>) {
        if self.core.is_leader()
            && let Some(ts) = PeerCore::<Waiting>::read_timestamp(&message)
        {
            // Nobody may commit below what another replica is about to read.
            self.shared.parts.concurrency.push_max_ts(ts);
        }
        if self.has_no_room_for(&message) {
            return;
        }
        let is_snapshot = message.get_msg_type() == MessageType::MsgSnapshot;
        if is_snapshot && !self.admit_snapshot(&message) {
            return;
        }
        let metadata = message.get_snapshot().get_metadata();
        let (term, index) = (metadata.term, metadata.index);
        if let Err(error) = self.core.step(message) {
            debug!(%error, region_id = %self.id(), "raft refused a message");
        }
        if is_snapshot && !self.core.has_pending_snapshot() {
            self.discard_snapshot(term.into(), LogIndex(index));
        }
        let _ = ctx;
    }

    fn send_tombstone(&self, to: Peer) {
        self.shared.parts.transport.send(RaftEnvelope {
            region: self.region.clone(),
            from: self.peer,
            to,
            tombstone: true,
            room: self.shared.parts.disk.room(),
            ..RaftEnvelope::default()
        });
    }

    /// Sends what raft has to say.
    pub(super) fn send_messages(&mut self, messages: Vec<Message>) {
        for message in messages {
            let to = PeerId(message.to);
            let known = || self.known.get(&to).copied();
            let Some(to) = self.region.peer(to).or_else(known) else {
                debug!(region_id = %self.id(), peer_id = %to, "dropped a message to a former peer");
                continue;
            };
            if self.spares(to, &message) {
                continue;
            }
            let is_snapshot = message.get_msg_type() == MessageType::MsgSnapshot;
            let region = self.region.clone();
            let (from, room) = (self.peer, self.shared.parts.disk.room());
            let envelope =
                RaftEnvelope { region, from, to, message, room, ..RaftEnvelope::default() };
            if is_snapshot {
                self.send_snapshot(envelope);
            } else {
                self.shared.parts.transport.send(envelope);
            }
        }
    }

    /// Replicas that lag, and replicas not heard of for long. Known to the leader.
    pub(super) fn lagging(&self) -> (Vec<Peer>, Vec<Peer>) {
        if !self.core.is_leader() || self.region.peers.len() < 2 {
            return (Vec::new(), Vec::new());
        }
        let now = self.core.ticks();
        let patience = u64::from(self.shared.parts.options.raft.leader_missing_ticks);
        let (mut pending, mut down) = (Vec::new(), Vec::new());
        for progress in self.core.progress() {
            let Some(peer) = self.region.peer(progress.peer_id) else { continue };
            if peer.id == self.peer.id {
                continue;
            }
            if progress.snapshot || progress.matched < self.core.truncated() {
                pending.push(peer);
            }
            if self.heard.get(&peer.id).is_some_and(|heard| heard + patience < now) {
                down.push(peer);
            }
        }
        (pending, down)
    }

    /// Whether a replica has what it takes to vote, or to lead soon. One that still needs a snapshot has
    /// nothing, however short the log is.
    pub(super) fn has_caught_up(&self, peer_id: PeerId) -> bool {
        // Not what raft calls active: that begins anew with every look at the quorum, which may be just before this one.
        let patience = self.shared.parts.options.raft.election_ticks as u64;
        let is_heard =
            self.heard.get(&peer_id).is_some_and(|heard| heard + patience >= self.core.ticks());
        self.core.progress().iter().any(|progress| {
            progress.peer_id == peer_id
                && is_heard
                && !progress.snapshot
                && progress.matched >= self.core.truncated()
                && progress.matched.0 + CAUGHT_UP >= self.core.last_index().0
        })
    }

    /// Whether a replica has answered the last heartbeats: one that is about to lead must be there now.
    pub(super) fn is_heard_of(&self, peer_id: PeerId) -> bool {
        let patience = self.shared.parts.options.raft.heartbeat_ticks as u64 + 1;
        let heard = self.heard.get(&peer_id);
        heard.is_some_and(|heard| heard + patience >= self.core.ticks())
    }

    /// What is looked after from time to time.
    pub(super) fn look_at_group(&mut self, ctx: &mut Context<Self>) {
        self.expire_handover();
        self.promote_learners(ctx);
        if !self.core.ticks().is_multiple_of(LOOK_TICKS) {
            return;
        }
        if self.core.is_leader() {
            if self.region.peers.len() > 1 {
                let now = self.core.ticks();
                for peer in &self.region.peers {
                    self.heard.entry(peer.id).or_insert(now);
                }
                self.show_who_lags();
            }
            self.leave_joint(ctx);
        }
        self.go_on_with_merge(ctx);
        self.ask_whether_member(ctx);
    }

    /// Whoever waits for a replica to catch up, or to come back, hears of it when it has.
    fn show_who_lags(&self) {
        let shown = self.shared.parts.router.status(self.id());
        let shown = shown.map(|status| (status.pending_peers, status.down_peers));
        if shown.is_some_and(|shown| shown != self.lagging()) {
            self.report_change();
        } else {
            self.publish_status();
        }
    }

    /// Without a leader for long, the replica may have been removed while it was away.
    fn ask_whether_member(&mut self, ctx: &mut Context<Self>) {
        let patience = self.shared.parts.options.raft.leader_missing_ticks;
        if self.core.leaderless_ticks() < patience {
            return;
        }
        self.core.reset_leaderless();
        let (pd, region_id) = (Arc::clone(&self.shared.parts.pd), self.id());
        let heir = self.outlived.then(|| self.region.start_key.clone());
        let answer = async move {
            match heir {
                Some(key) => pd.region_by_key(key).await,
                None => pd.region_by_id(region_id).await,
            }
        };
        ctx.spawn_then(answer, |this: &mut Self, answer, ctx| match answer {
            Ok(Some(route)) if route.region.id != this.id() => {
                // Part of a region that has no replica here any more.
                let has_left = route.region.covers(&this.region)
                    && route.region.epoch.version > this.region.epoch.version
                    && route.region.peer_on(this.peer.store_id).is_none();
                if this.outlived && has_left {
                    this.depart(this.region.clone(), ctx);
                }
            }
            Ok(Some(route)) => {
                let region = route.region;
                let is_newer = region.epoch.conf_ver > this.region.epoch.conf_ver;
                if is_newer && region.peer(this.peer.id).is_none() {
                    this.leave(region, ctx);
                }
            }
            Ok(None) => {}
            Err(error) => {
                debug!(%error, region_id = %this.id(), "failed to ask whether it is a member");
            }
        });
    }

    /// The replica was removed, as others say; `region` is what they know.
    fn leave(&mut self, region: Region, ctx: &mut Context<Self>) {
        let mut tombstone = self.region.clone();
        tombstone.epoch = region.epoch;
        tombstone.peers = region.peers;
        tombstone.peers.retain(|peer| peer.store_id != self.peer.store_id);
        tombstone.peers.push(self.peer);
        self.depart(tombstone, ctx);
    }
}
