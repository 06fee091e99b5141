//! Pessimistic locks: taking them, giving them up, and keeping them alive.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::call::{Call, Patience};
use super::client::{Client, LiveLocks};
use super::error::{Error, Result};
use super::groups::Group;
use super::scan::View;
use crate::common::Timestamp;
use crate::sql::kv::{LockOptions, ReadFrom};
use crate::storage::txn::{KeyError, KvRequest, KvResponse, PessimisticLock, WaitPolicy};

/// One locking of some keys.
pub(super) struct Locker<'a> {
    pub(super) client: &'a Client,
    pub(super) start_ts: Timestamp,
    pub(super) for_update_ts: Timestamp,
    pub(super) primary: Bytes,
    pub(super) began: Instant,
    pub(super) options: LockOptions,
}

impl Locker<'_> {
    /// Locks all of the keys or none; answers the values of those that have one, if the options ask for them.
    pub(super) async fn lock(&self, keys: Vec<Bytes>) -> Result<HashMap<Bytes, Bytes>> {
        let mut call = Call::write(self.client);
        // Whatever else goes wrong has its time beside the wait's.
        call.backoff = Backoff::new(self.client.options().request_timeout + self.options.wait);
        call.patience = if self.options.wait.is_zero() {
            Patience::None
        } else {
            Patience::Until(Instant::now() + self.options.wait)
        };
        let groups = self.client.group(keys.clone(), &mut call.backoff).await?;
        let one_region = groups.len() == 1;
        match self.lock_groups(groups, &call).await {
            Ok(Locked { mut values, unread }) => {
                let (primary, began) = (self.primary.clone(), self.began);
                self.client.keep(self.start_ts, LiveLocks { primary, began });
                if unread.is_empty() {
                    return Ok(values);
                }
                // What is locked does not change until it is read.
                let view = View::at(self.for_update_ts, ReadFrom::Leader);
                match self.client.batch_get_at(unread, view).await {
                    Ok(read) => values.extend(read),
                    Err(error) => {
                        self.give_up(keys).await;
                        return Err(error);
                    }
                }
                Ok(values)
            }
            Err(error) => {
                // A region locks all of a request's keys or none, so one that answered holds nothing.
                if !one_region || call.is_undetermined() {
                    self.give_up(keys).await;
                }
                Err(error)
            }
        }
    }

    async fn give_up(&self, keys: Vec<Bytes>) {
        let start_ts = self.start_ts;
        if let Err(error) = self.client.unlock(keys, start_ts, self.for_update_ts).await {
            tracing::debug!(%error, %start_ts, "left locks of a failed statement to their ttl");
        }
    }

    /// The primary's region first: whoever meets another lock asks there whether the transaction lives.
    async fn lock_groups(&self, mut groups: Vec<Group<Bytes>>, call: &Call) -> Result<Locked> {
        let mut all = Locked::default();
        if let Some(at) = groups.iter().position(|group| group.items.contains(&self.primary)) {
            let first = groups.remove(at);
            self.lock_group(first, call, &mut all).await?;
        }
        let mut running: FuturesUnordered<_> = groups
            .into_iter()
            .map(|group| async {
                let mut locked = Locked::default();
                self.lock_group(group, call, &mut locked).await.map(|()| locked)
            })
            .collect();
        while let Some(locked) = running.next().await {
            let locked = locked?;
            all.values.extend(locked.values);
            all.unread.extend(locked.unread);
        }
        Ok(all)
    }

    /// Locks the keys of one region. The region queues the waiters; from time to time the wait is broken off to see
    /// whether the holder is still alive.
    async fn lock_group(&self, group: Group<Bytes>, call: &Call, all: &mut Locked) -> Result<()> {
        let mut waited = Duration::ZERO;
        loop {
            let began = Instant::now();
            let make = |keys: &[Bytes], _| self.request(keys, call.patience);
            match self.client.send_group(group.clone(), call, &make).await {
                Ok(answers) => {
                    self.client.waits().note(&mut waited, longest_wait(&answers));
                    return all.collect(answers);
                }
                Err(error @ Error::Key(KeyError::Deadlock { .. })) => {
                    self.client.waits().note(&mut waited, began.elapsed());
                    return Err(error);
                }
                Err(Error::Key(KeyError::LockWaitTimeout { lock })) => {
                    if !self.options.wait.is_zero() {
                        self.client.waits().note(&mut waited, began.elapsed());
                    }
                    let is_over = self.wait_left(call.patience).is_zero();
                    match self.client.resolve(*lock.clone(), Timestamp::MAX).await? {
                        super::resolve::Resolved::Gone => {}
                        _ if is_over => return Err(Error::Key(KeyError::LockWaitTimeout { lock })),
                        _ => {}
                    }
                }
                Err(Error::StillLocked) => return Err(Error::WaitedTooLong),
                Err(error) => return Err(error),
            }
        }
    }

    fn wait_left(&self, patience: Patience) -> Duration {
        match patience {
            Patience::Until(then) => then.saturating_duration_since(Instant::now()),
            Patience::Usual | Patience::None | Patience::Commit(_) => Duration::ZERO,
        }
    }

    fn request(&self, keys: &[Bytes], patience: Patience) -> KvRequest {
        let slice = self.wait_left(patience).min(self.client.options().lock_check_every);
        let wait = match patience {
            Patience::None => WaitPolicy::NoWait,
            // At least 1: zero would be no wait.
            _ => WaitPolicy::Timeout(u64::try_from(slice.as_millis()).unwrap_or(u64::MAX).max(1)),
        };
        KvRequest::PessimisticLock(PessimisticLock {
            keys: keys.iter().map(|key| (key.clone(), false)).collect(),
            primary: self.primary.clone(),
            start_ts: self.start_ts,
            for_update_ts: self.for_update_ts,
            ttl_ms: self.client.lock_ttl_ms(self.began.elapsed(), 0),
            wait,
            return_values: self.options.return_values,
        })
    }
}

/// The longest of the waits that answers tell of.
fn longest_wait(answers: &[(Vec<Bytes>, KvResponse)]) -> Duration {
    let waited = answers.iter().map(|(_, answer)| match answer {
        KvResponse::Locked { waited, .. } => *waited,
        _ => Duration::ZERO,
    });
    waited.max().unwrap_or_default()
}

/// What the locking of some keys has told.
#[derive(Default)]
struct Locked {
    /// The values of those that have one, if they were asked for.
    values: HashMap<Bytes, Bytes>,
    /// Those whose values an answer had no room for.
    unread: Vec<Bytes>,
}

impl Locked {
    fn collect(&mut self, answers: Vec<(Vec<Bytes>, KvResponse)>) -> Result<()> {
        for (mut keys, answer) in answers {
            let KvResponse::Locked { values, .. } = answer else {
                return Err(Error::Unexpected("PessimisticLock"));
            };
            self.unread.extend(keys.drain(values.len().min(keys.len())..));
            let present = keys.into_iter().zip(values);
            self.values.extend(present.filter_map(|(key, value)| Some((key, value?))));
        }
        Ok(())
    }
}

impl Client {
    /// Gives pessimistic locks up that were taken at or before `for_update_ts`.
    pub(super) async fn unlock(
        &self,
        keys: Vec<Bytes>,
        start_ts: Timestamp,
        for_update_ts: Timestamp,
    ) -> Result<()> {
        let make = |keys: &[Bytes], _| KvRequest::PessimisticRollback {
            keys: keys.to_vec(),
            start_ts,
            for_update_ts,
        };
        self.send_all(keys, &mut Call::behind(self), make).await?;
        Ok(())
    }

    /// Prolongs the primary locks of this process' live transactions; to be called a few times per ttl. Those that live
    /// too long, or have lost their lock, are given up.
    pub async fn keep_alive(&self) {
        let all: Vec<(Timestamp, LiveLocks)> = {
            let live = self.live().lock();
            live.iter().filter_map(|(ts, live)| Some((*ts, live.locks.clone()?))).collect()
        };
        let mut beats: FuturesUnordered<_> =
            all.into_iter().map(|(start_ts, locks)| self.beat(start_ts, locks)).collect();
        while beats.next().await.is_some() {}
    }

    async fn beat(&self, start_ts: Timestamp, locks: LiveLocks) {
        let age = locks.began.elapsed();
        // A lock just taken has its whole ttl before it.
        if age < self.options().lock_ttl / 3 {
            return;
        }
        if age > self.options().transaction_max {
            tracing::warn!(%start_ts, "no longer keeps the locks of a transaction that runs too long");
            return self.stop_keeping(start_ts);
        }
        let ttl_ms = self.lock_ttl_ms(age, 0);
        let primary = &locks.primary;
        let make = |_| KvRequest::TxnHeartBeat { primary: primary.clone(), start_ts, ttl_ms };
        match self.request(primary, &mut Call::write(self), make).await {
            Ok(_) => {}
            Err(Error::Key(error)) => {
                tracing::debug!(%error, %start_ts, "a transaction to be kept alive has lost its primary lock");
                self.stop_keeping(start_ts);
            }
            Err(error) => tracing::debug!(%error, %start_ts, "failed to keep a transaction alive"),
        }
    }
}
