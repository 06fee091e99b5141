//! What to do about a lock that is in the way.
//!
//! The truth about a transaction is at its primary key. Whoever meets one of its locks asks there (`CheckTxnStatus`): a
//! transaction that committed or was rolled back has the lock met turned into what it became; one whose locks outlived
//! their ttl is rolled back; one that is alive is waited for, except by a reader, past whom its commit is pushed.
//!
//! A transaction that commits asynchronously is committed once all its locks are in place, so when its
//! primary's ttl is over all of its keys are looked at (`CheckSecondaryLocks`): with all locks there it committed, at the highest of
//! their `min_commit_ts`; with one missing it did not, and the look itself keeps that lock from coming.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use super::call::Call;
use super::client::Client;
use super::error::{Error, Result};
use crate::common::{RegionId, Timestamp};
use crate::storage::txn::{
    CheckTxnStatus, KeyError, KvRequest, KvResponse, LockInfo, LockKind, TxnStatus,
};

/// How many transactions' fates are remembered.
const REMEMBERED: usize = 2048;

/// A transaction that has more keys, and so many of whose locks were met already, has them resolved a region at a time rather than one by one. Not
/// from the first on: mostly its client is about to do that, and whoever waits needs only the one key.
const FEW_KEYS: u64 = 16;

/// What became of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// It is gone: try again.
    Gone,
    /// Its transaction is over, and the lock is being turned into what became of it: a reader need not wait for that.
    Over(Fate),
    /// Its transaction will commit after the reader's snapshot: read around it.
    Pushed,
    /// Its transaction is alive for at least so long, unless it ends by itself.
    Alive {
        /// Until its ttl is over.
        ttl_left: Duration,
    },
}

/// How a transaction ended: committed, or (`None`) rolled back.
pub(super) type Fate = Option<Timestamp>;

/// The fates of transactions lately asked about. A fate never changes, so an entry is never wrong, only forgotten.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// With how many of its locks were met.
    by_start: BTreeMap<Timestamp, (Fate, u64)>,
    order: VecDeque<Timestamp>,
}

impl Fates {
    fn get(&self, start_ts: Timestamp) -> Option<Fate> {
        self.by_start.get(&start_ts).map(|(fate, _)| *fate)
    }

    /// Counts a lock that was met of a transaction whose fate is known; answers how many that makes.
    fn meet(&mut self, start_ts: Timestamp) -> u64 {
        let Some((_, met)) = self.by_start.get_mut(&start_ts) else { return 0 };
        *met += 1;
        *met
    }

    fn insert(&mut self, start_ts: Timestamp, fate: Fate) {
        let met = self.by_start.get(&start_ts).map_or(0, |(_, met)| *met);
        if self.by_start.insert(start_ts, (fate, met)).is_some() {
            return;
        }
        self.order.push_back(start_ts);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_start.remove(&oldest);
        }
    }
}

/// All locks of a transaction in a region are being settled, as long as it lives.
///
/// Once at a time for each client: a large transaction's locks are met by every read, and each who settled them all would go through all the rounds of
/// all the others, in line for the same latches.
struct Settling {
    client: Client,
    what: (Timestamp, RegionId),
}

impl Settling {
    /// `None`: somebody is at it.
    fn begin(client: &Client, start_ts: Timestamp, region: RegionId) -> Option<Settling> {
        let what = (start_ts, region);
        let is_new = client.settling().lock().insert(what);
        is_new.then(|| Settling { client: client.clone(), what })
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.client.settling().lock().remove(&self.what);
    }
}

impl Client {
    /// Gets a lock out of the way of `caller` (`MAX`: a writer), if that can be done now.
    ///
    /// Boxed, as resolving sends requests and any request may meet a lock.
    pub(super) fn resolve(
        &self,
        lock: LockInfo,
        caller: Timestamp,
    ) -> BoxFuture<'_, Result<Resolved>> {
        Box::pin(self.resolve_now(lock, caller, false))
    }

    /// The same for a reader, who only has to know what became of the transaction. The lock is settled behind him.
    pub(super) fn resolve_behind(
        &self,
        lock: LockInfo,
        caller: Timestamp,
    ) -> BoxFuture<'_, Result<Resolved>> {
        Box::pin(self.resolve_now(lock, caller, true))
    }

    async fn resolve_now(
        &self,
        lock: LockInfo,
        caller: Timestamp,
        behind: bool,
    ) -> Result<Resolved> {
        let known = self.fates().lock().get(lock.start_ts);
        if let Some(fate) = known {
            return self.end(lock, fate, behind).await;
        }
        let now = self.timestamp_now().await?;
        let status = match self.status(&lock, caller, now).await {
            // The prewrite of the primary may be on its way still: the lock's own ttl has not passed.
            Err(Error::Key(KeyError::TxnNotFound { .. })) => {
                return Ok(Resolved::Alive { ttl_left: ttl_left(&lock, now) });
            }
            status => status?,
        };
        match status {
            TxnStatus::Committed(commit_ts) => self.conclude(lock, Some(commit_ts), behind).await,
            TxnStatus::RolledBack => self.conclude(lock, None, behind).await,
            TxnStatus::LockNotExistDoNothing => {
                self.settle(&lock, None).await?;
                Ok(Resolved::Gone)
            }
            TxnStatus::Alive { lock: primary, .. }
                if primary.use_async_commit && ttl_left(&primary, now).is_zero() =>
            {
                let fate = self.fate_of_async(&primary).await?;
                self.settle_async(&primary, fate).await?;
                self.conclude(lock, fate, behind).await
            }
            TxnStatus::Alive { pushed: true, .. } if caller != Timestamp::MAX => {
                Ok(Resolved::Pushed)
            }
            TxnStatus::Alive { lock: primary, .. } => {
                Ok(Resolved::Alive { ttl_left: ttl_left(&primary, now) })
            }
        }
    }

    async fn conclude(&self, lock: LockInfo, fate: Fate, behind: bool) -> Result<Resolved> {
        // A pessimistic primary that expired before its prewrite leaves no record, and its transaction could lock again.
        if lock.kind != LockKind::Pessimistic {
            self.fates().lock().insert(lock.start_ts, fate);
        }
        self.end(lock, fate, behind).await
    }

    /// Settles a lock whose transaction is over, or has it settled.
    async fn end(&self, lock: LockInfo, fate: Fate, behind: bool) -> Result<Resolved> {
        if !behind || lock.kind == LockKind::Pessimistic {
            self.settle(&lock, fate).await?;
            return Ok(Resolved::Gone);
        }
        let client = self.clone();
        self.spawn(async move {
            // Once: whoever meets it next does it otherwise, and a node that stops is not held up.
            let mut call = Call::once(&client);
            if let Err(error) = client.settle_by(&lock, fate, &mut call, true).await {
                tracing::debug!(%error, start_ts = %lock.start_ts, "left a lock to who meets it next");
            }
        });
        Ok(Resolved::Over(fate))
    }

    async fn status(
        &self,
        lock: &LockInfo,
        caller: Timestamp,
        now: Timestamp,
    ) -> Result<TxnStatus> {
        let check = CheckTxnStatus {
            primary: lock.primary.clone(),
            lock_ts: lock.start_ts,
            caller_start_ts: caller,
            current_ts: now,
            rollback_if_not_exist: ttl_left(lock, now).is_zero(),
            resolving_pessimistic: lock.kind == LockKind::Pessimistic,
        };
        let mut call = Call::write(self);
        let make = |_| KvRequest::CheckTxnStatus(check.clone());
        match self.request(&lock.primary, &mut call, make).await? {
            KvResponse::Status(status) => Ok(status),
            _ => Err(Error::Unexpected("CheckTxnStatus")),
        }
    }

    /// Turns a lock into what its transaction became.
    async fn settle(&self, lock: &LockInfo, fate: Fate) -> Result<()> {
        self.settle_by(lock, fate, &mut Call::write(self), false).await
    }

    /// The same as part of a call. Behind a reader nothing is done where all of the transaction's locks are being settled already.
    async fn settle_by(
        &self,
        lock: &LockInfo,
        fate: Fate,
        call: &mut Call,
        behind: bool,
    ) -> Result<()> {
        let start_ts = lock.start_ts;
        let mut keys = vec![lock.key.clone()];
        let met = self.fates().lock().meet(start_ts);
        let mut whole_region = None;
        let request = if lock.kind == LockKind::Pessimistic {
            let for_update_ts = lock.for_update_ts;
            KvRequest::PessimisticRollback { keys, start_ts, for_update_ts }
        } else {
            if lock.txn_size.min(met) >= FEW_KEYS {
                let region = self.locate(&lock.key, &mut call.backoff).await?.region.id;
                whole_region = Settling::begin(self, start_ts, region);
                match whole_region {
                    Some(_) => keys.clear(),
                    None if behind => return Ok(()),
                    None => {}
                }
            }
            KvRequest::ResolveLock { start_ts, commit_ts: fate, keys, from: Bytes::new() }
        };
        self.request(&lock.key, call, |_| request.clone()).await?;
        drop(whole_region);
        Ok(())
    }

    /// Finds out whether an async-commit transaction whose primary's ttl is over has all its locks.
    async fn fate_of_async(&self, primary: &LockInfo) -> Result<Fate> {
        let start_ts = primary.start_ts;
        let mut commit_ts = primary.min_commit_ts;
        let mut call = Call::write(self);
        let make =
            |keys: &[Bytes], _| KvRequest::CheckSecondaryLocks { keys: keys.to_vec(), start_ts };
        let secondaries = primary.secondaries.clone();
        for (keys, answer) in self.send_all(secondaries, &mut call, make).await? {
            let KvResponse::SecondaryLocks { locks, commit_ts: committed } = answer else {
                return Err(Error::Unexpected("CheckSecondaryLocks"));
            };
            if committed.is_some() {
                return Ok(committed);
            }
            if locks.len() < keys.len() {
                return Ok(None);
            }
            if locks.iter().any(|lock| !lock.use_async_commit) {
                return self.force_end(primary).await;
            }
            commit_ts = locks.iter().map(|lock| lock.min_commit_ts).fold(commit_ts, Timestamp::max);
        }
        Ok(Some(commit_ts))
    }

    /// Ends an expired transaction that fell back from async commit to two phases: its primary alone decides.
    async fn force_end(&self, primary: &LockInfo) -> Result<Fate> {
        let (key, start_ts) = (&primary.key, primary.start_ts);
        let make = |_| KvRequest::Rollback { keys: vec![key.clone()], start_ts };
        match self.request(key, &mut Call::write(self), make).await {
            Ok(_) => Ok(None),
            Err(Error::Key(KeyError::Committed { commit_ts })) => Ok(Some(commit_ts)),
            Err(error) => Err(error),
        }
    }

    /// Settles every key of an async-commit transaction, so that the next reader need not look at all of them again.
    async fn settle_async(&self, primary: &LockInfo, commit_ts: Fate) -> Result<()> {
        let start_ts = primary.start_ts;
        let make = |keys: &[Bytes], _| {
            let (keys, from) = (keys.to_vec(), Bytes::new());
            KvRequest::ResolveLock { start_ts, commit_ts, keys, from }
        };
        // The primary last: as long as its lock stands, the secondaries are found through it.
        let secondaries = primary.secondaries.clone();
        self.send_all(secondaries, &mut Call::write(self), make).await?;
        let key = vec![primary.key.clone()];
        self.send_all(key, &mut Call::write(self), make).await?;
        Ok(())
    }
}

/// How long a lock has still to live.
pub(super) fn ttl_left(lock: &LockInfo, now: Timestamp) -> Duration {
    let ends = lock.start_ts.physical_ms().saturating_add(lock.ttl_ms);
    Duration::from_millis(ends.saturating_sub(now.physical_ms()))
}
