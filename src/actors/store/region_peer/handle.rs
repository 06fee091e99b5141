//! The way of reports to a peer, which no crowd of clients can block.

use std::sync::Arc;

use parking_lot::Mutex;

use super::messages::Wake;
use crate::actors::runtime::Address;
use crate::common::{LogIndex, PeerId, Term};
use crate::storage::raft::LogPosition;
use crate::storage::region::apply::Outcome;
use crate::storage::region::entry::MergeSource;
use crate::storage::txn::{CommandId, RegionError};

/// What others of the store report to a peer.
#[derive(Debug)]
pub enum Report {
    /// A write of the log, and all before it, are durable.
    Persisted {
        /// Which.
        number: u64,
        /// The log's end with it.
        last: LogPosition,
    },
    /// Entries are applied.
    Applied(Box<AppliedReport>),
    /// The region takes over another one, whose replica on this store must be applied first.
    AwaitSource(Box<MergeSource>),
    /// A snapshot was sent, or could not be.
    SnapshotSent {
        /// To which replica.
        to: PeerId,
        /// Whether the other store has it.
        sent: bool,
    },
}

/// What a batch of an applier did to one region.
#[derive(Debug, Default)]
pub struct AppliedReport {
    /// The last entry applied.
    pub index: LogIndex,
    /// Its term.
    pub term: Term,
    /// The commands of this replica among the entries, and why those that are void are.
    pub commands: Vec<(CommandId, Option<RegionError>)>,
    /// What the entries did to the region itself, in order; with a change of members, what the raft
    /// crate knows it by.
    pub outcomes: Vec<(Outcome, Vec<u8>)>,
    /// The log up to here may go: the applied state is durable.
    pub compacted: Option<LogPosition>,
    /// Bytes added to the region.
    pub bytes: u64,
    /// Versions added to the region.
    pub keys: u64,
}

/// A peer as those see it that report to it.
#[derive(Clone)]
pub struct PeerHandle {
    inbox: Arc<Mutex<Vec<Report>>>,
    bell: Address<Wake>,
}

impl PeerHandle {
    /// The handle of the peer with this bell.
    pub fn new(bell: Address<Wake>) -> PeerHandle {
        PeerHandle { inbox: Arc::default(), bell }
    }

    /// Leaves a report, and rings if the inbox was empty.
    pub fn report(&self, report: Report) {
        let mut inbox = self.inbox.lock();
        inbox.push(report);
        let ring = inbox.len() == 1;
        drop(inbox);
        if ring {
            // A full mailbox needs no bell: its owner looks into the inbox with each message.
            let _ = self.bell.tell(Wake);
        }
    }

    /// Whether no report waits.
    pub(super) fn is_empty(&self) -> bool {
        self.inbox.lock().is_empty()
    }

    /// Takes all reports, oldest first.
    pub(super) fn take(&self) -> Vec<Report> {
        std::mem::take(&mut *self.inbox.lock())
    }
}
