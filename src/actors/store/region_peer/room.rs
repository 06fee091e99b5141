//! What a group does about disks that fill up.
//!
//! A leader adds nothing unless replicas with room are a quorum. If they are, those whose disks are full are spared: what is sent to
//! them is dropped before it leaves, as if the network had lost it, and they go on to vote, to answer heartbeats and to read what they have.
//! When they have room again, the log or a snapshot brings them the rest. If the group cannot do without them, they are sent what ends
//! transactions and what a new leader has to write; that is little, and their reserve is there for it.

use raft::eraftpb::{Message, MessageType};
use tracing::debug;

use super::actor::RegionPeer;
use crate::common::StoreId;
use crate::storage::engine::DiskRoom;
use crate::storage::region::Peer;

/// Bytes of entries that are taken from a leader however full the disk is.
const LITTLE: usize = 16 << 10;

impl RegionPeer {
    /// The store whose disk stands against adding anything, with its room: this one, or one without which there is no quorum.
    pub(super) fn store_without_room(&self) -> Option<(StoreId, DiskRoom)> {
        let disk = &self.shared.parts.disk;
        if disk.is_short() {
            return Some((self.peer.store_id, disk.room()));
        }
        if !disk.is_another_short() {
            return None;
        }
        let is_short = |peer: &&Peer| disk.room_of(peer.store_id) != DiskRoom::Enough;
        let short = self.region.peers.iter().find(is_short)?;
        let is_enough = self.is_quorum(|peer| disk.room_of(peer.store_id) == DiskRoom::Enough);
        (!is_enough).then(|| (short.store_id, disk.room_of(short.store_id)))
    }

    /// Whether replicas that are there and for which `counts` holds are a quorum.
    fn is_quorum(&self, counts: impl Fn(&Peer) -> bool) -> bool {
        let patience = self.shared.parts.options.raft.election_ticks as u64;
        let now = self.core.ticks();
        let is_there = |peer: &&Peer| {
            let heard = self.heard.get(&peer.id);
            peer.id == self.peer.id || heard.is_none_or(|heard| heard + patience >= now)
        };
        let peers = self.region.peers.iter().filter(is_there).filter(|peer| counts(peer));
        self.core.is_quorum(peers.map(|peer| peer.id))
    }

    /// Whether a message is better not sent, as the receiver's disk is full and the group can do without it.
    pub(super) fn spares(&self, to: Peer, message: &Message) -> bool {
        let disk = &self.shared.parts.disk;
        disk.is_another_short()
            && message.get_msg_type() == MessageType::MsgAppend
            && !message.get_entries().is_empty()
            && disk.room_of(to.store_id) == DiskRoom::Full
            && self.is_quorum(|peer| disk.room_of(peer.store_id) != DiskRoom::Full)
    }

    /// Whether any replica waits for a snapshot that its disk has room for.
    pub(super) fn is_snapshot_of_use(&self) -> bool {
        let disk = &self.shared.parts.disk;
        if !disk.is_another_short() {
            return true;
        }
        self.core.progress().iter().any(|progress| {
            let lacks = progress.matched < self.core.truncated() || progress.matched.0 == 0;
            let peer = self.region.peer(progress.peer_id);
            lacks && peer.is_some_and(|peer| disk.room_of(peer.store_id) == DiskRoom::Enough)
        })
    }

    /// Whether this store's disk is too full for what another replica sends.
    pub(super) fn has_no_room_for(&self, message: &Message) -> bool {
        if message.get_msg_type() != MessageType::MsgAppend || !self.shared.parts.disk.is_full() {
            return false;
        }
        let bytes: usize = message.get_entries().iter().map(|entry| entry.data.len()).sum();
        if bytes > LITTLE {
            debug!(region_id = %self.id(), bytes, "the disk is full: does not take entries");
        }
        bytes > LITTLE
    }
}
