//! Why the client gave up, and what that is to the rest of the node.

use super::metrics;
use crate::actors::pd::PdError;
use crate::common::{Conflict, ErrorClass, Fault, SqlError, Timestamp};
use crate::storage::txn::{KeyError, RegionError};

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
    /// What a SERIALIZABLE transaction has read is not so any more.
    #[error("what the transaction has read was changed")]
    ReadsChanged,
    /// A lock is held, and the statement does not wait.
    #[error("lock not available")]
    NoWait,
    /// The placement driver gave no answer.
    #[error("{0}")]
    Pd(#[from] PdError),
    /// The store's engine failed.
    #[error("storage: {0}")]
    Storage(String),
    /// The request or its answer does not fit through a place on its way.
    #[error("{0}")]
    TooLarge(String),
    /// The region does not do that: a bug.
    #[error("{0}")]
    Refused(String),
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
        let fault = match self {
            Error::Region(error) => region_fault(error),
            Error::Key(error) => {
                metrics::count(&error);
                match key_fault(error, start_ts) {
                    Ok(fault) => fault,
                    Err(other) => return SqlError::internal(other),
                }
            }
            Error::StillLocked => Fault::ResolveLockTimeout,
            Error::GivesWay => Fault::Deadlock,
            Error::ReadsChanged => {
                metrics::count_changed_reads();
                Fault::Deadlock
            }
            Error::WaitedTooLong => Fault::LockWaitTimeout,
            Error::NoWait => Fault::LockNotAvailable,
            Error::Pd(error) if error.class() == ErrorClass::Deterministic => {
                return SqlError::internal(error);
            }
            Error::Pd(error) => Fault::PlacementUnavailable(error.to_string()),
            Error::Storage(error) => Fault::Storage(error),
            Error::TooLarge(error) => Fault::DoesNotFit(error),
            Error::Undetermined => Fault::Undetermined,
            Error::Refused(_) | Error::Unexpected(_) => return SqlError::internal(self),
        };
        fault.into()
    }
}

fn region_fault(error: RegionError) -> Fault {
    let reason = error.to_string();
    let unavailable = |region, reason| Fault::RegionUnavailable { region, reason };
    match error {
        RegionError::ServerIsBusy(reason) => Fault::ServerBusy(reason.text()),
        RegionError::DiskFull(store) => Fault::DiskFull(store),
        // Where the outcome decides, the commit says that it is not known. What else was not answered is undone with its statement.
        RegionError::Undetermined(region) => {
            unavailable(region, format!("region {region} did not answer"))
        }
        RegionError::NotLeader { region_id: region, .. }
        | RegionError::RegionNotFound(region)
        | RegionError::EpochNotMatch(region)
        | RegionError::KeyNotInRegion(region)
        | RegionError::StaleCommand(region) => unavailable(region, reason),
    }
}

/// What a key's refusal is, or the refusal if a transaction that is kept right never meets it.
fn key_fault(error: KeyError, start_ts: Timestamp) -> std::result::Result<Fault, KeyError> {
    let conflict = |conflict| Ok(Fault::WriteConflict { start_ts, conflict });
    match error {
        KeyError::WriteConflict { conflict_start_ts, conflict_commit_ts, key, .. } => {
            conflict(Conflict::Newer {
                start_ts: conflict_start_ts,
                commit_ts: conflict_commit_ts,
                key,
            })
        }
        KeyError::PessimisticLockNotFound { key, .. } => conflict(Conflict::LockExpired { key }),
        KeyError::TxnLockNotFound { key, .. } => conflict(Conflict::RolledBack { key }),
        KeyError::AlreadyExists { key, value } => Ok(Fault::DuplicateKey { key, value }),
        KeyError::Deadlock { .. } => Ok(Fault::Deadlock),
        KeyError::LockWaitTimeout { .. } => Ok(Fault::LockWaitTimeout),
        KeyError::Locked(_) => Ok(Fault::ResolveLockTimeout),
        KeyError::Committed { .. }
        | KeyError::TxnNotFound { .. }
        | KeyError::CommitTsExpired { .. }
        | KeyError::AssertionFailed { .. } => Err(error),
    }
}
