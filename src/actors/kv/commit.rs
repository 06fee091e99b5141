//! Committing: in one phase, asynchronously, or in two phases.
//!
//! | keys                                | how         | committed as soon as              |
//! |-------------------------------------|-------------|-----------------------------------|
//! | all in one request to one region    | one phase   | the region answers                |
//! | few (see [`ClientOptions`])         | async       | every region holds its locks      |
//! | any                                 | two phases  | the primary's region has committed|
//!
//! A SERIALIZABLE transaction commits in two phases, and between them looks whether what it has read is still so at its commit timestamp.
//!
//! What follows that moment (turning locks into commit records) is done in the background: whoever meets such
//! a lock before that finds out the same by itself.
//!
//! [`ClientOptions`]: super::ClientOptions

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::buffer::{Buffer, Write};
use super::call::{Call, Committing, Patience};
use super::client::{Client, LiveLocks};
use super::error::{Error, Result};
use super::groups::Keyed;
use super::pieces::Pieces;
use super::reads::Interval;
use crate::common::Timestamp;
use crate::storage::txn::{
    Assertion, CommitKeys, KeyError, KvRequest, KvResponse, Mutation, MutationKind,
    PessimisticAction, Prewrite,
};

/// How often a SERIALIZABLE commit that readers push past themselves looks at its reads anew.
const MOST_LOOKS: usize = 16;

/// Commits one transaction.
#[derive(Clone)]
pub(super) struct Committer {
    pub(super) client: Client,
    pub(super) start_ts: Timestamp,
    /// Zero for an optimistic transaction.
    pub(super) for_update_ts: Timestamp,
    pub(super) began: Instant,
    /// Locks of others are not waited for.
    pub(super) impatient: bool,
    /// What must be at the commit as it was read.
    pub(super) reads: Arc<[Interval]>,
}

/// How a prewrite is to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    OnePhase,
    Async,
    TwoPhases,
}

/// What the prewrites came to.
enum Prewritten {
    Committed(Timestamp),
    CommitsAt(Timestamp),
    TwoPhases { at_least: Timestamp },
}

impl Committer {
    /// Commits what is buffered. The transaction ends here, with its locks given up or left to whoever resolves them.
    pub(super) async fn commit(
        &self,
        buffer: &Buffer,
        locked: &BTreeSet<Bytes>,
        primary: Option<Bytes>,
    ) -> Result<Option<Timestamp>> {
        if buffer.is_empty() && (self.is_pessimistic() || locked.is_empty()) {
            let stand = self.check_reads(None).await;
            let locked = locked.iter().cloned().collect();
            self.client.unlock(locked, self.start_ts, Timestamp::MAX).await?;
            return stand.map(|()| None);
        }
        let mutations = self.mutations(buffer, locked).await;
        let first = mutations.iter().find(|mutation| leaves_a_lock(mutation));
        let Some(primary) = primary.or_else(|| first.map(|mutation| mutation.key.clone())) else {
            return Ok(None);
        };
        let done = self.run(mutations, primary, buffer.bytes()).await;
        done.map(Some).map_err(|error| with_own_value(error, buffer))
    }

    /// The same as a task of its own, which nobody can cancel half-way.
    pub(super) async fn commit_whatever_happens(
        &self,
        buffer: Buffer,
        locked: BTreeSet<Bytes>,
        primary: Option<Bytes>,
    ) -> Result<Option<Timestamp>> {
        let committer = self.clone();
        let (answer, answered) = oneshot::channel();
        // Its locks are kept alive beyond the transaction's own end.
        self.client.enter(self.start_ts);
        self.client.spawn(async move {
            let committed = committer.commit(&buffer, &locked, primary).await;
            committer.client.leave(committer.start_ts);
            let _nobody_waits = answer.send(committed);
            buffer.drop_in_pieces().await;
        });
        answered.await.unwrap_or(Err(Error::Undetermined))
    }

    fn is_pessimistic(&self) -> bool {
        self.for_update_ts != Timestamp::ZERO
    }

    /// Error 1213 when something that was read has changed at the timestamp (`None`: now).
    async fn check_reads(&self, at: Option<Timestamp>) -> Result<()> {
        if self.reads.is_empty() {
            return Ok(());
        }
        let at = match at {
            Some(at) => at,
            None => self.client.timestamp_now().await?,
        };
        match self.client.reads_stand(&self.reads, self.start_ts, at).await? {
            true => Ok(()),
            false => Err(Error::ReadsChanged),
        }
    }

    /// What there is to do, in the order of the keys.
    async fn mutations(&self, buffer: &Buffer, locked: &BTreeSet<Bytes>) -> Vec<Mutation> {
        let mut pieces = Pieces::default();
        let mut mutations = Vec::with_capacity(buffer.len() + locked.len());
        let (mut written, mut only_locked) = (buffer.iter().peekable(), locked.iter().peekable());
        loop {
            pieces.count().await;
            let is_written = match (written.peek(), only_locked.peek()) {
                (Some((written, _)), Some(locked)) => written <= locked,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => return mutations,
            };
            if is_written {
                let Some((key, write)) = written.next() else { continue };
                let is_locked = only_locked.next_if_eq(&key).is_some() && self.is_pessimistic();
                let kind = kind_of(write, is_locked);
                mutations.push(self.mutation(key, kind, write.value.clone(), is_locked));
            } else if let Some(key) = only_locked.next() {
                let is_locked = self.is_pessimistic();
                mutations.push(self.mutation(key, MutationKind::Lock, None, is_locked));
            }
        }
    }

    fn mutation(
        &self,
        key: &Bytes,
        kind: MutationKind,
        value: Option<Bytes>,
        is_locked: bool,
    ) -> Mutation {
        let checks = matches!(kind, MutationKind::Insert | MutationKind::CheckNotExists);
        let pessimistic = match self.is_pessimistic() {
            true if is_locked => PessimisticAction::DoCheck,
            true if checks => PessimisticAction::DoConstraintCheck,
            _ => PessimisticAction::SkipCheck,
        };
        Mutation {
            kind,
            key: key.clone(),
            value: value.unwrap_or_default(),
            assertion: Assertion::None,
            pessimistic,
        }
    }

    async fn run(
        &self,
        mutations: Vec<Mutation>,
        primary: Bytes,
        bytes: usize,
    ) -> Result<Timestamp> {
        let mut pieces = Pieces::default();
        let mut keys = Vec::with_capacity(mutations.len());
        for mutation in &mutations {
            pieces.count().await;
            if leaves_a_lock(mutation) {
                keys.push(mutation.key.clone());
            }
        }
        match self.prewrite(mutations, &primary, &keys, bytes).await? {
            Prewritten::Committed(commit_ts) => Ok(commit_ts),
            Prewritten::CommitsAt(commit_ts) => {
                self.commit_behind(keys, commit_ts);
                Ok(commit_ts)
            }
            Prewritten::TwoPhases { at_least } => {
                let commit_ts = match self.commit_primary(&primary, at_least).await {
                    Ok(commit_ts) => commit_ts,
                    Err(error) => {
                        if !matches!(error, Error::Undetermined) {
                            self.roll_back_behind(keys);
                        }
                        return Err(error);
                    }
                };
                if let Ok(at) = keys.binary_search(&primary) {
                    keys.swap_remove(at);
                }
                self.commit_behind(keys, commit_ts);
                Ok(commit_ts)
            }
        }
    }

    async fn prewrite(
        &self,
        mutations: Vec<Mutation>,
        primary: &Bytes,
        keys: &[Bytes],
        bytes: usize,
    ) -> Result<Prewritten> {
        let mut call = Call::write(&self.client);
        let total = mutations.len();
        let groups = self.client.group(mutations, &mut call.backoff).await?;
        let one_request = groups.len() == 1;
        call.patience = match self.impatient {
            true => Patience::Until(Instant::now()),
            false => Patience::Commit(Committing {
                start_ts: self.start_ts,
                is_pessimistic: self.is_pessimistic(),
                is_alone: one_request && !self.is_pessimistic(),
                gives_way_at: None,
            }),
        };
        let way = self.way(one_request, keys);
        if way != Way::OnePhase {
            let locks = LiveLocks { primary: primary.clone(), began: self.began };
            self.client.keep(self.start_ts, locks);
        }
        let min_commit_ts = match way {
            // So that a transaction that begins after this commit was answered also begins after it by timestamp.
            Way::OnePhase | Way::Async => self.client.timestamp_now().await?.next(),
            Way::TwoPhases => self.start_ts.next(),
        };
        let secondaries: Vec<Bytes> = match way {
            Way::Async => keys.iter().filter(|key| *key != primary).cloned().collect(),
            Way::OnePhase | Way::TwoPhases => Vec::new(),
        };
        let make = |mutations: &[Mutation], _| {
            let has_primary = mutations.iter().any(|mutation| mutation.key == *primary);
            KvRequest::Prewrite(Prewrite {
                mutations: mutations.to_vec(),
                primary: primary.clone(),
                start_ts: self.start_ts,
                ttl_ms: self.client.lock_ttl_ms(self.began.elapsed(), bytes),
                txn_size: total as u64,
                for_update_ts: self.for_update_ts,
                min_commit_ts: min_commit_ts.max(self.for_update_ts.next()),
                try_one_pc: way == Way::OnePhase && mutations.len() == total,
                async_commit: (way == Way::Async)
                    .then(|| if has_primary { secondaries.clone() } else { Vec::new() }),
            })
        };
        match self.client.send_groups(groups, &call, make).await {
            Ok(answers) => {
                // What was written is let go in pieces: a large transaction's is a long list of long lists.
                let mut pieces = Pieces::default();
                let mut responses = Vec::with_capacity(answers.len());
                for (items, response) in answers {
                    responses.push(response);
                    for item in items {
                        drop(item);
                        pieces.count().await;
                    }
                }
                summarize(way, responses)
            }
            Err(_) if way != Way::TwoPhases && call.is_undetermined() => Err(Error::Undetermined),
            Err(error) => {
                // A region that refuses a request has written nothing of it.
                let nothing_written = one_request && !call.is_undetermined();
                if !nothing_written || self.is_pessimistic() {
                    self.roll_back_behind(keys.to_vec());
                }
                Err(error)
            }
        }
    }

    fn way(&self, one_request: bool, keys: &[Bytes]) -> Way {
        let options = self.client.options();
        let key_bytes = || keys.iter().map(Bytes::len).sum::<usize>();
        if !self.reads.is_empty() {
            Way::TwoPhases
        } else if one_request {
            Way::OnePhase
        } else if keys.len() <= options.async_commit_keys
            && key_bytes() <= options.async_commit_bytes
        {
            Way::Async
        } else {
            Way::TwoPhases
        }
    }

    /// Commits the primary: the moment the transaction commits. Whether it happened must be known for sure, or
    /// be called unknown.
    async fn commit_primary(&self, primary: &Bytes, at_least: Timestamp) -> Result<Timestamp> {
        let mut call = Call::write(&self.client);
        let start_ts = self.start_ts;
        let mut attempts = 0;
        loop {
            let commit_ts = self.client.timestamp_now().await?.max(at_least);
            attempts += 1;
            if attempts > MOST_LOOKS && !self.reads.is_empty() {
                return Err(Error::ReadsChanged);
            }
            self.check_reads(Some(commit_ts)).await?;
            let keys = vec![primary.clone()];
            let make =
                |_| KvRequest::Commit(CommitKeys { keys: keys.clone(), start_ts, commit_ts });
            match self.client.request(primary, &mut call, make).await {
                Ok(_) => return Ok(commit_ts),
                // A reader pushed the commit past itself: a newer timestamp will do.
                Err(Error::Key(KeyError::CommitTsExpired { .. })) => {}
                // An answer about the key is certain, also after a lost one: a commit that took effect would say so.
                Err(error @ Error::Key(_)) => return Err(error),
                Err(_) if call.is_undetermined() => return Err(Error::Undetermined),
                Err(Error::Storage(_)) => return Err(Error::Undetermined),
                Err(error) => return Err(error),
            }
        }
    }

    fn commit_behind(&self, keys: Vec<Bytes>, commit_ts: Timestamp) {
        if keys.is_empty() {
            return;
        }
        let (client, start_ts) = (self.client.clone(), self.start_ts);
        self.client.spawn(async move {
            let make = |keys: &[Bytes], _| {
                KvRequest::Commit(CommitKeys { keys: keys.to_vec(), start_ts, commit_ts })
            };
            if let Err(error) = client.send_all(keys, &mut Call::behind(&client), make).await {
                tracing::debug!(%error, %start_ts, "left committed locks to be resolved");
            }
        });
    }

    fn roll_back_behind(&self, keys: Vec<Bytes>) {
        let (client, start_ts) = (self.client.clone(), self.start_ts);
        self.client.spawn(async move {
            let make = |keys: &[Bytes], _| KvRequest::Rollback { keys: keys.to_vec(), start_ts };
            if let Err(error) = client.send_all(keys, &mut Call::behind(&client), make).await {
                tracing::debug!(%error, %start_ts, "left the locks of a failed commit to be resolved");
            }
        });
    }
}

fn summarize(way: Way, answers: Vec<KvResponse>) -> Result<Prewritten> {
    let mut at_least = Timestamp::ZERO;
    let mut all_async = way == Way::Async;
    for answer in answers {
        match answer {
            KvResponse::Prewritten { one_pc_commit_ts: Some(commit_ts), .. } => {
                return Ok(Prewritten::Committed(commit_ts));
            }
            KvResponse::Prewritten { min_commit_ts: Some(min_commit_ts), .. } => {
                at_least = at_least.max(min_commit_ts);
            }
            KvResponse::Prewritten { .. } => all_async = false,
            _ => return Err(Error::Unexpected("Prewrite")),
        }
    }
    Ok(if all_async { Prewritten::CommitsAt(at_least) } else { Prewritten::TwoPhases { at_least } })
}

/// A duplicate is shown as it was to be written, not as the other transaction wrote it.
fn with_own_value(error: Error, buffer: &Buffer) -> Error {
    match error {
        Error::Key(KeyError::AlreadyExists { key, value }) => {
            let own = buffer.get(&key).and_then(|write| write.value.clone());
            Error::Key(KeyError::AlreadyExists { value: own.unwrap_or(value), key })
        }
        error => error,
    }
}

fn kind_of(write: &Write, is_locked: bool) -> MutationKind {
    match (&write.value, write.must_not_exist) {
        (Some(_), true) => MutationKind::Insert,
        (Some(_), false) => MutationKind::Put,
        (None, false) => MutationKind::Delete,
        // Inserted and deleted again: nothing changes, but the key must not have existed.
        (None, true) if is_locked => MutationKind::Lock,
        (None, true) => MutationKind::CheckNotExists,
    }
}

fn leaves_a_lock(mutation: &Mutation) -> bool {
    mutation.kind != MutationKind::CheckNotExists && !mutation.key().is_empty()
}
