//! The first phase of a commit: check every key, lock it, and put its value in place; or, where the whole transaction is
//! in the region, commit at once.
//!
//! The message may be repeated, delayed, or arrive after somebody resolved the transaction. So a key is judged in this order:
//! its lock (ours: done before), the fate of the transaction on this key (committed: say so; rolled back: fail), and only then
//! what others have committed.

use bytes::Bytes;

use super::executor::{CommandContext, Effects, HeldLock, Outcome};
use super::writes::{place_value, put_lock, put_write};
use super::{
    Assertion, KeyError, KvResponse, LockKind, Mutation, MutationKind, PessimisticAction, Prewrite,
};
use crate::common::Timestamp;
use crate::storage::engine::WriteBatch;
use crate::storage::mvcc::{Lock, MvccReader, Result, TxnRecord, Write};

/// What the check of one key found.
enum Checked {
    /// To be locked.
    Lock(Box<Planned>),
    /// Nothing to write: only checked.
    Pass,
    /// Locked by an earlier copy of this message.
    Prewritten(Lock),
    /// The transaction committed already.
    Committed(Timestamp),
}

/// A key to be locked.
struct Planned {
    key: Bytes,
    value: Bytes,
    lock: Lock,
    /// Our pessimistic lock, which gives way.
    replaces: Option<HeldLock>,
    /// The commit must be above this version.
    above: Timestamp,
}

/// How the transaction is to commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    TwoPhase,
    Async,
    OnePhase,
}

pub(super) fn prewrite(context: &CommandContext<'_>, request: &Prewrite) -> Result<Outcome> {
    let mut mvcc = context.mvcc_since(request.start_ts);
    let mut planned = Vec::with_capacity(request.mutations.len());
    let mut prewritten = Vec::new();
    for mutation in &request.mutations {
        match check(context, &mut mvcc, request, mutation)? {
            Checked::Lock(plan) => planned.push(*plan),
            Checked::Pass => {}
            Checked::Prewritten(lock) => prewritten.push(lock),
            Checked::Committed(commit_ts) => {
                return Ok(Outcome::Reply(committed(request, commit_ts)));
            }
        }
    }
    let mode = choose_mode(context, request, &prewritten);
    Ok(lock_keys(context, request, planned, &prewritten, mode))
}

/// The answer to a message that arrives after its transaction committed.
fn committed(request: &Prewrite, commit_ts: Timestamp) -> KvResponse {
    KvResponse::Prewritten {
        one_pc_commit_ts: request.try_one_pc.then_some(commit_ts),
        min_commit_ts: request.async_commit.is_some().then_some(commit_ts),
    }
}

fn choose_mode(context: &CommandContext<'_>, request: &Prewrite, prewritten: &[Lock]) -> Mode {
    // An earlier copy of the message went another way: stay on it.
    let all_async = prewritten.iter().all(|lock| lock.use_async_commit);
    if !context.max_ts_synced || !all_async {
        Mode::TwoPhase
    } else if request.try_one_pc && prewritten.is_empty() {
        Mode::OnePhase
    } else if request.async_commit.is_some() {
        Mode::Async
    } else {
        Mode::TwoPhase
    }
}

/// Checks one key. The latch is held and nothing is written yet.
fn check(
    context: &CommandContext<'_>,
    mvcc: &mut MvccReader<'_>,
    request: &Prewrite,
    mutation: &Mutation,
) -> Result<Checked> {
    let key = &mutation.key;
    let held = context.held_lock(mvcc, key)?;
    let held = match held {
        Some(held) if held.lock.start_ts != request.start_ts => {
            if mutation.pessimistic == PessimisticAction::DoCheck && request.is_pessimistic() {
                // Somebody took the key since: ours is lost. Unless this is an old message of a finished transaction.
                return match mvcc.txn_record(key, request.start_ts)? {
                    TxnRecord::Committed { commit_ts, .. } => Ok(Checked::Committed(commit_ts)),
                    _ => Err(pessimistic_lock_lost(request, key).into()),
                };
            }
            return Err(KeyError::Locked(Box::new(held.lock.info(key))).into());
        }
        Some(held) if held.lock.kind != LockKind::Pessimistic => {
            return Ok(Checked::Prewritten(held.lock));
        }
        held => held,
    };
    let mut above = Timestamp::ZERO;
    if held.is_none() {
        match check_history(mvcc, request, mutation)? {
            History::Clear { newest } => above = newest,
            History::Committed(commit_ts) => return Ok(Checked::Committed(commit_ts)),
        }
    }
    check_existence(mvcc, request, mutation)?;
    let kind = match mutation.kind {
        MutationKind::Put | MutationKind::Insert => LockKind::Put,
        MutationKind::Delete => LockKind::Delete,
        MutationKind::Lock => LockKind::Lock,
        MutationKind::CheckNotExists => return Ok(Checked::Pass),
    };
    Ok(Checked::Lock(Box::new(plan(request, mutation, kind, held, above))))
}

enum History {
    /// Nothing stands in the way.
    Clear {
        newest: Timestamp,
    },
    Committed(Timestamp),
}

/// Judges a key that has no lock by its versions.
fn check_history(
    mvcc: &mut MvccReader<'_>,
    request: &Prewrite,
    mutation: &Mutation,
) -> Result<History> {
    let key = &mutation.key;
    let Some((newest, _)) = mvcc.seek_write(key, Timestamp::MAX)? else {
        return Ok(History::Clear { newest: Timestamp::ZERO });
    };
    if newest < request.start_ts {
        return Ok(History::Clear { newest });
    }
    let conflict = |conflict_start_ts, conflict_commit_ts| KeyError::WriteConflict {
        start_ts: request.start_ts,
        conflict_start_ts,
        conflict_commit_ts,
        key: key.clone(),
    };
    let lost = request.is_pessimistic() && mutation.pessimistic == PessimisticAction::DoCheck;
    match mvcc.txn_record(key, request.start_ts)? {
        TxnRecord::Committed { commit_ts, .. } => return Ok(History::Committed(commit_ts)),
        TxnRecord::RolledBack if lost => return Err(pessimistic_lock_lost(request, key).into()),
        TxnRecord::RolledBack => return Err(conflict(request.start_ts, request.start_ts).into()),
        TxnRecord::None if !lost && !request.checks_conflicts(mutation) => {}
        TxnRecord::None => match mvcc.newest_commit_above(key, request.start_ts)? {
            None => {}
            // A lost pessimistic lock may be amended only if nobody wrote since the transaction started.
            Some(_) if lost => return Err(pessimistic_lock_lost(request, key).into()),
            Some((commit_ts, write)) => return Err(conflict(write.start_ts, commit_ts).into()),
        },
    }
    Ok(History::Clear { newest })
}

/// Checks that the key exists or not, as the mutation demands.
fn check_existence(
    mvcc: &mut MvccReader<'_>,
    request: &Prewrite,
    mutation: &Mutation,
) -> Result<()> {
    let must_not_exist =
        matches!(mutation.kind, MutationKind::Insert | MutationKind::CheckNotExists);
    if !must_not_exist && mutation.assertion == Assertion::None {
        return Ok(());
    }
    let present = mvcc.latest_value(&mutation.key)?;
    let holds = match mutation.assertion {
        Assertion::None => true,
        Assertion::Exist => present.is_some(),
        Assertion::NotExist => present.is_none(),
    };
    match present {
        Some(value) if must_not_exist => {
            Err(KeyError::AlreadyExists { key: mutation.key.clone(), value }.into())
        }
        _ if !holds => {
            let key = mutation.key.clone();
            Err(KeyError::AssertionFailed { start_ts: request.start_ts, key }.into())
        }
        _ => Ok(()),
    }
}

fn pessimistic_lock_lost(request: &Prewrite, key: &Bytes) -> KeyError {
    KeyError::PessimisticLockNotFound { start_ts: request.start_ts, key: key.clone() }
}

/// The lock a checked mutation gets, but for its place in time.
fn plan(
    request: &Prewrite,
    mutation: &Mutation,
    kind: LockKind,
    replaces: Option<HeldLock>,
    above: Timestamp,
) -> Planned {
    let earlier = replaces.as_ref().map(|held| &held.lock);
    let is_primary = mutation.key == request.primary;
    let lock = Lock {
        kind,
        primary: request.primary.clone(),
        start_ts: request.start_ts,
        ttl_ms: request.ttl_ms.max(earlier.map_or(0, |lock| lock.ttl_ms)),
        txn_size: request.txn_size,
        for_update_ts: request.for_update_ts,
        min_commit_ts: request
            .min_commit_ts
            .max(request.start_ts.next())
            .max(request.for_update_ts.next())
            .max(earlier.map_or(Timestamp::ZERO, |lock| lock.min_commit_ts)),
        use_async_commit: false,
        secondaries: match &request.async_commit {
            Some(secondaries) if is_primary => secondaries.clone(),
            _ => Vec::new(),
        },
        short_value: None,
    };
    let value = if kind == LockKind::Put { mutation.value.clone() } else { Bytes::new() };
    Planned { key: mutation.key.clone(), value, lock, replaces, above }
}

/// Everything is checked: chooses the timestamp where that is ours to choose, and writes.
fn lock_keys(
    context: &CommandContext<'_>,
    request: &Prewrite,
    planned: Vec<Planned>,
    prewritten: &[Lock],
    mode: Mode,
) -> Outcome {
    let mut batch = WriteBatch::new();
    let mut effects = Effects::default();
    let earlier = prewritten.iter().map(|lock| lock.min_commit_ts);
    let floors = planned.iter().map(|plan| plan.lock.min_commit_ts.max(plan.above.next()));
    let floor = floors.chain(earlier).fold(request.start_ts.next(), Timestamp::max);
    let mut chosen = floor;
    if mode != Mode::TwoPhase && !planned.is_empty() {
        let locks = planned.iter().map(|plan| {
            let mut lock = plan.lock.clone();
            lock.use_async_commit = mode == Mode::Async;
            lock.secondaries.clear();
            (plan.key.clone(), lock)
        });
        let (guard, timestamp) = context.concurrency.publish(locks.collect(), floor);
        effects.guard = Some(guard);
        chosen = timestamp;
    } else if mode == Mode::OnePhase {
        chosen = context.concurrency.max_ts().next().max(floor);
    }
    for plan in planned {
        match mode {
            Mode::OnePhase => commit_planned(&mut batch, &mut effects, plan, chosen),
            _ => lock_planned(&mut batch, &mut effects, plan, mode, chosen),
        }
    }
    let response = KvResponse::Prewritten {
        one_pc_commit_ts: (mode == Mode::OnePhase).then_some(chosen),
        min_commit_ts: (mode == Mode::Async).then_some(chosen),
    };
    Outcome::write(batch, response, effects)
}

/// Locks a key, replacing our pessimistic lock.
fn lock_planned(
    batch: &mut WriteBatch,
    effects: &mut Effects,
    plan: Planned,
    mode: Mode,
    chosen: Timestamp,
) {
    let Planned { key, value, mut lock, replaces, .. } = plan;
    if mode == Mode::Async {
        assert!(chosen >= lock.min_commit_ts, "a commit is not below what was promised");
        lock.use_async_commit = true;
        lock.min_commit_ts = chosen;
    } else {
        lock.secondaries.clear();
    }
    if lock.kind == LockKind::Put {
        lock.short_value = place_value(batch, &key, lock.start_ts, &value);
    }
    put_lock(batch, &key, &lock);
    if replaces.is_some_and(|held| held.in_memory) {
        effects.release.push((key, lock.start_ts));
    }
}

/// Commits a key in one phase; our pessimistic lock goes with it.
fn commit_planned(
    batch: &mut WriteBatch,
    effects: &mut Effects,
    plan: Planned,
    commit_ts: Timestamp,
) {
    let Planned { key, value, lock, replaces, above } = plan;
    assert!(commit_ts > above, "a version stands above all that were there");
    assert!(commit_ts >= lock.min_commit_ts, "a commit is not below what was promised");
    let short_value = match lock.kind {
        LockKind::Put => place_value(batch, &key, lock.start_ts, &value),
        _ => None,
    };
    put_write(batch, &key, commit_ts, &Write::new(lock.write_kind(), lock.start_ts, short_value));
    if let Some(held) = replaces {
        effects.unlock(batch, &key, &held);
    }
}

impl Prewrite {
    fn is_pessimistic(&self) -> bool {
        self.for_update_ts != Timestamp::ZERO
    }

    /// Whether a version committed since the transaction started is a conflict.
    fn checks_conflicts(&self, mutation: &Mutation) -> bool {
        !self.is_pessimistic() || mutation.pessimistic == PessimisticAction::DoConstraintCheck
    }
}
