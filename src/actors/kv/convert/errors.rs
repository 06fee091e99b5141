//! Errors and locks.

use super::{Unreadable, part};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::storage::proto::{errorpb, kvrpcpb};
use crate::storage::region::convert::{peer_from_proto, peer_to_proto};
use crate::storage::region::{Peer, PeerRole};
use crate::storage::txn::{Busy, KeyError, LockInfo, LockKind, RegionError, RequestError};

/// The form of an error of a region.
pub fn region_error_to_proto(error: &RegionError) -> errorpb::Error {
    let mut proto = errorpb::Error { message: error.to_string(), ..errorpb::Error::default() };
    match error {
        RegionError::NotLeader { region_id, leader } => {
            let leader = leader
                .map(|(id, store_id)| peer_to_proto(Peer { id, store_id, role: PeerRole::Voter }));
            proto.not_leader = Some(errorpb::NotLeader { region_id: region_id.0, leader });
        }
        RegionError::RegionNotFound(id) => {
            proto.region_not_found = Some(errorpb::RegionNotFound { region_id: id.0 });
        }
        RegionError::EpochNotMatch(id) => {
            let region_id = id.0;
            proto.epoch_not_match =
                Some(errorpb::EpochNotMatch { region_id, ..errorpb::EpochNotMatch::default() });
        }
        RegionError::KeyNotInRegion(id) => {
            let region_id = id.0;
            proto.key_not_in_region =
                Some(errorpb::KeyNotInRegion { region_id, ..errorpb::KeyNotInRegion::default() });
        }
        RegionError::ServerIsBusy(reason) => {
            let (kind, reason) = (reason.number(), reason.text().to_owned());
            proto.server_is_busy = Some(errorpb::ServerIsBusy { reason, backoff_ms: 0, kind });
        }
        RegionError::Undetermined(id) => {
            let message = error.to_string();
            proto.undetermined_result =
                Some(errorpb::UndeterminedResult { message, region_id: id.0 });
        }
        RegionError::DiskFull(store_id) => {
            let (store_id, reason) = (vec![store_id.0], error.to_string());
            proto.disk_full = Some(errorpb::DiskFull { store_id, reason });
        }
        RegionError::StaleCommand(id) => {
            proto.stale_command = Some(errorpb::StaleCommand { region_id: id.0 });
        }
    }
    proto
}

/// An error of a region out of its form.
pub fn region_error(proto: errorpb::Error) -> Result<RegionError, Unreadable> {
    if let Some(error) = proto.not_leader {
        let leader = error.leader.map(peer_from_proto).map(|peer| (peer.id, peer.store_id));
        return Ok(RegionError::NotLeader { region_id: RegionId(error.region_id), leader });
    }
    if let Some(error) = proto.region_not_found {
        return Ok(RegionError::RegionNotFound(RegionId(error.region_id)));
    }
    if let Some(error) = proto.epoch_not_match {
        return Ok(RegionError::EpochNotMatch(RegionId(error.region_id)));
    }
    if let Some(error) = proto.key_not_in_region {
        return Ok(RegionError::KeyNotInRegion(RegionId(error.region_id)));
    }
    if let Some(error) = proto.server_is_busy {
        return Ok(RegionError::ServerIsBusy(Busy::from_number(error.kind)));
    }
    if let Some(error) = proto.disk_full {
        let store_id = error.store_id.first().copied().unwrap_or_default();
        return Ok(RegionError::DiskFull(StoreId(store_id)));
    }
    if let Some(error) = proto.undetermined_result {
        return Ok(RegionError::Undetermined(RegionId(error.region_id)));
    }
    if let Some(error) = proto.stale_command {
        return Ok(RegionError::StaleCommand(RegionId(error.region_id)));
    }
    Err(format!("it has an error of a region that is not known: {}", proto.message))
}

/// The form of an error: of the region, or of the keys.
pub fn request_error_to_proto(
    error: RequestError,
) -> (Option<errorpb::Error>, Option<kvrpcpb::KeyError>) {
    match error {
        RequestError::Region(error) => (Some(region_error_to_proto(&error)), None),
        RequestError::Key(error) => (None, Some(key_error_to_proto(error))),
        RequestError::Storage(abort) => {
            (None, Some(kvrpcpb::KeyError { abort, ..kvrpcpb::KeyError::default() }))
        }
        RequestError::TooLarge(too_large) => {
            (None, Some(kvrpcpb::KeyError { too_large, ..kvrpcpb::KeyError::default() }))
        }
        RequestError::Refused(refused) => {
            (None, Some(kvrpcpb::KeyError { refused, ..kvrpcpb::KeyError::default() }))
        }
    }
}

/// An error out of its form; `None`: there is none.
pub(super) fn request_error(
    region: Option<errorpb::Error>,
    key: Option<kvrpcpb::KeyError>,
) -> Result<Option<RequestError>, Unreadable> {
    match (region, key) {
        (Some(error), _) => Ok(Some(region_error(error)?.into())),
        (None, Some(error)) => key_error(error).map(Some),
        (None, None) => Ok(None),
    }
}

fn key_error_to_proto(error: KeyError) -> kvrpcpb::KeyError {
    let mut proto = kvrpcpb::KeyError::default();
    match error {
        KeyError::Locked(lock) => proto.locked = Some(lock_to_proto(*lock)),
        KeyError::WriteConflict { start_ts, conflict_start_ts, conflict_commit_ts, key } => {
            proto.conflict = Some(kvrpcpb::WriteConflict {
                start_ts: start_ts.0,
                conflict_ts: conflict_start_ts.0,
                key,
                conflict_commit_ts: conflict_commit_ts.0,
            });
        }
        KeyError::AlreadyExists { key, value } => {
            proto.already_exist = Some(kvrpcpb::AlreadyExist { key, value });
        }
        KeyError::Deadlock { key, lock_ts } => {
            proto.deadlock = Some(kvrpcpb::Deadlock { lock_ts: lock_ts.0, lock_key: key });
        }
        KeyError::LockWaitTimeout { lock } => {
            proto.lock_wait_timeout = Some(lock_to_proto(*lock));
        }
        KeyError::TxnLockNotFound { start_ts, key } => {
            proto.txn_lock_not_found = Some(kvrpcpb::TxnLockNotFound { key, start_ts: start_ts.0 });
        }
        KeyError::PessimisticLockNotFound { start_ts, key } => {
            proto.pessimistic_lock_not_found =
                Some(kvrpcpb::TxnLockNotFound { key, start_ts: start_ts.0 });
        }
        KeyError::Committed { commit_ts } => proto.committed = commit_ts.0,
        KeyError::TxnNotFound { start_ts, primary } => {
            proto.txn_not_found =
                Some(kvrpcpb::TxnNotFound { start_ts: start_ts.0, primary_key: primary });
        }
        KeyError::CommitTsExpired { commit_ts, min_commit_ts, key } => {
            proto.commit_ts_expired = Some(kvrpcpb::CommitTsExpired {
                attempted_commit_ts: commit_ts.0,
                key,
                min_commit_ts: min_commit_ts.0,
            });
        }
        KeyError::AssertionFailed { start_ts, key } => {
            proto.assertion_failed = Some(kvrpcpb::AssertionFailed { start_ts: start_ts.0, key });
        }
    }
    proto
}

/// An error of keys, or of the engine, out of its form.
pub fn key_error(proto: kvrpcpb::KeyError) -> Result<RequestError, Unreadable> {
    let ts = Timestamp;
    let error = if let Some(lock) = proto.locked {
        KeyError::Locked(Box::new(lock_info(lock)?))
    } else if let Some(error) = proto.conflict {
        KeyError::WriteConflict {
            start_ts: ts(error.start_ts),
            conflict_start_ts: ts(error.conflict_ts),
            conflict_commit_ts: ts(error.conflict_commit_ts),
            key: error.key,
        }
    } else if let Some(error) = proto.already_exist {
        KeyError::AlreadyExists { key: error.key, value: error.value }
    } else if let Some(error) = proto.deadlock {
        KeyError::Deadlock { key: error.lock_key, lock_ts: ts(error.lock_ts) }
    } else if let Some(lock) = proto.lock_wait_timeout {
        KeyError::LockWaitTimeout { lock: Box::new(lock_info(lock)?) }
    } else if let Some(error) = proto.txn_lock_not_found {
        KeyError::TxnLockNotFound { start_ts: ts(error.start_ts), key: error.key }
    } else if let Some(error) = proto.pessimistic_lock_not_found {
        KeyError::PessimisticLockNotFound { start_ts: ts(error.start_ts), key: error.key }
    } else if let Some(error) = proto.txn_not_found {
        KeyError::TxnNotFound { start_ts: ts(error.start_ts), primary: error.primary_key }
    } else if let Some(error) = proto.commit_ts_expired {
        KeyError::CommitTsExpired {
            commit_ts: ts(error.attempted_commit_ts),
            min_commit_ts: ts(error.min_commit_ts),
            key: error.key,
        }
    } else if let Some(error) = proto.assertion_failed {
        KeyError::AssertionFailed { start_ts: ts(error.start_ts), key: error.key }
    } else if proto.committed != 0 {
        KeyError::Committed { commit_ts: ts(proto.committed) }
    } else if !proto.abort.is_empty() {
        return Ok(RequestError::Storage(proto.abort));
    } else if !proto.too_large.is_empty() {
        return Ok(RequestError::TooLarge(proto.too_large));
    } else if !proto.refused.is_empty() {
        return Ok(RequestError::Refused(proto.refused));
    } else {
        return Err("it has an error of a key that is not known".to_owned());
    };
    Ok(error.into())
}

/// The form of a lock.
pub(super) fn lock_to_proto(lock: LockInfo) -> kvrpcpb::LockInfo {
    let op = match lock.kind {
        LockKind::Put => kvrpcpb::Op::Put,
        LockKind::Delete => kvrpcpb::Op::Del,
        LockKind::Lock => kvrpcpb::Op::Lock,
        LockKind::Pessimistic => kvrpcpb::Op::PessimisticLock,
    };
    kvrpcpb::LockInfo {
        primary_lock: lock.primary,
        lock_version: lock.start_ts.0,
        key: lock.key,
        lock_ttl: lock.ttl_ms,
        txn_size: lock.txn_size,
        lock_type: op as i32,
        lock_for_update_ts: lock.for_update_ts.0,
        use_async_commit: lock.use_async_commit,
        min_commit_ts: lock.min_commit_ts.0,
        secondaries: lock.secondaries,
    }
}

/// A lock out of its form.
pub(super) fn lock_info(proto: kvrpcpb::LockInfo) -> Result<LockInfo, Unreadable> {
    let kind = match kvrpcpb::Op::try_from(proto.lock_type) {
        Ok(kvrpcpb::Op::Put) => LockKind::Put,
        Ok(kvrpcpb::Op::Del) => LockKind::Delete,
        Ok(kvrpcpb::Op::Lock) => LockKind::Lock,
        Ok(kvrpcpb::Op::PessimisticLock) => LockKind::Pessimistic,
        _ => return Err(format!("{} is not the type of a lock", proto.lock_type)),
    };
    Ok(LockInfo {
        key: proto.key,
        primary: proto.primary_lock,
        start_ts: Timestamp(proto.lock_version),
        ttl_ms: proto.lock_ttl,
        txn_size: proto.txn_size,
        kind,
        for_update_ts: Timestamp(proto.lock_for_update_ts),
        min_commit_ts: Timestamp(proto.min_commit_ts),
        use_async_commit: proto.use_async_commit,
        secondaries: proto.secondaries,
    })
}

/// A lock that must be there.
pub(super) fn lock_part(proto: Option<kvrpcpb::LockInfo>) -> Result<LockInfo, Unreadable> {
    lock_info(part(proto, "lock")?)
}
