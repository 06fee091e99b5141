//! One entry for all commands: which keys to latch, and what to do once they are.
//!
//! The region's leader runs a command in these steps, each a call into this module or its neighbours:
//!
//! 1. [`footprint`] names the keys; the leader acquires their latches.
//! 2. [`execute`] looks at the state and decides: an [`Outcome`].
//! 3. A reply or an error goes out. A wait goes to the lock waiters. A write is proposed, unless its batch is empty.
//! 4. When the write is applied: [`Effects::apply`], the reply goes out, the keys it returns have their waiters woken, and the effects
//!    are dropped. If the proposal fails instead, the effects are dropped unapplied.
//! 5. The latches are released. (For a wait, too: a waiter holds none, and starts over at step 1.)
//! 6. If the footprint left a rest, that is run as a command of its own.
//!
//! The latches are held from 1 to 5, so that step 2 always sees every earlier command on its keys applied.

use bytes::Bytes;

use super::concurrency::{ConcurrencyManager, MemoryLockGuard};
use super::lock_table::{LockTable, PessimisticEntry};
use super::{
    KeyError, KvRequest, KvResponse, LockInfo, WaitPolicy, commit, maintenance, pessimistic,
    prewrite, status,
};
use crate::common::Timestamp;
use crate::storage::engine::{self, Reader, WriteBatch};
use crate::storage::mvcc::{
    Error, GarbageLimits, KeyRange, Lock, MvccReader, Result, find_garbage,
};

/// How many keys one round of a command over a range works on.
pub const ROUND_KEYS: usize = 256;
/// Locks of any transaction that a round of resolving one's locks looks at.
pub(super) const ROUND_LOCKS: usize = 1024;

/// What a command may look at.
#[derive(Clone, Copy)]
pub struct CommandContext<'a> {
    /// The state of the engine; any state at or after the moment the latches were acquired will do.
    pub reader: &'a dyn Reader,
    /// The leader's pessimistic locks.
    pub locks: &'a LockTable,
    /// The store's readers.
    pub concurrency: &'a ConcurrencyManager,
    /// The region's range.
    pub range: &'a KeyRange,
    /// Whether `max_ts` has been raised to a fresh timestamp of the oracle since this peer became leader. Without, one-phase and
    /// asynchronous commits fall back to two phases.
    pub max_ts_synced: bool,
}

/// A lock on a key and where it stands.
pub(super) struct HeldLock {
    pub(super) lock: Lock,
    pub(super) in_memory: bool,
}

impl<'a> CommandContext<'a> {
    pub(super) fn mvcc(&self) -> MvccReader<'a> {
        MvccReader::new(self.reader)
    }

    pub(super) fn mvcc_since(&self, start_ts: Timestamp) -> MvccReader<'a> {
        MvccReader::since(self.reader, start_ts)
    }

    /// The lock on a key: a pessimistic one of the leader's memory, or one of the lock family.
    pub(super) fn held_lock(
        &self,
        mvcc: &MvccReader<'_>,
        key: &[u8],
    ) -> engine::Result<Option<HeldLock>> {
        if let Some(entry) = self.locks.get(key) {
            return Ok(Some(HeldLock { lock: entry.to_lock(), in_memory: true }));
        }
        Ok(mvcc.lock(key)?.map(|lock| HeldLock { lock, in_memory: false }))
    }
}

/// What a command decided.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing changes.
    Reply(KvResponse),
    /// To be written, and then answered.
    Write(Box<Decision>),
    /// Another transaction holds the lock; wait for it as the policy says, and run the command again.
    WaitForLock {
        /// The lock.
        lock: Box<LockInfo>,
        /// The longest wait, in milliseconds.
        timeout_ms: u64,
    },
    /// The keys forbid it.
    Error(KeyError),
}

/// A write and what comes with it.
#[derive(Debug)]
pub struct Decision {
    /// What to replicate; when empty, the effects take place at once.
    pub batch: WriteBatch,
    /// The answer once it is applied.
    pub response: KvResponse,
    /// Changes of the leader's memory, once it is applied.
    pub effects: Effects,
}

/// Changes of the leader's memory that go with a write.
#[derive(Debug, Default)]
pub struct Effects {
    /// Pessimistic locks to set.
    pub acquire: Vec<(Bytes, PessimisticEntry)>,
    /// Pessimistic locks to remove.
    pub release: Vec<(Bytes, Timestamp)>,
    /// Keys on which a lock is gone for good.
    pub unlocked: Vec<Bytes>,
    /// Memory locks that stand until these effects are dropped.
    pub guard: Option<MemoryLockGuard>,
}

impl Effects {
    /// Changes the lock table; call it when the write is applied. Returns the keys whose waiters may be woken.
    pub fn apply(&mut self, locks: &mut LockTable) -> Vec<Bytes> {
        for (key, start_ts) in self.release.drain(..) {
            locks.remove(&key, start_ts);
        }
        for (key, entry) in std::mem::take(&mut self.acquire) {
            locks.insert(key, entry);
        }
        self.guard = None;
        std::mem::take(&mut self.unlocked)
    }

    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.acquire.is_empty()
            && self.release.is_empty()
            && self.unlocked.is_empty()
            && self.guard.is_none()
    }

    /// Removes a lock of `start_ts`, wherever it stands.
    pub(super) fn unlock(&mut self, batch: &mut WriteBatch, key: &Bytes, held: &HeldLock) {
        if held.in_memory {
            self.release.push((key.clone(), held.lock.start_ts));
        } else {
            super::writes::delete_lock(batch, key);
        }
        self.unlocked.push(key.clone());
    }
}

/// The keys of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// To be latched: sorted, without duplicates.
    pub keys: Vec<Bytes>,
    /// For a command over a range, what remains after these keys: to be run when this round is applied. Its answer is
    /// the whole command's.
    pub rest: Option<Box<KvRequest>>,
}

/// The keys a command works on. Reads, `ScanLock` and `DeleteRange` need no latches. `Gc` and `ResolveLock` without keys
/// find theirs by looking at the region.
pub fn footprint(context: &CommandContext<'_>, request: &KvRequest) -> engine::Result<Footprint> {
    let mut keys: Vec<Bytes> = match request {
        KvRequest::Prewrite(prewrite) => {
            prewrite.mutations.iter().map(|mutation| mutation.key.clone()).collect()
        }
        KvRequest::PessimisticLock(lock) => lock.keys.iter().map(|(key, _)| key.clone()).collect(),
        KvRequest::Commit(commit) => commit.keys.clone(),
        KvRequest::PessimisticRollback { keys, .. }
        | KvRequest::Rollback { keys, .. }
        | KvRequest::CheckSecondaryLocks { keys, .. } => keys.clone(),
        KvRequest::TxnHeartBeat { primary, .. } => vec![primary.clone()],
        KvRequest::CheckTxnStatus(check) => vec![check.primary.clone()],
        KvRequest::ResolveLock { keys, .. } if !keys.is_empty() => keys.clone(),
        KvRequest::ResolveLock { start_ts, commit_ts, from, .. } => {
            let (start_ts, commit_ts) = (*start_ts, *commit_ts);
            let (keys, next) = maintenance::keys_locked_by(context, start_ts, from)?;
            let rest = next.map(|from| {
                Box::new(KvRequest::ResolveLock { start_ts, commit_ts, keys: Vec::new(), from })
            });
            return Ok(Footprint { keys, rest });
        }
        KvRequest::Gc { safe_point, start, end } => {
            let range = context.range.clip(start, end);
            let limits = GarbageLimits { found: ROUND_KEYS, seen: usize::MAX };
            let garbage = find_garbage(context.reader, &range, *safe_point, limits)?;
            let keys = garbage.keys.into_iter().map(Bytes::from).collect();
            let rest = garbage.next.map(|next| {
                let start = Bytes::from(next);
                Box::new(KvRequest::Gc { safe_point: *safe_point, start, end: end.clone() })
            });
            return Ok(Footprint { keys, rest });
        }
        KvRequest::Get { .. }
        | KvRequest::BatchGet { .. }
        | KvRequest::Scan { .. }
        | KvRequest::ScanLock { .. }
        | KvRequest::DeleteRange { .. } => Vec::new(),
    };
    keys.sort_unstable();
    keys.dedup();
    Ok(Footprint { keys, rest: None })
}

/// Decides a command whose latches on `keys` (its footprint's) are held. Reads do not come here: see
/// [`admit`](super::admit) and [`read`](super::read).
pub fn execute(
    context: &CommandContext<'_>,
    request: &KvRequest,
    keys: &[Bytes],
) -> engine::Result<Outcome> {
    match run(context, request, keys) {
        Ok(outcome) => Ok(outcome),
        Err(Error::Key(error)) => Ok(Outcome::Error(error)),
        Err(Error::Engine(error)) => Err(error),
    }
}

fn run(context: &CommandContext<'_>, request: &KvRequest, keys: &[Bytes]) -> Result<Outcome> {
    match request {
        KvRequest::Get { .. } | KvRequest::BatchGet { .. } | KvRequest::Scan { .. } => {
            super::admit(context.concurrency, request)?;
            let response = super::read(context.reader, context.range, request)?;
            Ok(Outcome::Reply(response))
        }
        KvRequest::Prewrite(prewrite) => prewrite::prewrite(context, prewrite),
        KvRequest::PessimisticLock(lock) => pessimistic::lock(context, lock),
        KvRequest::PessimisticRollback { keys, start_ts, for_update_ts } => {
            pessimistic::rollback(context, keys, *start_ts, *for_update_ts)
        }
        KvRequest::Commit(commit) => commit::commit(context, commit),
        KvRequest::Rollback { keys, start_ts } => commit::rollback(context, keys, *start_ts),
        KvRequest::TxnHeartBeat { primary, start_ts, ttl_ms } => {
            status::heartbeat(context, primary, *start_ts, *ttl_ms)
        }
        KvRequest::CheckTxnStatus(check) => status::check_txn_status(context, check),
        KvRequest::CheckSecondaryLocks { keys, start_ts } => {
            status::check_secondary_locks(context, keys, *start_ts)
        }
        KvRequest::ResolveLock { start_ts, commit_ts, .. } => {
            commit::resolve(context, keys, *start_ts, *commit_ts)
        }
        KvRequest::ScanLock { max_ts, start, end, limit } => {
            maintenance::scan_lock(context, *max_ts, start, end, *limit)
        }
        KvRequest::Gc { safe_point, .. } => maintenance::gc(context, keys, *safe_point),
        KvRequest::DeleteRange { start, end } => maintenance::delete_range(context, start, end),
    }
}

impl Outcome {
    /// A write, or a plain reply if there is nothing to write and nothing to remember.
    pub(super) fn write(batch: WriteBatch, response: KvResponse, effects: Effects) -> Outcome {
        if batch.is_empty() && effects.is_empty() {
            return Outcome::Reply(response);
        }
        Outcome::Write(Box::new(Decision { batch, response, effects }))
    }

    /// A lock in the way, treated as the policy says.
    pub(super) fn blocked(lock: LockInfo, wait: WaitPolicy) -> Outcome {
        let lock = Box::new(lock);
        match wait {
            WaitPolicy::NoWait => Outcome::Error(KeyError::Locked(lock)),
            WaitPolicy::Timeout(timeout_ms) => Outcome::WaitForLock { lock, timeout_ms },
        }
    }
}
