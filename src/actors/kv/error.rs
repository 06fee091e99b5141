//! Why the client gave up, and how MySQL says it.

use super::metrics;
use crate::actors::pd::PdError;
use crate::common::{SqlError, Timestamp, errno};
use crate::storage::txn::{KeyError, RegionError};

/// MySQL's number for a lock not available at once under `NOWAIT`.
const LOCK_NOWAIT: u16 = 3572;

/// A result of the client's inner parts.
pub(super) type Result<T> = std::result::Result<T, Error>;

/// A failure that trying again did not cure.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Error {
    /// The region kept refusing until the time was up.
    #[error("{0}")]
    Region(RegionError),
    /// The keys forbid it.
    #[error("{0}")]
    Key(KeyError),
    /// Another transaction held a lock until the time was up.
    #[error("resolve lock timeout")]
    StillLocked,
    /// A statement waited for a lock as long as it may.
    #[error("lock wait timeout")]
    WaitedTooLong,
    /// A commit met a lock for which it must not wait, as it holds locks itself.
    #[error("a commit gives way")]
    GivesWay,
    /// A lock is held, and the statement does not wait.
    #[error("lock not available")]
    NoWait,
    /// The placement driver gave no answer.
    #[error("{0}")]
    Pd(#[from] PdError),
    /// The store's engine failed.
    #[error("storage: {0}")]
    Storage(String),
    /// The answer does not fit the question: a bug.
    #[error("unexpected answer to {0}")]
    Unexpected(&'static str),
    /// The commit was sent and its outcome is not known.
    #[error("undetermined")]
    Undetermined,
}

impl Error {
    /// The error a client of MySQL sees, for the transaction that met it.
    pub(super) fn into_sql(self, start_ts: Timestamp) -> SqlError {
        match self {
            Error::Region(error) => region_error(&error),
            Error::Key(error) => key_error(&error, start_ts),
            Error::StillLocked => {
                SqlError::new(errno::RESOLVE_LOCK_TIMEOUT, "Resolve lock timeout")
            }
            Error::GivesWay => deadlock(),
            Error::WaitedTooLong => lock_wait_timeout(),
            Error::NoWait => SqlError::new(
                LOCK_NOWAIT,
                "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.",
            ),
            Error::Pd(error) => SqlError::new(errno::TIKV_SERVER_TIMEOUT, error.to_string()),
            Error::Storage(error) => SqlError::internal(format_args!("storage: {error}")),
            Error::Unexpected(what) => {
                SqlError::internal(format_args!("unexpected answer to {what}"))
            }
            Error::Undetermined => SqlError::new(
                errno::UNDETERMINED_COMMIT,
                "Result undetermined: the commit was sent, and it is not known whether it took effect",
            ),
        }
    }
}

fn deadlock() -> SqlError {
    SqlError::new(
        errno::LOCK_DEADLOCK,
        "Deadlock found when trying to get lock; try restarting transaction",
    )
}

fn lock_wait_timeout() -> SqlError {
    SqlError::new(
        errno::LOCK_WAIT_TIMEOUT,
        "Lock wait timeout exceeded; try restarting transaction",
    )
}

fn region_error(error: &RegionError) -> SqlError {
    match error {
        RegionError::ServerIsBusy(what) => {
            SqlError::new(errno::SERVER_BUSY, format!("Server is busy: {what}"))
        }
        RegionError::DiskFull(store_id) => SqlError::new(
            errno::DISK_FULL,
            format!("Disk full (store {store_id}); reads go on, writes wait for free space"),
        ),
        other => {
            SqlError::new(errno::REGION_UNAVAILABLE, format!("Region is unavailable: {other}"))
        }
    }
}

fn key_error(error: &KeyError, start_ts: Timestamp) -> SqlError {
    metrics::count(error);
    let conflict = |detail: String| {
        SqlError::new(
            errno::WRITE_CONFLICT,
            format!("Write conflict, txnStartTS={start_ts}, {detail}"),
        )
    };
    match error {
        KeyError::WriteConflict { conflict_start_ts, conflict_commit_ts, key, .. } => {
            conflict(format!(
                "conflictStartTS={conflict_start_ts}, conflictCommitTS={conflict_commit_ts}, key={key:X} [try again later]"
            ))
        }
        KeyError::PessimisticLockNotFound { key, .. } => {
            conflict(format!("key={key:X}, reason=the lock expired [try again later]"))
        }
        KeyError::TxnLockNotFound { key, .. } => conflict(format!(
            "key={key:X}, reason=the transaction was rolled back after its locks expired [try again later]"
        )),
        KeyError::AlreadyExists { key, .. } => SqlError::new(errno::DUP_ENTRY, format!("{key:X}")),
        KeyError::Deadlock { .. } => deadlock(),
        KeyError::LockWaitTimeout { .. } => lock_wait_timeout(),
        KeyError::Locked(_) => SqlError::new(errno::RESOLVE_LOCK_TIMEOUT, "Resolve lock timeout"),
        other => SqlError::internal(other),
    }
}
