//! Readable forms of what the commands take and give.

use bytes::Bytes;

use crate::common::Timestamp;
use crate::storage::engine::{Cf, IterOptions, Reader};
use crate::storage::mvcc::key::{split_version, user_key};
use crate::storage::mvcc::{Lock, Write};
use crate::storage::txn::{KeyError, KvResponse, LockInfo, TxnStatus};

/// `7`, or `5ms` for a timestamp with a physical part, or `5ms+7`.
pub(super) fn ts(ts: Timestamp) -> String {
    match (ts.physical_ms(), ts.logical()) {
        _ if ts == Timestamp::MAX => "max".into(),
        (0, logical) => format!("{logical}"),
        (physical, 0) => format!("{physical}ms"),
        (physical, logical) => format!("{physical}ms+{logical}"),
    }
}

pub(super) fn parse_ts(text: &str) -> Result<Timestamp, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    match text.strip_suffix("ms") {
        _ if text == "max" => Ok(Timestamp::MAX),
        Some(physical) => Ok(Timestamp::compose(number(physical)?, 0)),
        None => number(text).map(Timestamp),
    }
}

/// Text, with the padding of long values cut short.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.len() {
        0..=50 => text.into_owned(),
        len => format!("{}({len} bytes)", text.trim_end_matches('.')),
    }
}

pub(super) fn key_list<'a>(keys: impl IntoIterator<Item = &'a Bytes>) -> String {
    keys.into_iter().map(|key| text(key)).collect::<Vec<_>>().join(" ")
}

pub(super) fn lock(lock: &LockInfo) -> String {
    let mut out = format!(
        "{}: {:?} of {}, primary {}",
        text(&lock.key),
        lock.kind,
        ts(lock.start_ts),
        text(&lock.primary)
    );
    let mut field = |name: &str, present: bool, value: String| {
        if present {
            out += &format!(", {name} {value}");
        }
    };
    field("ttl", lock.ttl_ms > 0, format!("{}ms", lock.ttl_ms));
    field("for update", lock.for_update_ts.0 > 0, ts(lock.for_update_ts));
    field("min commit", lock.min_commit_ts.0 > 0, ts(lock.min_commit_ts));
    field("async", lock.use_async_commit, format!("[{}]", key_list(&lock.secondaries)));
    out
}

pub(super) fn response(response: &KvResponse) -> String {
    match response {
        KvResponse::Value(None) => "none".into(),
        KvResponse::Value(Some(value)) => text(value),
        KvResponse::Pairs(pairs) if pairs.is_empty() => "nothing".into(),
        KvResponse::Pairs(pairs) => {
            let lines =
                pairs.iter().map(|pair| format!("{}={}", text(&pair.key), text(&pair.value)));
            lines.collect::<Vec<_>>().join("\n")
        }
        KvResponse::Prewritten { one_pc_commit_ts, min_commit_ts } => {
            match (one_pc_commit_ts, min_commit_ts) {
                (Some(commit), _) => format!("committed in one phase at {}", ts(*commit)),
                (None, Some(min)) => {
                    format!("prewritten, commits asynchronously from {}", ts(*min))
                }
                (None, None) => "prewritten".into(),
            }
        }
        KvResponse::Locked { values, .. } => {
            let values =
                values.iter().map(|value| value.as_ref().map_or_else(|| "-".into(), |v| text(v)));
            format!("locked, values: {}", values.collect::<Vec<_>>().join(" "))
        }
        KvResponse::Done => "done".into(),
        KvResponse::Heartbeat { ttl_ms } => format!("ttl {ttl_ms}ms"),
        KvResponse::Status(TxnStatus::Committed(commit)) => format!("committed at {}", ts(*commit)),
        KvResponse::Status(TxnStatus::RolledBack) => "rolled back".into(),
        KvResponse::Status(TxnStatus::Alive { lock: alive, pushed }) => {
            format!("alive{}: {}", if *pushed { ", pushed" } else { "" }, lock(alive))
        }
        KvResponse::Status(TxnStatus::LockNotExistDoNothing) => "no lock, nothing done".into(),
        KvResponse::SecondaryLocks { locks, commit_ts } => match commit_ts {
            Some(commit) => format!("committed at {}", ts(*commit)),
            None if locks.is_empty() => "a lock is missing".into(),
            None => locks.iter().map(lock).collect::<Vec<_>>().join("\n"),
        },
        KvResponse::Locks(locks) if locks.is_empty() => "no locks".into(),
        KvResponse::Locks(locks) => locks.iter().map(lock).collect::<Vec<_>>().join("\n"),
    }
}

pub(super) fn error(error: &KeyError) -> String {
    match error {
        KeyError::Locked(held) => format!("locked: {}", lock(held)),
        KeyError::WriteConflict { conflict_start_ts, conflict_commit_ts, key, .. } => format!(
            "write conflict on {} with {} committed at {}",
            text(key),
            ts(*conflict_start_ts),
            ts(*conflict_commit_ts)
        ),
        KeyError::AlreadyExists { key, value } => {
            format!("{} already exists with {}", text(key), text(value))
        }
        KeyError::TxnLockNotFound { key, .. } => format!("no lock on {}: rolled back", text(key)),
        KeyError::PessimisticLockNotFound { key, .. } => {
            format!("pessimistic lock on {} not found", text(key))
        }
        KeyError::Committed { commit_ts } => format!("committed at {}", ts(*commit_ts)),
        KeyError::TxnNotFound { primary, .. } => format!("no trace on {}", text(primary)),
        KeyError::CommitTsExpired { commit_ts, min_commit_ts, key } => {
            format!("{} on {} is below {}", ts(*commit_ts), text(key), ts(*min_commit_ts))
        }
        KeyError::AssertionFailed { key, .. } => format!("assertion on {} failed", text(key)),
        KeyError::Deadlock { .. } | KeyError::LockWaitTimeout { .. } => error.to_string(),
    }
}

/// Every record of the data families.
pub(super) fn dump(reader: &dyn Reader) -> String {
    let mut out = String::new();
    for cf in [Cf::Lock, Cf::Write, Cf::Default] {
        let mut cursor = reader.cursor(cf, IterOptions::default()).unwrap();
        cursor.seek_to_first().unwrap();
        while cursor.valid() {
            out += &format!("{:7} {}\n", cf.name(), record(cf, cursor.key(), cursor.value()));
            cursor.next().unwrap();
        }
    }
    if out.is_empty() { "empty".into() } else { out }
}

fn record(cf: Cf, key: &[u8], value: &[u8]) -> String {
    if cf == Cf::Lock {
        let found = Lock::decode(value).unwrap();
        let short =
            found.short_value.as_ref().map_or(String::new(), |v| format!(", value {}", text(v)));
        return format!("{}{short}", lock(&found.info(&user_key(key).unwrap())));
    }
    let (data_key, at) = split_version(key).unwrap();
    let key = text(&user_key(data_key).unwrap());
    if cf == Cf::Default {
        return format!("{key}@{}: {}", ts(at), text(value));
    }
    let write = Write::decode(value).unwrap();
    let short =
        write.short_value.map_or(String::new(), |value| format!(", value {}", text(&value)));
    let overlapped = if write.has_overlapped_rollback { ", overlapped rollback" } else { "" };
    format!("{key}@{}: {:?} of {}{short}{overlapped}", ts(at), write.kind, ts(write.start_ts))
}
