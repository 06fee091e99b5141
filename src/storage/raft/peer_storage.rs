//! The raft crate's view of a region: its log, and who its members are.

use parking_lot::Mutex;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

use super::log_store::{LogPosition, RegionLog};
use crate::common::LogIndex;
use crate::storage::engine::WriteBatch;

/// One region's log and members.
pub struct PeerStorage {
    log: RegionLog,
    conf_state: ConfState,
    /// What is applied was committed, even if the note of it never reached the disk.
    least_commit: u64,
    snapshot: Mutex<SnapshotSlot>,
}

/// A snapshot takes time to make: the raft crate is told to ask again until it is there.
enum SnapshotSlot {
    Empty,
    /// Asked for, for this peer.
    Wanted(u64),
    Made(Snapshot),
}

impl PeerStorage {
    /// A log that goes on from what is on disk, and has been applied up to `applied`.
    pub fn new(log: RegionLog, conf_state: ConfState, applied: LogIndex) -> PeerStorage {
        PeerStorage {
            log,
            conf_state,
            least_commit: applied.0,
            snapshot: Mutex::new(SnapshotSlot::Empty),
        }
    }

    /// The log.
    pub fn log(&self) -> &RegionLog {
        &self.log
    }

    /// Takes entries that are on their way to the disk, and what writes them. They may replace a
    /// tail of the log.
    pub fn append(&mut self, entries: &[Entry], hard_state: &HardState, batch: &mut WriteBatch) {
        self.log.append(entries, Some(hard_state), batch);
    }

    /// The disk has everything up to here.
    pub fn persisted(&mut self, position: LogPosition) {
        self.log.persisted(position);
    }

    /// Forgets the log up to a position. The batch must not be written before what it did is
    /// durable.
    pub fn compact(&mut self, to: LogPosition, batch: &mut WriteBatch) {
        self.log.compact(to, batch);
    }

    /// Starts over behind a snapshot.
    pub fn restart_at(&mut self, snapshot: LogPosition, batch: &mut WriteBatch) {
        self.log.restart_at(snapshot, batch);
    }

    /// The peer for which a snapshot was asked for since the last call.
    pub fn take_wanted(&mut self) -> Option<u64> {
        let slot = self.snapshot.get_mut();
        match slot {
            SnapshotSlot::Wanted(to) => {
                let to = *to;
                *slot = SnapshotSlot::Empty;
                Some(to)
            }
            SnapshotSlot::Empty | SnapshotSlot::Made(_) => None,
        }
    }

    /// A snapshot is there for whoever asks next.
    pub fn put_snapshot(&mut self, snapshot: Snapshot) {
        *self.snapshot.get_mut() = SnapshotSlot::Made(snapshot);
    }

    /// Gives the memory of a region back that goes to sleep.
    pub fn release(&mut self) {
        self.log.shrink_cache(0);
    }
}

impl Storage for PeerStorage {
    fn initial_state(&self) -> raft::Result<RaftState> {
        let mut hard_state = self.log.hard_state().clone();
        hard_state.commit = hard_state.commit.max(self.least_commit);
        Ok(RaftState::new(hard_state, self.conf_state.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        Ok(self.log.entries(LogIndex(low), LogIndex(high), max_size.into())?)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        // Beyond the end there is no term; the raft crate asks in order to find that out.
        Ok(self.log.term(LogIndex(index))?.0)
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.log.first_index().0)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.log.last().index.0)
    }

    /// A snapshot that was made for this, or a promise to make one.
    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        let mut slot = self.snapshot.lock();
        let wanted = SnapshotSlot::Wanted(to);
        if let SnapshotSlot::Made(snapshot) = std::mem::replace(&mut *slot, wanted) {
            let index = snapshot.get_metadata().index;
            if index >= request_index && index >= self.log.truncated().index.0 {
                *slot = SnapshotSlot::Empty;
                return Ok(snapshot);
            }
        }
        Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable))
    }
}
