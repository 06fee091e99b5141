//! Answers.

use std::time::Duration;

use super::errors::{lock_info, lock_part, lock_to_proto, request_error, request_error_to_proto};
use super::{Unreadable, part};
use crate::actors::store::CommandReply;
use crate::common::Timestamp;
use crate::storage::proto::kv_command as wire;
use crate::storage::proto::kv_command::command_reply::Cmd;
use crate::storage::proto::kvrpcpb as pb;
use crate::storage::region::Region;
use crate::storage::region::convert::{region_from_proto, region_to_proto};
use crate::storage::txn::{KvPair, KvResponse, RequestError, TxnStatus};

/// The form of an answer.
pub fn reply_to_proto(reply: CommandReply) -> wire::CommandReply {
    match reply {
        Ok(response) => wire::CommandReply {
            cmd: Some(response_to_proto(response)),
            ..wire::CommandReply::default()
        },
        Err(error) => {
            let (region_error, error) = request_error_to_proto(error);
            wire::CommandReply { region_error, error, cmd: None }
        }
    }
}

/// An answer out of its form.
pub fn reply(proto: wire::CommandReply) -> Result<CommandReply, Unreadable> {
    if let Some(error) = request_error(proto.region_error, proto.error)? {
        return Ok(Err(error));
    }
    response(part(proto.cmd, "answer")?).map(Ok)
}

fn response_to_proto(response: KvResponse) -> Cmd {
    match response {
        KvResponse::Value(value) => Cmd::Get(pb::GetResponse {
            not_found: value.is_none(),
            value: value.unwrap_or_default(),
        }),
        KvResponse::Pairs(pairs) => Cmd::Scan(pb::ScanResponse {
            pairs: pairs
                .into_iter()
                .map(|pair| pb::KvPair { key: pair.key, value: pair.value })
                .collect(),
        }),
        KvResponse::Prewritten { one_pc_commit_ts, min_commit_ts } => {
            Cmd::Prewrite(pb::PrewriteResponse {
                min_commit_ts: min_commit_ts.map_or(0, |ts| ts.0),
                one_pc_commit_ts: one_pc_commit_ts.map_or(0, |ts| ts.0),
            })
        }
        KvResponse::Locked { values, waited } => {
            Cmd::PessimisticLock(pb::PessimisticLockResponse {
                not_founds: values.iter().map(Option::is_none).collect(),
                values: values.into_iter().map(Option::unwrap_or_default).collect(),
                waited_micros: u64::try_from(waited.as_micros()).unwrap_or(u64::MAX),
            })
        }
        KvResponse::Done => Cmd::Done(pb::CommitResponse {}),
        KvResponse::Heartbeat { ttl_ms } => {
            Cmd::TxnHeartBeat(pb::TxnHeartBeatResponse { lock_ttl: ttl_ms })
        }
        KvResponse::Status(status) => Cmd::CheckTxnStatus(status_to_proto(status)),
        KvResponse::SecondaryLocks { locks, commit_ts } => {
            Cmd::CheckSecondaryLocks(pb::CheckSecondaryLocksResponse {
                locks: locks.into_iter().map(lock_to_proto).collect(),
                commit_ts: commit_ts.map_or(0, |ts| ts.0),
            })
        }
        KvResponse::Locks(locks) => Cmd::ScanLock(pb::ScanLockResponse {
            locks: locks.into_iter().map(lock_to_proto).collect(),
        }),
    }
}

fn status_to_proto(status: TxnStatus) -> pb::CheckTxnStatusResponse {
    let none = pb::CheckTxnStatusResponse::default();
    match status {
        TxnStatus::Committed(ts) => pb::CheckTxnStatusResponse { commit_version: ts.0, ..none },
        TxnStatus::RolledBack => {
            pb::CheckTxnStatusResponse { action: pb::Action::TtlExpireRollback as i32, ..none }
        }
        TxnStatus::Alive { lock, pushed } => pb::CheckTxnStatusResponse {
            lock_ttl: lock.ttl_ms,
            action: if pushed { pb::Action::MinCommitTsPushed } else { pb::Action::NoAction }
                as i32,
            lock_info: Some(lock_to_proto(*lock)),
            ..none
        },
        TxnStatus::LockNotExistDoNothing => {
            pb::CheckTxnStatusResponse { action: pb::Action::LockNotExistDoNothing as i32, ..none }
        }
    }
}

fn response(cmd: Cmd) -> Result<KvResponse, Unreadable> {
    let ts = |ts: u64| (ts != 0).then_some(Timestamp(ts));
    let locks = |locks: Vec<pb::LockInfo>| {
        locks.into_iter().map(lock_info).collect::<Result<Vec<_>, Unreadable>>()
    };
    Ok(match cmd {
        Cmd::Get(get) => KvResponse::Value((!get.not_found).then_some(get.value)),
        Cmd::Scan(scan) => KvResponse::Pairs(
            scan.pairs
                .into_iter()
                .map(|pair| KvPair { key: pair.key, value: pair.value })
                .collect(),
        ),
        Cmd::Prewrite(written) => KvResponse::Prewritten {
            one_pc_commit_ts: ts(written.one_pc_commit_ts),
            min_commit_ts: ts(written.min_commit_ts),
        },
        Cmd::PessimisticLock(locked) => {
            if locked.values.len() != locked.not_founds.len() {
                return Err("it does not say of each value whether it is there".to_owned());
            }
            let values = locked.values.into_iter().zip(locked.not_founds);
            let values = values.map(|(value, not_found)| (!not_found).then_some(value)).collect();
            KvResponse::Locked { values, waited: Duration::from_micros(locked.waited_micros) }
        }
        Cmd::Done(_) => KvResponse::Done,
        Cmd::TxnHeartBeat(beat) => KvResponse::Heartbeat { ttl_ms: beat.lock_ttl },
        Cmd::CheckTxnStatus(status) => KvResponse::Status(read_status(status)?),
        Cmd::CheckSecondaryLocks(found) => KvResponse::SecondaryLocks {
            locks: locks(found.locks)?,
            commit_ts: ts(found.commit_ts),
        },
        Cmd::ScanLock(found) => KvResponse::Locks(locks(found.locks)?),
    })
}

fn read_status(proto: pb::CheckTxnStatusResponse) -> Result<TxnStatus, Unreadable> {
    if proto.commit_version != 0 {
        return Ok(TxnStatus::Committed(Timestamp(proto.commit_version)));
    }
    match proto.action() {
        pb::Action::NoAction | pb::Action::MinCommitTsPushed => {
            let pushed = proto.action() == pb::Action::MinCommitTsPushed;
            Ok(TxnStatus::Alive { lock: Box::new(lock_part(proto.lock_info)?), pushed })
        }
        pb::Action::LockNotExistDoNothing => Ok(TxnStatus::LockNotExistDoNothing),
        pb::Action::TtlExpireRollback
        | pb::Action::LockNotExistRollback
        | pb::Action::TtlExpirePessimisticRollback => Ok(TxnStatus::RolledBack),
    }
}

/// The form of a split's outcome.
pub fn split_reply_to_proto(reply: Result<Vec<Region>, RequestError>) -> wire::SplitReply {
    match reply {
        Ok(regions) => {
            let regions = regions.iter().map(region_to_proto).collect();
            let response = Some(pb::SplitRegionResponse { regions });
            wire::SplitReply { response, ..wire::SplitReply::default() }
        }
        Err(error) => {
            let (region_error, error) = request_error_to_proto(error);
            wire::SplitReply { region_error, error, response: None }
        }
    }
}

/// A split's outcome out of its form.
pub fn split_reply(
    proto: wire::SplitReply,
) -> Result<Result<Vec<Region>, RequestError>, Unreadable> {
    if let Some(error) = request_error(proto.region_error, proto.error)? {
        return Ok(Err(error));
    }
    let response = part(proto.response, "answer")?;
    Ok(Ok(response.regions.into_iter().map(region_from_proto).collect()))
}
