//! Requests.

use bytes::Bytes;

use super::{Unreadable, part};
use crate::actors::store::KvCommand;
use crate::common::{RegionId, Timestamp};
use crate::storage::proto::kv_command::Command;
use crate::storage::proto::kv_command::command::Cmd;
use crate::storage::proto::kvrpcpb as pb;
use crate::storage::proto::kvrpcpb::prewrite_request::PessimisticAction as Action;
use crate::storage::region::convert::{epoch_from_proto, epoch_to_proto};
use crate::storage::txn::{
    Assertion, CheckTxnStatus, CommitKeys, KvRequest, Mutation, MutationKind, Pass,
    PessimisticAction, PessimisticLock, Prewrite, RegionContext, WaitPolicy,
};

/// The form of the place a request is for.
pub fn context_to_proto(context: RegionContext, resolved: &[Pass]) -> pb::Context {
    let locks = |committed| {
        let passes = resolved.iter().filter(move |pass| pass.committed == committed);
        passes.map(|pass| pass.start_ts.0).collect()
    };
    pb::Context {
        region_id: context.region_id.0,
        region_epoch: Some(epoch_to_proto(context.epoch)),
        resolved_locks: locks(false),
        committed_locks: locks(true),
    }
}

/// The place a request is for.
pub fn context(proto: &pb::Context) -> RegionContext {
    RegionContext {
        region_id: RegionId(proto.region_id),
        epoch: epoch_from_proto(proto.region_epoch.unwrap_or_default()),
    }
}

/// The form of a request.
pub fn command_to_proto(command: KvCommand) -> Command {
    let KvCommand { context, request } = command;
    let mut passes = Vec::new();
    let cmd = match request {
        KvRequest::Get { key, ts, resolved } => {
            passes = resolved;
            Cmd::Get(pb::GetRequest { key, version: ts.0 })
        }
        KvRequest::BatchGet { keys, ts, resolved } => {
            passes = resolved;
            Cmd::BatchGet(pb::BatchGetRequest { keys, version: ts.0 })
        }
        KvRequest::Scan { start, end, limit, ts, reverse, key_only, resolved } => {
            passes = resolved;
            Cmd::Scan(pb::ScanRequest {
                start_key: start,
                limit: limit_to_proto(limit),
                version: ts.0,
                key_only,
                reverse,
                end_key: end,
            })
        }
        KvRequest::Prewrite(prewrite) => Cmd::Prewrite(prewrite_to_proto(prewrite)),
        KvRequest::PessimisticLock(lock) => Cmd::PessimisticLock(lock_to_proto(lock)),
        other => change_to_proto(other),
    };
    Command { context: Some(context_to_proto(context, &passes)), cmd: Some(cmd) }
}

/// Requests other than reads and the first phase.
fn change_to_proto(request: KvRequest) -> Cmd {
    match request {
        KvRequest::PessimisticRollback { keys, start_ts, for_update_ts } => {
            Cmd::PessimisticRollback(pb::PessimisticRollbackRequest {
                start_version: start_ts.0,
                for_update_ts: for_update_ts.0,
                keys,
            })
        }
        KvRequest::Commit(CommitKeys { keys, start_ts, commit_ts }) => {
            let (start_version, commit_version) = (start_ts.0, commit_ts.0);
            Cmd::Commit(pb::CommitRequest { start_version, keys, commit_version })
        }
        KvRequest::Rollback { keys, start_ts } => {
            Cmd::BatchRollback(pb::BatchRollbackRequest { start_version: start_ts.0, keys })
        }
        KvRequest::TxnHeartBeat { primary, start_ts, ttl_ms } => {
            Cmd::TxnHeartBeat(pb::TxnHeartBeatRequest {
                primary_lock: primary,
                start_version: start_ts.0,
                advise_lock_ttl: ttl_ms,
            })
        }
        KvRequest::CheckTxnStatus(check) => Cmd::CheckTxnStatus(pb::CheckTxnStatusRequest {
            primary_key: check.primary,
            lock_ts: check.lock_ts.0,
            caller_start_ts: check.caller_start_ts.0,
            current_ts: check.current_ts.0,
            rollback_if_not_exist: check.rollback_if_not_exist,
            resolving_pessimistic_lock: check.resolving_pessimistic,
        }),
        KvRequest::CheckSecondaryLocks { keys, start_ts } => {
            let start_version = start_ts.0;
            Cmd::CheckSecondaryLocks(pb::CheckSecondaryLocksRequest { keys, start_version })
        }
        KvRequest::ResolveLock { start_ts, commit_ts, keys, from: _ } => {
            Cmd::ResolveLock(pb::ResolveLockRequest {
                start_version: start_ts.0,
                commit_version: commit_ts.map_or(0, |ts| ts.0),
                keys,
            })
        }
        KvRequest::ScanLock { max_ts, start, end, limit } => Cmd::ScanLock(pb::ScanLockRequest {
            max_version: max_ts.0,
            start_key: start,
            limit: limit_to_proto(limit),
            end_key: end,
        }),
        KvRequest::Gc { safe_point, start, end } => {
            Cmd::Gc(pb::GcRequest { safe_point: safe_point.0, start_key: start, end_key: end })
        }
        KvRequest::DeleteRange { start, end } => {
            Cmd::DeleteRange(pb::DeleteRangeRequest { start_key: start, end_key: end })
        }
        KvRequest::Get { .. }
        | KvRequest::BatchGet { .. }
        | KvRequest::Scan { .. }
        | KvRequest::Prewrite(_)
        | KvRequest::PessimisticLock(_) => unreachable!("the caller has dealt with these"),
    }
}

fn limit_to_proto(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

fn prewrite_to_proto(prewrite: Prewrite) -> pb::PrewriteRequest {
    let plain = prewrite
        .mutations
        .iter()
        .all(|mutation| mutation.pessimistic == PessimisticAction::SkipCheck);
    let action = |mutation: &Mutation| match mutation.pessimistic {
        PessimisticAction::SkipCheck => Action::SkipPessimisticCheck as i32,
        PessimisticAction::DoCheck => Action::DoPessimisticCheck as i32,
        PessimisticAction::DoConstraintCheck => Action::DoConstraintCheck as i32,
    };
    let pessimistic_actions =
        if plain { Vec::new() } else { prewrite.mutations.iter().map(action).collect() };
    pb::PrewriteRequest {
        mutations: prewrite.mutations.into_iter().map(mutation_to_proto).collect(),
        primary_lock: prewrite.primary,
        start_version: prewrite.start_ts.0,
        lock_ttl: prewrite.ttl_ms,
        pessimistic_actions,
        txn_size: prewrite.txn_size,
        for_update_ts: prewrite.for_update_ts.0,
        min_commit_ts: prewrite.min_commit_ts.0,
        use_async_commit: prewrite.async_commit.is_some(),
        secondaries: prewrite.async_commit.unwrap_or_default(),
        try_one_pc: prewrite.try_one_pc,
    }
}

fn mutation_to_proto(mutation: Mutation) -> pb::Mutation {
    let op = match mutation.kind {
        MutationKind::Put => pb::Op::Put,
        MutationKind::Delete => pb::Op::Del,
        MutationKind::Lock => pb::Op::Lock,
        MutationKind::Insert => pb::Op::Insert,
        MutationKind::CheckNotExists => pb::Op::CheckNotExists,
    };
    let assertion = match mutation.assertion {
        Assertion::None => pb::Assertion::None,
        Assertion::Exist => pb::Assertion::Exist,
        Assertion::NotExist => pb::Assertion::NotExist,
    };
    let Mutation { key, value, .. } = mutation;
    pb::Mutation { op: op as i32, key, value, assertion: assertion as i32 }
}

fn lock_to_proto(lock: PessimisticLock) -> pb::PessimisticLockRequest {
    let mutation = |(key, must_not_exist): (Bytes, bool)| {
        let assertion = if must_not_exist { pb::Assertion::NotExist } else { pb::Assertion::None };
        pb::Mutation {
            op: pb::Op::PessimisticLock as i32,
            key,
            value: Bytes::new(),
            assertion: assertion as i32,
        }
    };
    pb::PessimisticLockRequest {
        mutations: lock.keys.into_iter().map(mutation).collect(),
        primary_lock: lock.primary,
        start_version: lock.start_ts.0,
        lock_ttl: lock.ttl_ms,
        for_update_ts: lock.for_update_ts.0,
        wait_timeout: match lock.wait {
            WaitPolicy::NoWait => -1,
            WaitPolicy::Timeout(ms) => i64::try_from(ms).unwrap_or(i64::MAX),
        },
        return_values: lock.return_values,
    }
}

/// A request out of its form.
pub fn command(proto: Command) -> Result<KvCommand, Unreadable> {
    let place = part(proto.context, "context")?;
    let context = context(&place);
    let pass = |committed| move |ts| Pass { start_ts: Timestamp(ts), committed };
    let mut resolved: Vec<Pass> = place.resolved_locks.into_iter().map(pass(false)).collect();
    resolved.extend(place.committed_locks.into_iter().map(pass(true)));
    let request = match part(proto.cmd, "command")? {
        Cmd::Get(get) => KvRequest::Get { key: get.key, ts: Timestamp(get.version), resolved },
        Cmd::BatchGet(get) => {
            KvRequest::BatchGet { keys: get.keys, ts: Timestamp(get.version), resolved }
        }
        Cmd::Scan(scan) => KvRequest::Scan {
            start: scan.start_key,
            end: scan.end_key,
            limit: scan.limit as usize,
            ts: Timestamp(scan.version),
            reverse: scan.reverse,
            key_only: scan.key_only,
            resolved,
        },
        Cmd::Prewrite(prewrite) => KvRequest::Prewrite(read_prewrite(prewrite)?),
        Cmd::PessimisticLock(lock) => KvRequest::PessimisticLock(read_lock(lock)?),
        other => change(other),
    };
    Ok(KvCommand { context, request })
}

fn change(cmd: Cmd) -> KvRequest {
    let ts = Timestamp;
    match cmd {
        Cmd::PessimisticRollback(rollback) => KvRequest::PessimisticRollback {
            keys: rollback.keys,
            start_ts: ts(rollback.start_version),
            for_update_ts: ts(rollback.for_update_ts),
        },
        Cmd::Commit(commit) => KvRequest::Commit(CommitKeys {
            keys: commit.keys,
            start_ts: ts(commit.start_version),
            commit_ts: ts(commit.commit_version),
        }),
        Cmd::BatchRollback(rollback) => {
            KvRequest::Rollback { keys: rollback.keys, start_ts: ts(rollback.start_version) }
        }
        Cmd::TxnHeartBeat(beat) => KvRequest::TxnHeartBeat {
            primary: beat.primary_lock,
            start_ts: ts(beat.start_version),
            ttl_ms: beat.advise_lock_ttl,
        },
        Cmd::CheckTxnStatus(check) => KvRequest::CheckTxnStatus(CheckTxnStatus {
            primary: check.primary_key,
            lock_ts: ts(check.lock_ts),
            caller_start_ts: ts(check.caller_start_ts),
            current_ts: ts(check.current_ts),
            rollback_if_not_exist: check.rollback_if_not_exist,
            resolving_pessimistic: check.resolving_pessimistic_lock,
        }),
        Cmd::CheckSecondaryLocks(check) => {
            KvRequest::CheckSecondaryLocks { keys: check.keys, start_ts: ts(check.start_version) }
        }
        Cmd::ResolveLock(resolve) => KvRequest::ResolveLock {
            start_ts: ts(resolve.start_version),
            commit_ts: (resolve.commit_version != 0).then_some(ts(resolve.commit_version)),
            keys: resolve.keys,
            from: Bytes::new(),
        },
        Cmd::ScanLock(scan) => KvRequest::ScanLock {
            max_ts: ts(scan.max_version),
            start: scan.start_key,
            end: scan.end_key,
            limit: scan.limit as usize,
        },
        Cmd::Gc(gc) => {
            KvRequest::Gc { safe_point: ts(gc.safe_point), start: gc.start_key, end: gc.end_key }
        }
        Cmd::DeleteRange(range) => {
            KvRequest::DeleteRange { start: range.start_key, end: range.end_key }
        }
        Cmd::Get(_)
        | Cmd::BatchGet(_)
        | Cmd::Scan(_)
        | Cmd::Prewrite(_)
        | Cmd::PessimisticLock(_) => unreachable!("the caller has dealt with these"),
    }
}

fn read_prewrite(proto: pb::PrewriteRequest) -> Result<Prewrite, Unreadable> {
    let actions = proto.pessimistic_actions;
    if !actions.is_empty() && actions.len() != proto.mutations.len() {
        return Err("it has not one pessimistic action for each mutation".to_owned());
    }
    let mut mutations = Vec::with_capacity(proto.mutations.len());
    for (at, mutation) in proto.mutations.into_iter().enumerate() {
        let action = actions.get(at).copied().unwrap_or_default();
        let pessimistic = match Action::try_from(action) {
            Ok(Action::SkipPessimisticCheck) => PessimisticAction::SkipCheck,
            Ok(Action::DoPessimisticCheck) => PessimisticAction::DoCheck,
            Ok(Action::DoConstraintCheck) => PessimisticAction::DoConstraintCheck,
            Err(_) => return Err(format!("{action} is not a pessimistic action")),
        };
        mutations.push(read_mutation(mutation, pessimistic)?);
    }
    Ok(Prewrite {
        mutations,
        primary: proto.primary_lock,
        start_ts: Timestamp(proto.start_version),
        ttl_ms: proto.lock_ttl,
        txn_size: proto.txn_size,
        for_update_ts: Timestamp(proto.for_update_ts),
        min_commit_ts: Timestamp(proto.min_commit_ts),
        try_one_pc: proto.try_one_pc,
        async_commit: proto.use_async_commit.then_some(proto.secondaries),
    })
}

fn read_mutation(
    proto: pb::Mutation,
    pessimistic: PessimisticAction,
) -> Result<Mutation, Unreadable> {
    let kind = match pb::Op::try_from(proto.op) {
        Ok(pb::Op::Put) => MutationKind::Put,
        Ok(pb::Op::Del) => MutationKind::Delete,
        Ok(pb::Op::Lock) => MutationKind::Lock,
        Ok(pb::Op::Insert) => MutationKind::Insert,
        Ok(pb::Op::CheckNotExists) => MutationKind::CheckNotExists,
        _ => return Err(format!("{} is not what a mutation does", proto.op)),
    };
    let assertion = match pb::Assertion::try_from(proto.assertion) {
        Ok(pb::Assertion::None) => Assertion::None,
        Ok(pb::Assertion::Exist) => Assertion::Exist,
        Ok(pb::Assertion::NotExist) => Assertion::NotExist,
        Err(_) => return Err(format!("{} is not an assertion", proto.assertion)),
    };
    Ok(Mutation { kind, key: proto.key, value: proto.value, assertion, pessimistic })
}

fn read_lock(proto: pb::PessimisticLockRequest) -> Result<PessimisticLock, Unreadable> {
    let wait = match proto.wait_timeout {
        -1 => WaitPolicy::NoWait,
        ms => WaitPolicy::Timeout(
            u64::try_from(ms).map_err(|_| format!("{ms} is not how long to wait"))?,
        ),
    };
    let key = |mutation: pb::Mutation| {
        (mutation.key, mutation.assertion == pb::Assertion::NotExist as i32)
    };
    Ok(PessimisticLock {
        keys: proto.mutations.into_iter().map(key).collect(),
        primary: proto.primary_lock,
        start_ts: Timestamp(proto.start_version),
        for_update_ts: Timestamp(proto.for_update_ts),
        ttl_ms: proto.lock_ttl,
        wait,
        return_values: proto.return_values,
    })
}
