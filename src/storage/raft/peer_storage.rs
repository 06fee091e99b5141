//! The raft crate's view of a region: its log, and who its members are.

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
}

impl PeerStorage {
    /// A log that goes on from what is on disk, and has been applied up to `applied`.
    pub fn new(log: RegionLog, conf_state: ConfState, applied: LogIndex) -> PeerStorage {
        PeerStorage { log, conf_state, least_commit: applied.0 }
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

    /// Replicas that lag behind the compacted log must wait: there is nobody to make them a
    /// snapshot yet.
    fn snapshot(&self, _request_index: u64, _to: u64) -> raft::Result<Snapshot> {
        Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable))
    }
}
