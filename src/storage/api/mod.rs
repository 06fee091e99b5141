//! Requests to a region, their answers and errors, with the meaning TiKV gives them in `kvrpcpb`.
//!
//! Keys are user keys (not memcomparable-encoded, no timestamp). Region boundaries are encoded keys.

use std::time::Duration;

use bytes::Bytes;

use crate::common::retry::Effect;
use crate::common::{RegionId, Timestamp};

mod error;

pub use error::{Busy, KeyError, RegionError, RequestError};

/// The version of a region: `conf_ver` counts changes of its peers, `version` of its range.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct RegionEpoch {
    /// Counts membership changes.
    pub conf_ver: u64,
    /// Counts splits and merges.
    pub version: u64,
}

/// Where the sender believes the keys of its request live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegionContext {
    /// The region.
    pub region_id: RegionId,
    /// Its version as the sender knows it.
    pub epoch: RegionEpoch,
}

/// The kind of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockKind {
    /// A value will be put.
    Put,
    /// The key will be deleted.
    Delete,
    /// Only locked (SELECT … FOR UPDATE): commits to nothing.
    Lock,
    /// Held by a pessimistic transaction before its prewrite; does not block readers.
    Pessimistic,
}

/// A lock somebody met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockInfo {
    /// The locked key.
    pub key: Bytes,
    /// The primary key of the locking transaction.
    pub primary: Bytes,
    /// The transaction.
    pub start_ts: Timestamp,
    /// Milliseconds after `start_ts` until the lock may be taken away.
    pub ttl_ms: u64,
    /// Keys the transaction locks in all.
    pub txn_size: u64,
    /// What it is for.
    pub kind: LockKind,
    /// For pessimistic transactions, the timestamp of the last locking; else zero.
    pub for_update_ts: Timestamp,
    /// The commit timestamp will not be below.
    pub min_commit_ts: Timestamp,
    /// Whether the transaction is committed once all its locks are in place.
    pub use_async_commit: bool,
    /// On an async-commit primary: all the other keys.
    pub secondaries: Vec<Bytes>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvPair {
    /// The user key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// What a mutation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationKind {
    /// Puts a value.
    Put,
    /// Deletes the key.
    Delete,
    /// Locks without changing.
    Lock,
    /// Puts a value on a key that must not exist.
    Insert,
    /// Checks that the key does not exist; writes nothing.
    CheckNotExists,
}

/// What the sender knows of a key; a mismatch is a bug above, and is reported rather than written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assertion {
    /// Nothing.
    #[default]
    None,
    /// The key exists.
    Exist,
    /// The key does not exist.
    NotExist,
}

/// How a prewrite of a pessimistic transaction treats a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PessimisticAction {
    /// Not locked before (an optimistic transaction, or an index key): no conflict check beyond locks for pessimistic ones.
    #[default]
    SkipCheck,
    /// Locked by an earlier `PessimisticLock`, whose lock must be there (or may be amended).
    DoCheck,
    /// Not locked before, and must not have been written since `start_ts`.
    DoConstraintCheck,
}

/// A change to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// What to do.
    pub kind: MutationKind,
    /// To which key.
    pub key: Bytes,
    /// The value of `Put` and `Insert`; else empty.
    pub value: Bytes,
    /// What the sender knows.
    pub assertion: Assertion,
    /// Only in pessimistic transactions.
    pub pessimistic: PessimisticAction,
}

/// First phase of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prewrite {
    /// The changes in this region.
    pub mutations: Vec<Mutation>,
    /// The primary key of the transaction.
    pub primary: Bytes,
    /// The transaction.
    pub start_ts: Timestamp,
    /// Milliseconds after `start_ts`.
    pub ttl_ms: u64,
    /// Keys in the transaction.
    pub txn_size: u64,
    /// Zero for optimistic transactions.
    pub for_update_ts: Timestamp,
    /// The commit timestamp must not be below.
    pub min_commit_ts: Timestamp,
    /// Everything is in this region: commit in one step if possible.
    pub try_one_pc: bool,
    /// `Some(all other keys)` (empty on a secondary): the transaction is committed once every lock is in place.
    pub async_commit: Option<Vec<Bytes>>,
}

/// Locks keys for a pessimistic transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PessimisticLock {
    /// The keys and, for each, whether it must not exist (a unique insert).
    pub keys: Vec<(Bytes, bool)>,
    /// The primary key of the transaction.
    pub primary: Bytes,
    /// The transaction.
    pub start_ts: Timestamp,
    /// Versions committed after this are a conflict (the statement retries with a newer one).
    pub for_update_ts: Timestamp,
    /// Milliseconds after `start_ts`.
    pub ttl_ms: u64,
    /// What to do where another transaction holds the lock.
    pub wait: WaitPolicy,
    /// Return the current values.
    pub return_values: bool,
}

/// How long a locker waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitPolicy {
    /// Up to this many milliseconds.
    Timeout(u64),
    /// Not at all: `KeyError::Locked` at once.
    NoWait,
}

/// Second phase of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitKeys {
    /// The keys in this region.
    pub keys: Vec<Bytes>,
    /// The transaction.
    pub start_ts: Timestamp,
    /// When it commits.
    pub commit_ts: Timestamp,
}

/// Asks a primary key what became of its transaction, pushing its `min_commit_ts` past the caller and
/// rolling it back when its ttl is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckTxnStatus {
    /// The primary key.
    pub primary: Bytes,
    /// The transaction asked about.
    pub lock_ts: Timestamp,
    /// The reader that met its lock (`MAX`: do not push).
    pub caller_start_ts: Timestamp,
    /// Now, to judge the ttl.
    pub current_ts: Timestamp,
    /// Write a rollback record when nothing is found, so that a late prewrite fails.
    pub rollback_if_not_exist: bool,
    /// The lock met is pessimistic.
    pub resolving_pessimistic: bool,
}

/// A transaction whose locks a reader passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The transaction.
    pub start_ts: Timestamp,
    /// It is committed at or before the reader's snapshot, so that what its locks say is there. Else it does not matter: it is rolled back, or
    /// commits later.
    pub committed: bool,
}

/// A request to a region. Reads go to [`KvResponse`]'s variant of the same meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvRequest {
    /// The value at `ts`. Answer: `Value`.
    Get {
        /// Which key.
        key: Bytes,
        /// The snapshot.
        ts: Timestamp,
        /// Transactions whose locks this reader passes.
        resolved: Vec<Pass>,
    },
    /// Values of those keys that have one, as many as an answer carries. Answer: `Pairs`.
    BatchGet {
        /// Which keys, all in the region, ascending.
        keys: Vec<Bytes>,
        /// The snapshot.
        ts: Timestamp,
        /// As in `Get`.
        resolved: Vec<Pass>,
    },
    /// Pairs of `[start, end)` in order (descending from `end` with `reverse`), at most `limit` and as many as an answer carries.
    /// Answer: `Pairs`.
    Scan {
        /// First key.
        start: Bytes,
        /// Past the last key; empty: no bound.
        end: Bytes,
        /// How many pairs at most.
        limit: usize,
        /// The snapshot.
        ts: Timestamp,
        /// Last to first.
        reverse: bool,
        /// Leave the values out.
        key_only: bool,
        /// As in `Get`.
        resolved: Vec<Pass>,
    },
    /// Answer: `Prewritten`.
    Prewrite(Prewrite),
    /// Answer: `Locked`.
    PessimisticLock(PessimisticLock),
    /// Gives pessimistic locks up. Answer: `Done`.
    PessimisticRollback {
        /// The keys.
        keys: Vec<Bytes>,
        /// The transaction.
        start_ts: Timestamp,
        /// Locks taken at or before this.
        for_update_ts: Timestamp,
    },
    /// Answer: `Done`.
    Commit(CommitKeys),
    /// Rolls keys back, and leaves a record that stops a late prewrite. Answer: `Done`.
    Rollback {
        /// The keys.
        keys: Vec<Bytes>,
        /// The transaction.
        start_ts: Timestamp,
    },
    /// Prolongs a primary lock. Answer: `Heartbeat`.
    TxnHeartBeat {
        /// The primary key.
        primary: Bytes,
        /// The transaction.
        start_ts: Timestamp,
        /// The new ttl, if longer.
        ttl_ms: u64,
    },
    /// Answer: `Status`.
    CheckTxnStatus(CheckTxnStatus),
    /// Looks at an async-commit transaction's secondary locks (missing ones are rolled back). Answer: `SecondaryLocks`.
    CheckSecondaryLocks {
        /// The keys in this region.
        keys: Vec<Bytes>,
        /// The transaction.
        start_ts: Timestamp,
    },
    /// Commits (`Some`) or rolls back (`None`) the locks of `start_ts` on `keys`; with no keys, on the whole region. Answer: `Done`.
    ResolveLock {
        /// The transaction.
        start_ts: Timestamp,
        /// When it committed, if it did.
        commit_ts: Option<Timestamp>,
        /// Which keys, or empty for all of its locks in the region.
        keys: Vec<Bytes>,
        /// Without keys: the user key to go on from, when a region's locks are resolved in rounds. Nobody sends it.
        from: Bytes,
    },
    /// Locks with `start_ts` ≤ `max_ts` in `[start, end)`. Answer: `Locks`.
    ScanLock {
        /// Newest transaction of interest.
        max_ts: Timestamp,
        /// First key.
        start: Bytes,
        /// Past the last key; empty: no bound.
        end: Bytes,
        /// How many at most.
        limit: usize,
    },
    /// Removes versions no snapshot at or after `safe_point` can see. The whole range is read for them at once, so it should
    /// be known to have some, and be small. Answer: `Done`.
    Gc {
        /// The oldest snapshot in use.
        safe_point: Timestamp,
        /// Start of the keys to go through.
        start: Bytes,
        /// Past the last; empty: no bound.
        end: Bytes,
    },
    /// Physically removes `[start, end)` in all column families, whatever its transactions. Answer: `Done`.
    DeleteRange {
        /// First key.
        start: Bytes,
        /// Past the last key.
        end: Bytes,
    },
}

impl KvRequest {
    /// What it does in its region: what an answer that does not come means, and who may give one.
    pub fn effect(&self) -> Effect {
        match self {
            KvRequest::Get { .. } | KvRequest::BatchGet { .. } | KvRequest::Scan { .. } => {
                Effect::Read
            }
            KvRequest::ScanLock { .. } => Effect::Look,
            KvRequest::Commit(_) => Effect::Decide,
            KvRequest::Prewrite(prewrite)
                if prewrite.try_one_pc || prewrite.async_commit.is_some() =>
            {
                Effect::Decide
            }
            KvRequest::Prewrite(_)
            | KvRequest::PessimisticLock(_)
            | KvRequest::PessimisticRollback { .. }
            | KvRequest::Rollback { .. }
            | KvRequest::TxnHeartBeat { .. }
            | KvRequest::CheckTxnStatus(_)
            | KvRequest::CheckSecondaryLocks { .. }
            | KvRequest::ResolveLock { .. }
            | KvRequest::Gc { .. }
            | KvRequest::DeleteRange { .. } => Effect::Change,
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnStatus {
    /// It committed.
    Committed(Timestamp),
    /// It is, or was now, rolled back.
    RolledBack,
    /// It is alive: its primary lock.
    Alive {
        /// The primary lock.
        lock: Box<LockInfo>,
        /// Its `min_commit_ts` was pushed past the caller, who may read around it.
        pushed: bool,
    },
    /// No lock, no record: nothing was rolled back as the lock met was pessimistic.
    LockNotExistDoNothing,
}

/// The answer to a [`KvRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvResponse {
    /// Of `Get`.
    Value(Option<Bytes>),
    /// Of `BatchGet` and `Scan`. Behind the last there may be more: see [`is_cut`](crate::storage::mvcc::is_cut).
    Pairs(Vec<KvPair>),
    /// Of `Prewrite`.
    Prewritten {
        /// Set when the transaction committed in one phase.
        one_pc_commit_ts: Option<Timestamp>,
        /// Set for async commit: the commit timestamp will be at least this. `None`: fall back to two phases.
        min_commit_ts: Option<Timestamp>,
    },
    /// Of `PessimisticLock`: per key the value, if asked for and present.
    Locked {
        /// In the order of the keys. If they were asked for, only as many as an answer carries: the others are to be read.
        values: Vec<Option<Bytes>>,
        /// How long it has waited for other transactions.
        waited: Duration,
    },
    /// Of commands that answer only that they are done.
    Done,
    /// Of `TxnHeartBeat`: the ttl now.
    Heartbeat {
        /// Milliseconds after `start_ts`.
        ttl_ms: u64,
    },
    /// Of `CheckTxnStatus`.
    Status(TxnStatus),
    /// Of `CheckSecondaryLocks`: all locks, or none when one is missing; then the commit timestamp if it is committed.
    SecondaryLocks {
        /// The locks found.
        locks: Vec<LockInfo>,
        /// Set when committed already.
        commit_ts: Option<Timestamp>,
    },
    /// Of `ScanLock`.
    Locks(Vec<LockInfo>),
}
