//! Why a request was not carried out, as data.

use bytes::Bytes;

use super::LockInfo;
use crate::common::retry::Effect;
use crate::common::{ErrorClass, PeerId, RegionId, StoreId, Timestamp};

macro_rules! busy {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why a region takes a request later.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Busy {
            $($(#[$doc])* $name = $number,)*
        }

        impl Busy {
            /// All of them.
            pub const ALL: &[Busy] = &[$(Busy::$name),*];

            /// The reason in words.
            pub fn text(self) -> &'static str {
                match self {
                    $(Busy::$name => $text,)*
                }
            }

            /// Its number between nodes.
            pub fn number(self) -> u32 {
                self as u32
            }

            /// The reason with a number; [`Busy::Otherwise`] where a newer node has more of them.
            pub fn from_number(number: u32) -> Busy {
                match number {
                    $($number => Busy::$name,)*
                    _ => Busy::Otherwise,
                }
            }
        }
    };
}

busy! {
    /// One that is not told.
    Otherwise = 0, "the region has too much to do";
    /// Its mailbox is full.
    Mailbox = 1, "the region's mailbox is full";
    /// It was asked, and what was asked cannot have changed anything.
    NoAnswer = 2, "the region did not answer";
    /// Too many commands are in flight.
    Commands = 3, "too many commands in the region";
    /// The log writer has a backlog.
    LogWriter = 4, "the log writer is behind";
    /// The applier has a backlog.
    Applier = 5, "the applier is behind";
    /// The log takes no more proposals for now.
    Log = 6, "too much is on its way to the log";
    /// It changes its leader.
    Handover = 7, "the region changes its leader";
    /// It merges.
    Merging = 8, "the region is merging";
    /// It changes its replicas.
    Membership = 9, "the region changes its replicas";
    /// It splits.
    Splitting = 10, "the region is splitting";
    /// A replica has not caught up.
    ReplicaLags = 11, "a replica lags too far";
    /// The other replica did not take the lead.
    NotHandedOver = 12, "the region was not handed over";
    /// The replica asked has no data yet.
    AwaitsSnapshot = 13, "the replica waits for a snapshot";
    /// Nobody leads.
    NoLeader = 14, "the region has no leader yet";
    /// The placement driver is away.
    NoIds = 15, "the placement driver gives no ids";
    /// A split came to nothing.
    NotSplit = 16, "the region could not be split";
}

/// The region cannot serve the request; the sender refreshes its routes or waits, and tries again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// This peer does not lead; `leader` if it knows who does.
    #[error("region {region_id} is not led by this peer")]
    NotLeader {
        /// The region.
        region_id: RegionId,
        /// The peer and store that lead, if known.
        leader: Option<(PeerId, StoreId)>,
    },
    /// No such region on this store.
    #[error("region {0} is not on this store")]
    RegionNotFound(RegionId),
    /// The region split, merged or moved since the sender looked.
    #[error("region {0} has another epoch")]
    EpochNotMatch(RegionId),
    /// A key is outside the region.
    #[error("a key is not in region {0}")]
    KeyNotInRegion(RegionId),
    /// There is too much to do, or something else first; try again after a pause.
    #[error("server is busy: {}", .0.text())]
    ServerIsBusy(Busy),
    /// The proposal may or may not take effect: leadership or the node was lost while it was in flight.
    #[error("the outcome of the proposal in region {0} is unknown")]
    Undetermined(RegionId),
    /// The command became void before it was replicated (a term change); nothing was written.
    #[error("stale command in region {0}")]
    StaleCommand(RegionId),
    /// The disk of the store is nearly full; it serves reads only. Trying again soon does not help.
    #[error("the disk of store {0} is full: it takes no writes")]
    DiskFull(StoreId),
}

/// Why a request failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Wrong place or time; retry after refreshing.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The keys themselves forbid it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The engine failed.
    #[error("storage: {0}")]
    Storage(String),
    /// The request, or its answer, does not fit through the log or the bridge.
    #[error("{0}")]
    TooLarge(String),
    /// The region does not do that; another attempt would end in the same way.
    #[error("{0}")]
    Refused(String),
}

/// Why a key refuses a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another transaction holds a lock: resolve it, or wait.
    #[error("key is locked by transaction {}", .0.start_ts)]
    Locked(Box<LockInfo>),
    /// A newer version was committed after this transaction's start.
    #[error("write conflict: transaction {start_ts}, conflicting commit {conflict_commit_ts}")]
    WriteConflict {
        /// This transaction.
        start_ts: Timestamp,
        /// The transaction that committed in between.
        conflict_start_ts: Timestamp,
        /// When it committed.
        conflict_commit_ts: Timestamp,
        /// The key.
        key: Bytes,
    },
    /// The key exists though the mutation was an insert.
    #[error("key already exists")]
    AlreadyExists {
        /// The key.
        key: Bytes,
        /// The value it has.
        value: Bytes,
    },
    /// Waiting for `wait_for` would close a cycle.
    #[error("deadlock: transaction {lock_ts} waits for this one")]
    Deadlock {
        /// The key whose lock would be waited for.
        key: Bytes,
        /// The transaction that holds it.
        lock_ts: Timestamp,
    },
    /// The lock was not given up within the wait allowed.
    #[error("lock wait timeout")]
    LockWaitTimeout {
        /// The lock waited for.
        lock: Box<LockInfo>,
    },
    /// Commit of a transaction that was rolled back, or whose lock is gone.
    #[error("transaction {start_ts} has no lock: it was rolled back")]
    TxnLockNotFound {
        /// The transaction.
        start_ts: Timestamp,
        /// The key.
        key: Bytes,
    },
    /// The pessimistic lock a prewrite relies on is gone.
    #[error("pessimistic lock of transaction {start_ts} not found")]
    PessimisticLockNotFound {
        /// The transaction.
        start_ts: Timestamp,
        /// The key.
        key: Bytes,
    },
    /// Rollback of what is committed.
    #[error("transaction is committed at {commit_ts}")]
    Committed {
        /// When.
        commit_ts: Timestamp,
    },
    /// `CheckTxnStatus` found neither lock nor record, and was told not to roll back.
    #[error("transaction {start_ts} not found")]
    TxnNotFound {
        /// The transaction.
        start_ts: Timestamp,
        /// Its primary key.
        primary: Bytes,
    },
    /// The commit timestamp is below the lock's `min_commit_ts`: fetch a newer one.
    #[error("commit timestamp {commit_ts} is below {min_commit_ts}")]
    CommitTsExpired {
        /// What was tried.
        commit_ts: Timestamp,
        /// What is needed.
        min_commit_ts: Timestamp,
        /// The key.
        key: Bytes,
    },
    /// A mutation's assertion about the key's existence does not hold.
    #[error("assertion failed")]
    AssertionFailed {
        /// The transaction.
        start_ts: Timestamp,
        /// The key.
        key: Bytes,
    },
}

impl RegionError {
    /// What may be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            RegionError::NotLeader { leader: Some(_), .. }
            | RegionError::EpochNotMatch(_)
            | RegionError::KeyNotInRegion(_) => ErrorClass::Elsewhere,
            RegionError::NotLeader { leader: None, .. } | RegionError::RegionNotFound(_) => {
                ErrorClass::Away
            }
            RegionError::ServerIsBusy(_) | RegionError::StaleCommand(_) => ErrorClass::Busy,
            RegionError::Undetermined(_) => ErrorClass::Lost,
            RegionError::DiskFull(_) => ErrorClass::DiskFull,
        }
    }

    /// What it means that a request with this effect was sent and not answered; `otherwise`, if nothing can have been done by it.
    pub fn unanswered(region_id: RegionId, effect: Effect, otherwise: RegionError) -> RegionError {
        match effect.changes() {
            true => RegionError::Undetermined(region_id),
            false => otherwise,
        }
    }
}

impl KeyError {
    /// What may be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            KeyError::Locked(_) => ErrorClass::Locked,
            KeyError::WriteConflict { .. }
            | KeyError::TxnLockNotFound { .. }
            | KeyError::PessimisticLockNotFound { .. } => ErrorClass::Conflict,
            KeyError::Deadlock { .. } => ErrorClass::GaveWay,
            KeyError::LockWaitTimeout { .. } => ErrorClass::WaitedOut,
            KeyError::AlreadyExists { .. } => ErrorClass::Deterministic,
            KeyError::Committed { .. }
            | KeyError::TxnNotFound { .. }
            | KeyError::CommitTsExpired { .. }
            | KeyError::AssertionFailed { .. } => ErrorClass::Fatal,
        }
    }
}

impl RequestError {
    /// What may be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            RequestError::Region(error) => error.class(),
            RequestError::Key(error) => error.class(),
            RequestError::Storage(_) => ErrorClass::Fatal,
            RequestError::TooLarge(_) => ErrorClass::TooMuch,
            RequestError::Refused(_) => ErrorClass::Deterministic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_a_number_of_its_own() {
        for reason in Busy::ALL {
            assert_eq!(Busy::from_number(reason.number()), *reason);
        }
        assert_eq!(Busy::from_number(u32::MAX), Busy::Otherwise);
    }
}
