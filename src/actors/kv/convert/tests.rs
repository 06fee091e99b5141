//! What is written reads as it was, and what is not whole is refused.

use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message as _;

use super::{command, command_to_proto, reply, reply_to_proto};
use crate::actors::store::{CommandReply, KvCommand};
use crate::common::{PeerId, RegionId, StoreId, Timestamp};
use crate::storage::proto::kv_command as wire;
use crate::storage::txn::{
    Assertion, Busy, CheckTxnStatus, CommitKeys, KeyError, KvPair, KvRequest, KvResponse, LockInfo,
    LockKind, Mutation, MutationKind, Pass, PessimisticAction, PessimisticLock, Prewrite,
    RegionContext, RegionEpoch, RegionError, RequestError, TxnStatus, WaitPolicy,
};

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..12).prop_map(Bytes::from)
}

fn ts() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

/// One that is there: 0 stands for none on the wire.
fn some_ts() -> impl Strategy<Value = Timestamp> {
    (1..=u64::MAX).prop_map(Timestamp)
}

fn keys() -> impl Strategy<Value = Vec<Bytes>> {
    vec(bytes(), 0..4)
}

fn limit() -> impl Strategy<Value = usize> {
    0..=u32::MAX as usize
}

fn lock() -> impl Strategy<Value = LockInfo> {
    let kind = prop_oneof![
        Just(LockKind::Put),
        Just(LockKind::Delete),
        Just(LockKind::Lock),
        Just(LockKind::Pessimistic)
    ];
    (
        (bytes(), bytes(), keys(), kind),
        (ts(), ts(), ts()),
        (any::<u64>(), any::<u64>(), any::<bool>()),
    )
        .prop_map(
            |(
                (key, primary, secondaries, kind),
                (start_ts, for_update_ts, min_commit_ts),
                (ttl_ms, txn_size, use_async_commit),
            )| LockInfo {
                key,
                primary,
                start_ts,
                ttl_ms,
                txn_size,
                kind,
                for_update_ts,
                min_commit_ts,
                use_async_commit,
                secondaries,
            },
        )
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let kind = prop_oneof![
        Just(MutationKind::Put),
        Just(MutationKind::Delete),
        Just(MutationKind::Lock),
        Just(MutationKind::Insert),
        Just(MutationKind::CheckNotExists)
    ];
    let assertion =
        prop_oneof![Just(Assertion::None), Just(Assertion::Exist), Just(Assertion::NotExist)];
    let pessimistic = prop_oneof![
        Just(PessimisticAction::SkipCheck),
        Just(PessimisticAction::DoCheck),
        Just(PessimisticAction::DoConstraintCheck)
    ];
    (kind, bytes(), bytes(), assertion, pessimistic).prop_map(
        |(kind, key, value, assertion, pessimistic)| Mutation {
            kind,
            key,
            value,
            assertion,
            pessimistic,
        },
    )
}

fn prewrite() -> impl Strategy<Value = KvRequest> {
    (
        (vec(mutation(), 0..4), bytes(), option::of(keys()), any::<bool>()),
        (ts(), ts(), ts()),
        (any::<u64>(), any::<u64>()),
    )
        .prop_map(
            |(
                (mutations, primary, async_commit, try_one_pc),
                (start_ts, for_update_ts, min_commit_ts),
                (ttl_ms, txn_size),
            )| {
                KvRequest::Prewrite(Prewrite {
                    mutations,
                    primary,
                    start_ts,
                    ttl_ms,
                    txn_size,
                    for_update_ts,
                    min_commit_ts,
                    try_one_pc,
                    async_commit,
                })
            },
        )
}

fn pessimistic_lock() -> impl Strategy<Value = KvRequest> {
    let wait =
        prop_oneof![Just(WaitPolicy::NoWait), (0..=i64::MAX as u64).prop_map(WaitPolicy::Timeout)];
    (vec((bytes(), any::<bool>()), 0..4), bytes(), ts(), ts(), any::<u64>(), wait, any::<bool>())
        .prop_map(|(keys, primary, start_ts, for_update_ts, ttl_ms, wait, return_values)| {
            KvRequest::PessimisticLock(PessimisticLock {
                keys,
                primary,
                start_ts,
                for_update_ts,
                ttl_ms,
                wait,
                return_values,
            })
        })
}

fn check_status() -> impl Strategy<Value = KvRequest> {
    (bytes(), ts(), ts(), ts(), any::<bool>(), any::<bool>()).prop_map(
        |(primary, lock_ts, caller_start_ts, current_ts, rollback, pessimistic)| {
            KvRequest::CheckTxnStatus(CheckTxnStatus {
                primary,
                lock_ts,
                caller_start_ts,
                current_ts,
                rollback_if_not_exist: rollback,
                resolving_pessimistic: pessimistic,
            })
        },
    )
}

fn request() -> impl Strategy<Value = KvRequest> {
    let pass =
        || (ts(), any::<bool>()).prop_map(|(start_ts, committed)| Pass { start_ts, committed });
    // They travel in two lists.
    let resolved = || {
        vec(pass(), 0..3).prop_map(|mut passes| {
            passes.sort_by_key(|pass| pass.committed);
            passes
        })
    };
    prop_oneof![
        (bytes(), ts(), resolved()).prop_map(|(key, ts, resolved)| KvRequest::Get {
            key,
            ts,
            resolved
        }),
        (keys(), ts(), resolved()).prop_map(|(keys, ts, resolved)| KvRequest::BatchGet {
            keys,
            ts,
            resolved
        }),
        (bytes(), bytes(), limit(), ts(), any::<bool>(), any::<bool>(), resolved()).prop_map(
            |(start, end, limit, ts, reverse, key_only, resolved)| KvRequest::Scan {
                start,
                end,
                limit,
                ts,
                reverse,
                key_only,
                resolved
            }
        ),
        prewrite(),
        pessimistic_lock(),
        check_status(),
        (keys(), ts(), ts()).prop_map(|(keys, start_ts, for_update_ts)| {
            KvRequest::PessimisticRollback { keys, start_ts, for_update_ts }
        }),
        (keys(), ts(), ts()).prop_map(|(keys, start_ts, commit_ts)| KvRequest::Commit(
            CommitKeys { keys, start_ts, commit_ts }
        )),
        (keys(), ts()).prop_map(|(keys, start_ts)| KvRequest::Rollback { keys, start_ts }),
        (bytes(), ts(), any::<u64>()).prop_map(|(primary, start_ts, ttl_ms)| {
            KvRequest::TxnHeartBeat { primary, start_ts, ttl_ms }
        }),
        (keys(), ts())
            .prop_map(|(keys, start_ts)| KvRequest::CheckSecondaryLocks { keys, start_ts }),
        (ts(), option::of(some_ts()), keys()).prop_map(|(start_ts, commit_ts, keys)| {
            KvRequest::ResolveLock { start_ts, commit_ts, keys, from: Bytes::new() }
        }),
        (ts(), bytes(), bytes(), limit()).prop_map(|(max_ts, start, end, limit)| {
            KvRequest::ScanLock { max_ts, start, end, limit }
        }),
        (ts(), bytes(), bytes()).prop_map(|(safe_point, start, end)| KvRequest::Gc {
            safe_point,
            start,
            end
        }),
        (bytes(), bytes()).prop_map(|(start, end)| KvRequest::DeleteRange { start, end }),
    ]
}

fn key_error() -> impl Strategy<Value = KeyError> {
    let at = || (ts(), bytes());
    prop_oneof![
        lock().prop_map(|lock| KeyError::Locked(Box::new(lock))),
        lock().prop_map(|lock| KeyError::LockWaitTimeout { lock: Box::new(lock) }),
        (ts(), ts(), ts(), bytes()).prop_map(
            |(start_ts, conflict_start_ts, conflict_commit_ts, key)| KeyError::WriteConflict {
                start_ts,
                conflict_start_ts,
                conflict_commit_ts,
                key
            }
        ),
        (bytes(), bytes()).prop_map(|(key, value)| KeyError::AlreadyExists { key, value }),
        at().prop_map(|(lock_ts, key)| KeyError::Deadlock { key, lock_ts }),
        at().prop_map(|(start_ts, key)| KeyError::TxnLockNotFound { start_ts, key }),
        at().prop_map(|(start_ts, key)| KeyError::PessimisticLockNotFound { start_ts, key }),
        some_ts().prop_map(|commit_ts| KeyError::Committed { commit_ts }),
        at().prop_map(|(start_ts, primary)| KeyError::TxnNotFound { start_ts, primary }),
        (ts(), ts(), bytes()).prop_map(|(commit_ts, min_commit_ts, key)| {
            KeyError::CommitTsExpired { commit_ts, min_commit_ts, key }
        }),
        at().prop_map(|(start_ts, key)| KeyError::AssertionFailed { start_ts, key }),
    ]
}

fn region_error() -> impl Strategy<Value = RegionError> {
    let id = || any::<u64>().prop_map(RegionId);
    let leader =
        option::of((any::<u64>(), any::<u64>()).prop_map(|(p, s)| (PeerId(p), StoreId(s))));
    prop_oneof![
        (id(), leader).prop_map(|(region_id, leader)| RegionError::NotLeader { region_id, leader }),
        id().prop_map(RegionError::RegionNotFound),
        id().prop_map(RegionError::EpochNotMatch),
        id().prop_map(RegionError::KeyNotInRegion),
        proptest::sample::select(Busy::ALL).prop_map(RegionError::ServerIsBusy),
        id().prop_map(RegionError::Undetermined),
        id().prop_map(RegionError::StaleCommand),
        any::<u64>().prop_map(|id| RegionError::DiskFull(StoreId(id))),
    ]
}

fn status() -> impl Strategy<Value = TxnStatus> {
    prop_oneof![
        some_ts().prop_map(TxnStatus::Committed),
        Just(TxnStatus::RolledBack),
        (lock(), any::<bool>())
            .prop_map(|(lock, pushed)| TxnStatus::Alive { lock: Box::new(lock), pushed }),
        Just(TxnStatus::LockNotExistDoNothing),
    ]
}

fn answer() -> impl Strategy<Value = CommandReply> {
    let pair = (bytes(), bytes()).prop_map(|(key, value)| KvPair { key, value });
    let locks = || vec(lock(), 0..3);
    let maybe = || option::of(some_ts());
    prop_oneof![
        option::of(bytes()).prop_map(|value| Ok(KvResponse::Value(value))),
        vec(pair, 0..4).prop_map(|pairs| Ok(KvResponse::Pairs(pairs))),
        (maybe(), maybe()).prop_map(|(one_pc_commit_ts, min_commit_ts)| {
            Ok(KvResponse::Prewritten { one_pc_commit_ts, min_commit_ts })
        }),
        (vec(option::of(bytes()), 0..4), any::<u32>()).prop_map(|(values, micros)| {
            let waited = Duration::from_micros(u64::from(micros));
            Ok(KvResponse::Locked { values, waited })
        }),
        Just(Ok(KvResponse::Done)),
        any::<u64>().prop_map(|ttl_ms| Ok(KvResponse::Heartbeat { ttl_ms })),
        status().prop_map(|status| Ok(KvResponse::Status(status))),
        (locks(), maybe())
            .prop_map(|(locks, commit_ts)| { Ok(KvResponse::SecondaryLocks { locks, commit_ts }) }),
        locks().prop_map(|locks| Ok(KvResponse::Locks(locks))),
        key_error().prop_map(|error| Err(RequestError::Key(error))),
        region_error().prop_map(|error| Err(RequestError::Region(error))),
        "[a-z]{1,9}".prop_map(|reason| Err(RequestError::Storage(reason))),
        "[a-z]{1,9}".prop_map(|reason| Err(RequestError::TooLarge(reason))),
        "[a-z]{1,9}".prop_map(|reason| Err(RequestError::Refused(reason))),
    ]
}

proptest! {
    #[test]
    fn requests_survive(id in any::<u64>(), conf_ver in any::<u64>(), version in any::<u64>(), request in request()) {
        let context =
            RegionContext { region_id: RegionId(id), epoch: RegionEpoch { conf_ver, version } };
        let sent = KvCommand { context, request };
        let body = command_to_proto(sent.clone()).encode_to_vec();
        let got = command(wire::Command::decode(&body[..]).unwrap()).unwrap();
        prop_assert_eq!(got.context, sent.context);
        prop_assert_eq!(got.request, sent.request);
    }

    #[test]
    fn answers_survive(sent in answer()) {
        let body = reply_to_proto(sent.clone()).encode_to_vec();
        let got = reply(wire::CommandReply::decode(&body[..]).unwrap()).unwrap();
        prop_assert_eq!(got, sent);
    }

    #[test]
    fn anything_else_is_refused_or_read_but_never_panics(body in vec(any::<u8>(), 0..64)) {
        if let Ok(proto) = wire::Command::decode(&body[..]) {
            let _ = command(proto);
        }
        if let Ok(proto) = wire::CommandReply::decode(&body[..]) {
            let _ = reply(proto);
        }
    }
}

#[test]
fn what_is_not_whole_is_refused() {
    assert!(command(wire::Command::default()).unwrap_err().contains("context"));
    assert!(reply(wire::CommandReply::default()).unwrap_err().contains("answer"));
}
