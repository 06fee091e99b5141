//! What goes wrong outside of a statement's own text, as data; and the one place that gives it MySQL's number and words.

use bytes::Bytes;

use super::errno;
use crate::common::{RegionId, StoreId, Timestamp};

/// What went wrong, with what somebody may want to know of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A commit found a key that must not exist. Whoever knows the schema says it in MySQL's words.
    #[error("Duplicate entry '{key:X}' for key")]
    DuplicateKey {
        /// The key: of a row, or of an entry in a unique index.
        key: Bytes,
        /// What was to be written under it; else what is there.
        value: Bytes,
    },
    /// A generated value turned out to be in use: others will be generated.
    #[error("a generated value is in use already")]
    GeneratedIdInUse,
    /// Another transaction was faster.
    #[error("Write conflict, txnStartTS={start_ts}, {conflict} [try again later]")]
    WriteConflict {
        /// The transaction that failed.
        start_ts: Timestamp,
        /// What it met.
        conflict: Conflict,
    },
    /// A wait would have closed a circle, or a commit gave way to one.
    #[error("Deadlock found when trying to get lock; try restarting transaction")]
    Deadlock,
    /// A lock of a row or a table was waited for as long as it may be.
    #[error("Lock wait timeout exceeded; try restarting transaction")]
    LockWaitTimeout,
    /// A lock is held, and the statement does not wait.
    #[error(
        "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set."
    )]
    LockNotAvailable,
    /// A lock stood in a reader's or a commit's way until its time was up.
    #[error("Resolve lock timeout")]
    ResolveLockTimeout,
    /// The commit was sent, and nobody knows what became of it.
    #[error("Result undetermined: the commit was sent, and it is not known whether it took effect")]
    Undetermined,
    /// The placement driver gave no answer until the time was up.
    #[error("PD server timeout: {0}")]
    PlacementUnavailable(String),
    /// There was too much to do until the time was up.
    #[error("Server is busy: {0}")]
    ServerBusy(&'static str),
    /// A region could not serve until the time was up.
    #[error("Region is unavailable: {reason}")]
    RegionUnavailable {
        /// Which.
        region: RegionId,
        /// What it was at last.
        reason: String,
    },
    /// The disk of a store is full.
    #[error("Disk full (store {0}); reads go on, writes wait for free space")]
    DiskFull(StoreId),
    /// A transaction holds more than it may.
    #[error("Transaction is too large, size: {0}")]
    TransactionTooLarge(usize),
    /// A row or an index entry is larger than it may be.
    #[error("entry too large, the max entry size is {most}, the size of data is {size}")]
    EntryTooLarge {
        /// What it may have.
        most: usize,
        /// What it has.
        size: usize,
    },
    /// A value, an answer or a write does not fit through a place that has a limit of its own.
    #[error("entry too large: {0}")]
    DoesNotFit(String),
    /// KILL, or a client that is gone.
    #[error("Query execution was interrupted")]
    Interrupted,
    /// `max_execution_time` is over.
    #[error("Query execution was interrupted, maximum statement execution time exceeded")]
    TimedOut,
    /// This node has lost touch with its cluster, and cannot know whether its schema is the newest.
    #[error(
        "Information schema is out of date: schema failed to update in 1 lease, please make sure this node can connect to the placement driver"
    )]
    SchemaOutOfDate,
    /// A table was changed since the statement was planned.
    #[error(
        "Information schema is changed during the execution of the statement (for example, table definition may be updated by other DDL ran in parallel). [try again later]"
    )]
    SchemaChanged,
    /// SIGNAL: what a program has raised.
    #[error("{}", .0.message)]
    Signal(Box<Signalled>),
    /// The engine of a store failed.
    #[error("internal error: storage: {0}")]
    Storage(String),
}

/// What SIGNAL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signalled {
    /// SQLSTATE.
    pub state: String,
    /// MYSQL_ERRNO.
    pub code: u16,
    /// MESSAGE_TEXT.
    pub message: String,
    /// What else it says, by the items' names.
    pub items: Vec<(&'static str, String)>,
}

/// What another transaction did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// It committed a newer version.
    #[error("conflictStartTS={start_ts}, conflictCommitTS={commit_ts}, key={key:X}")]
    Newer {
        /// The other transaction.
        start_ts: Timestamp,
        /// When it committed.
        commit_ts: Timestamp,
        /// The key.
        key: Bytes,
    },
    /// It took a lock away that had expired.
    #[error("key={key:X}, reason=the lock expired")]
    LockExpired {
        /// The key.
        key: Bytes,
    },
    /// It rolled the transaction back, whose locks had expired.
    #[error("key={key:X}, reason=the transaction was rolled back after its locks expired")]
    RolledBack {
        /// The key.
        key: Bytes,
    },
}

impl Fault {
    /// MySQL's number for it.
    pub fn code(&self) -> u16 {
        match self {
            Fault::DuplicateKey { .. } => errno::DUP_ENTRY,
            Fault::GeneratedIdInUse | Fault::WriteConflict { .. } => errno::WRITE_CONFLICT,
            Fault::Deadlock => errno::LOCK_DEADLOCK,
            Fault::LockWaitTimeout => errno::LOCK_WAIT_TIMEOUT,
            Fault::LockNotAvailable => errno::LOCK_NOWAIT,
            Fault::ResolveLockTimeout => errno::RESOLVE_LOCK_TIMEOUT,
            Fault::Undetermined => errno::UNDETERMINED_COMMIT,
            Fault::PlacementUnavailable(_) => errno::PD_SERVER_TIMEOUT,
            Fault::ServerBusy(_) => errno::SERVER_BUSY,
            Fault::RegionUnavailable { .. } => errno::REGION_UNAVAILABLE,
            Fault::DiskFull(_) => errno::DISK_FULL,
            Fault::TransactionTooLarge(_) => errno::TXN_TOO_LARGE,
            Fault::EntryTooLarge { .. } | Fault::DoesNotFit(_) => errno::ENTRY_TOO_LARGE,
            Fault::Interrupted => errno::QUERY_INTERRUPTED,
            Fault::TimedOut => errno::QUERY_TIMEOUT,
            Fault::SchemaOutOfDate => errno::INFO_SCHEMA_EXPIRED,
            Fault::SchemaChanged => errno::INFO_SCHEMA_CHANGED,
            Fault::Signal(signal) => signal.code,
            Fault::Storage(_) => errno::UNKNOWN,
        }
    }
}
