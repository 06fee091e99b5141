//! Names of the transactions' metrics.

use metrics::{counter, describe_counter};

use crate::storage::txn::KeyError;

/// Statements and commits that met other transactions, by what came of it.
const CONFLICTS: &str = "troupe_txn_conflicts_total";

/// Says what they mean.
pub(in crate::actors) fn describe() {
    describe_counter!(CONFLICTS, "meetings with other transactions that ended with an error");
}

/// Counts an error that another transaction is the reason of. Most are tried again and never reach a client.
pub(super) fn count(error: &KeyError) {
    let kind = match error {
        KeyError::WriteConflict { .. } => "write-conflict",
        KeyError::Deadlock { .. } => "deadlock",
        KeyError::LockWaitTimeout { .. } => "lock-wait-timeout",
        KeyError::Locked(_) => "locked",
        KeyError::PessimisticLockNotFound { .. } | KeyError::TxnLockNotFound { .. } => "lock-lost",
        _ => return,
    };
    counter!(CONFLICTS, "kind" => kind).increment(1);
}

/// Counts a SERIALIZABLE transaction whose reads were changed by another.
pub(super) fn count_changed_reads() {
    counter!(CONFLICTS, "kind" => "reads-changed").increment(1);
}
