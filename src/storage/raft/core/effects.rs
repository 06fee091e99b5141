//! What a replica wants done.

use raft::eraftpb::{Entry, Message};

use super::super::log_store::LogPosition;
use crate::common::LogIndex;
use crate::storage::engine::WriteBatch;

/// Entries and state that must reach the disk before anybody is told that they did.
#[derive(Debug)]
pub struct Persist {
    /// Names this write when it is reported durable.
    pub number: u64,
    /// What to write.
    pub batch: WriteBatch,
    /// The log's end once this is written.
    pub last: LogPosition,
}

/// A committed entry and who waits for it.
#[derive(Debug)]
pub struct Committed<W> {
    /// The entry.
    pub entry: Entry,
    /// Set if it was proposed here and not replaced.
    pub waiter: Option<W>,
}

/// A snapshot that raft has accepted in the place of the log.
#[derive(Clone, Debug)]
pub struct AcceptedSnapshot {
    /// The last entry in it.
    pub position: LogPosition,
    /// Its header: see [`SnapshotHeader`](crate::storage::region::snapshot::SnapshotHeader).
    pub header: Vec<u8>,
}

/// What is to be done now, in this order.
#[derive(Debug)]
pub struct Effects<W> {
    /// This replica began or ceased to lead.
    pub role_changed: bool,
    /// Another replica leads, or none.
    pub leader_changed: bool,
    /// The data is to be replaced by this snapshot's. Nothing of `persist`, now or later, may reach
    /// the disk before that is done.
    pub snapshot: Option<AcceptedSnapshot>,
    /// Another replica needs a snapshot: to be given with [`PeerCore::put_snapshot`].
    pub snapshot_wanted: bool,
    /// To the other replicas. They may leave before anything is written.
    pub messages: Vec<Message>,
    /// To the disk, in order.
    pub persist: Vec<Persist>,
    /// To the state machine, in order.
    pub committed: Vec<Committed<W>>,
    /// Proposals another leader's entries took the place of: they had no effect and never will.
    pub stale: Vec<W>,
    /// Proposals that a snapshot reaches beyond: they may or may not have had an effect.
    pub undetermined: Vec<W>,
    /// Reads that may be executed once the given index is applied.
    pub reads: Vec<(LogIndex, W)>,
}

impl<W> Effects<W> {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        !self.role_changed
            && !self.leader_changed
            && !self.snapshot_wanted
            && self.snapshot.is_none()
            && self.undetermined.is_empty()
            && self.messages.is_empty()
            && self.persist.is_empty()
            && self.committed.is_empty()
            && self.stale.is_empty()
            && self.reads.is_empty()
    }
}

impl<W> Default for Effects<W> {
    fn default() -> Self {
        Effects {
            role_changed: false,
            leader_changed: false,
            snapshot: None,
            snapshot_wanted: false,
            undetermined: Vec::new(),
            messages: Vec::new(),
            persist: Vec::new(),
            committed: Vec::new(),
            stale: Vec::new(),
            reads: Vec::new(),
        }
    }
}
