//! One transaction: its buffer, its snapshot and its locks.

mod locking;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::buffer::Buffer;
use super::client::Client;
use super::commit::Committer;
use super::error::{Error, Result};
use super::reads::{Interval, NotedScanner, ReadSet};
use super::scan::{MergedScanner, RegionScanner, View};
use crate::common::{Fault, SqlError, SqlResult, Timestamp};
use crate::sql::kv::{
    Isolation, LockOptions, ReadFrom, Savepoint, ScanOptions, Scanner, Transaction, TxnOptions,
};

/// A commit of more keys than this goes on to its end if nobody waits for it any more: its locks would be in the way of others for long.
const MANY_KEYS: usize = 16;
/// Who rolls back more than this does not wait until all of it is undone: whoever is killed is to have an answer in a moment.
const MANY_LOCKS: usize = 4096;

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Locks as it goes.
    Pessimistic,
    /// Finds conflicts when it commits.
    Optimistic,
    /// Only reads.
    ReadOnly,
}

/// Where reads read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadAt {
    /// At the transaction's snapshot.
    Snapshot,
    /// At the statement's own snapshot, taken at its first read.
    Fresh,
    /// At this timestamp.
    At(Timestamp),
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Ended,
}

/// What changes while a transaction runs.
#[derive(Debug)]
struct State {
    phase: Phase,
    buffer: Buffer,
    /// Keys locked in the regions (pessimistic), or to be checked when it commits (optimistic).
    locked: BTreeSet<Bytes>,
    /// Keys of a locking that has not been answered: perhaps locked, if it was cancelled half-way.
    tentative: BTreeSet<Bytes>,
    primary: Option<Bytes>,
    for_update_ts: Timestamp,
    read_at: ReadAt,
    /// `None`: it is taken by the first read at it.
    snapshot: Option<Timestamp>,
    /// How many statements have begun: the snapshot of the first one is that of the start.
    statements: u32,
}

/// What a transaction leaves to its commit or rollback.
struct Remains {
    buffer: Buffer,
    locked: BTreeSet<Bytes>,
    tentative: BTreeSet<Bytes>,
    primary: Option<Bytes>,
    for_update_ts: Timestamp,
}

impl State {
    /// Ends the transaction, whatever becomes of it.
    fn end(&mut self) -> Remains {
        self.phase = Phase::Ended;
        Remains {
            buffer: std::mem::take(&mut self.buffer),
            locked: std::mem::take(&mut self.locked),
            tentative: std::mem::take(&mut self.tentative),
            primary: self.primary.take(),
            for_update_ts: self.for_update_ts,
        }
    }
}

/// A transaction of the client. Dropped before it ended, it gives its locks up in the background.
pub(super) struct KvTransaction {
    client: Client,
    start_ts: Timestamp,
    mode: Mode,
    read_committed: bool,
    impatient: bool,
    read_from: ReadFrom,
    began: Instant,
    state: Mutex<State>,
    /// What it has read, if it is SERIALIZABLE.
    reads: Option<Arc<Mutex<ReadSet>>>,
}

impl KvTransaction {
    /// A transaction that starts at `start_ts`.
    pub(super) fn begin(client: Client, start_ts: Timestamp, options: TxnOptions) -> KvTransaction {
        let mode = if options.pessimistic { Mode::Pessimistic } else { Mode::Optimistic };
        let read_committed = options.isolation == Isolation::ReadCommitted;
        let mut txn = KvTransaction::new(client, start_ts, mode, read_committed);
        txn.reads = (options.isolation == Isolation::Serializable).then(Arc::default);
        // What is not locked is checked for commits since the start: an optimistic transaction must not have read newer ones.
        if options.pessimistic && !options.snapshot_at_start {
            txn.state.get_mut().snapshot = None;
        }
        txn.impatient = options.impatient;
        txn.read_from = options.read_from;
        txn
    }

    /// A reader of the newest data. It has no timestamp of its own, so it refuses to lock and to commit writes.
    pub(super) fn latest(client: Client) -> KvTransaction {
        KvTransaction::new(client, Timestamp::MAX, Mode::ReadOnly, false)
    }

    /// A reader of the past.
    pub(super) fn snapshot(client: Client, ts: Timestamp) -> KvTransaction {
        KvTransaction::new(client, ts, Mode::ReadOnly, false)
    }

    fn new(client: Client, start_ts: Timestamp, mode: Mode, read_committed: bool) -> KvTransaction {
        if start_ts != Timestamp::MAX {
            client.enter(start_ts);
        }
        KvTransaction {
            client,
            start_ts,
            mode,
            read_committed,
            impatient: false,
            read_from: ReadFrom::Leader,
            began: Instant::now(),
            state: Mutex::new(State {
                phase: Phase::Open,
                buffer: Buffer::default(),
                locked: BTreeSet::new(),
                tentative: BTreeSet::new(),
                primary: None,
                for_update_ts: start_ts,
                read_at: if read_committed { ReadAt::Fresh } else { ReadAt::Snapshot },
                snapshot: Some(start_ts),
                statements: 0,
            }),
            reads: None,
        }
    }

    /// The snapshot the running statement reads.
    async fn read_ts(&self) -> Result<Timestamp> {
        {
            let mut state = self.state.lock();
            match state.read_at {
                ReadAt::At(ts) => return Ok(ts),
                ReadAt::Snapshot if state.statements <= 1 || state.snapshot.is_some() => {
                    return Ok(*state.snapshot.get_or_insert(self.start_ts));
                }
                ReadAt::Snapshot | ReadAt::Fresh => {}
            }
        }
        let ts = self.client.timestamp_now().await?;
        let mut state = self.state.lock();
        // Of several reads that ask at the same time the first to be answered decides for all.
        match state.read_at {
            ReadAt::At(ts) => Ok(ts),
            ReadAt::Snapshot => Ok(*state.snapshot.get_or_insert(ts)),
            ReadAt::Fresh => {
                state.read_at = ReadAt::At(ts);
                Ok(ts)
            }
        }
    }

    fn note_read(&self, key: &Bytes, at: Timestamp) {
        if let Some(reads) = &self.reads {
            reads.lock().add(Interval::point(key, at));
        }
    }

    fn check_open(&self) -> SqlResult<()> {
        match self.state.lock().phase {
            Phase::Open => Ok(()),
            Phase::Ended => Err(SqlError::internal("the transaction has ended")),
        }
    }

    fn check_writable(&self) -> SqlResult<()> {
        if self.mode == Mode::ReadOnly {
            return Err(SqlError::internal("the transaction only reads"));
        }
        self.check_open()
    }

    fn sql(&self) -> impl Fn(Error) -> SqlError + '_ {
        |error| error.into_sql(self.start_ts)
    }

    /// Lets go of what was written; nobody waits for much of it.
    fn drop_behind(&self, buffer: Buffer) {
        if buffer.len() > MANY_LOCKS {
            self.client.spawn(buffer.drop_in_pieces());
        }
    }

    /// Gives locks up without waiting. Whoever is not reached finds them expired.
    fn unlock_behind(&self, keys: BTreeSet<Bytes>) {
        if keys.is_empty() {
            return;
        }
        let (client, start_ts) = (self.client.clone(), self.start_ts);
        // Here, where the caller is: many are not to be taken out of their set on a thread that serves.
        let keys: Vec<Bytes> = keys.into_iter().collect();
        self.client.spawn(async move {
            if let Err(error) = client.unlock(keys, start_ts, Timestamp::MAX).await {
                tracing::debug!(%error, %start_ts, "left locks to their ttl");
            }
        });
    }
}

#[async_trait]
impl Transaction for KvTransaction {
    fn start_ts(&self) -> Timestamp {
        self.start_ts
    }

    fn for_update_ts(&self) -> Timestamp {
        self.state.lock().for_update_ts
    }

    fn is_pessimistic(&self) -> bool {
        self.mode == Mode::Pessimistic
    }

    fn is_one_statement(&self) -> bool {
        self.impatient
    }

    fn is_clean(&self) -> bool {
        let state = self.state.lock();
        state.buffer.is_empty() && state.locked.is_empty()
    }

    fn has_snapshot(&self) -> bool {
        !self.read_committed && self.state.lock().snapshot.is_some()
    }

    async fn get(&self, key: Bytes) -> SqlResult<Option<Bytes>> {
        if let Some(own) = self.buffered(&key) {
            return Ok(own);
        }
        let ts = self.read_ts().await.map_err(self.sql())?;
        self.note_read(&key, ts);
        self.client.get_at(&key, ts, self.read_from).await.map_err(self.sql())
    }

    async fn batch_get(&self, keys: Vec<Bytes>) -> SqlResult<Vec<Option<Bytes>>> {
        let mut values: Vec<Option<Bytes>> = vec![None; keys.len()];
        let mut wanted = Vec::new();
        {
            let state = self.state.lock();
            for (at, key) in keys.iter().enumerate() {
                match state.buffer.get(key) {
                    Some(write) => values[at].clone_from(&write.value),
                    None => wanted.push((at, key.clone())),
                }
            }
        }
        if wanted.is_empty() {
            return Ok(values);
        }
        let ts = self.read_ts().await.map_err(self.sql())?;
        for (_, key) in &wanted {
            self.note_read(key, ts);
        }
        if let [(at, key)] = wanted.as_slice() {
            values[*at] = self.client.get_at(key, ts, self.read_from).await.map_err(self.sql())?;
            return Ok(values);
        }
        let stored = wanted.iter().map(|(_, key)| key.clone()).collect();
        let view = View::at(ts, self.read_from);
        let found = self.client.batch_get_at(stored, view).await.map_err(self.sql())?;
        for (at, key) in wanted {
            values[at] = found.get(&key).cloned();
        }
        Ok(values)
    }

    async fn scan(&self, options: ScanOptions) -> SqlResult<Box<dyn Scanner>> {
        let mut ts = self.read_ts().await.map_err(self.sql())?;
        if ts == Timestamp::MAX {
            // Batches of one scan must see one snapshot.
            ts = self.client.timestamp_now().await.map_err(self.sql())?;
        }
        let own = {
            let state = self.state.lock();
            let range = state.buffer.range(&options.start, &options.end);
            let copy =
                |(key, write): (&Bytes, &super::buffer::Write)| (key.clone(), write.value.clone());
            if options.reverse {
                range.rev().map(copy).collect()
            } else {
                range.map(copy).collect()
            }
        };
        let view = View::at(ts, self.read_from);
        let stored = RegionScanner::new(self.client.clone(), view, &options);
        let merged = MergedScanner::new(stored, own, &options);
        Ok(match &self.reads {
            None => Box::new(merged),
            Some(reads) => Box::new(NotedScanner::new(merged, reads.clone(), ts, &options)),
        })
    }

    async fn use_current_read(&self) -> SqlResult<()> {
        self.check_writable()?;
        let ts = self.client.timestamp_now().await.map_err(self.sql())?;
        let mut state = self.state.lock();
        state.for_update_ts = state.for_update_ts.max(ts);
        state.read_at = ReadAt::At(state.for_update_ts);
        Ok(())
    }

    fn use_locked_read(&self) {
        if !self.read_committed {
            let mut state = self.state.lock();
            state.read_at = ReadAt::At(state.for_update_ts);
        }
    }

    fn begin_statement(&self) -> Savepoint {
        if let Some(reads) = &self.reads {
            reads.lock().begin_statement();
        }
        let mut state = self.state.lock();
        state.statements = state.statements.saturating_add(1);
        state.read_at = if self.read_committed { ReadAt::Fresh } else { ReadAt::Snapshot };
        state.buffer.savepoint()
    }

    fn savepoint(&self) -> Savepoint {
        self.state.lock().buffer.savepoint()
    }

    fn rollback_to(&self, savepoint: Savepoint) {
        let gone = self.state.lock().buffer.rollback_to(savepoint);
        self.drop_behind(gone.unwrap_or_default());
    }

    fn run_again_from(&self, savepoint: Savepoint) {
        if let Some(reads) = &self.reads {
            reads.lock().run_again();
        }
        self.rollback_to(savepoint);
    }

    async fn lock_keys(
        &self,
        keys: Vec<Bytes>,
        options: LockOptions,
    ) -> SqlResult<Vec<Option<Bytes>>> {
        self.check_writable()?;
        if self.mode == Mode::Pessimistic {
            return self.lock_pessimistic(&keys, options).await.map_err(self.sql());
        }
        self.state.lock().locked.extend(keys.iter().cloned());
        if options.return_values { self.batch_get(keys).await } else { Ok(vec![None; keys.len()]) }
    }

    fn put(&self, key: Bytes, value: Bytes) {
        self.state.lock().buffer.put(key, value);
    }

    fn insert(&self, key: Bytes, value: Bytes) {
        self.state.lock().buffer.insert(key, value);
    }

    fn delete(&self, key: Bytes) {
        self.state.lock().buffer.delete(key);
    }

    fn check_size(&self) -> SqlResult<()> {
        let options = self.client.options();
        let (largest, held) = {
            let state = self.state.lock();
            (state.buffer.largest(), state.buffer.held_bytes())
        };
        if largest > options.entry_size_limit {
            let most = options.entry_size_limit;
            return Err(Fault::EntryTooLarge { most, size: largest }.into());
        }
        if held > options.total_size_limit {
            return Err(Fault::TransactionTooLarge(held).into());
        }
        Ok(())
    }

    fn buffered(&self, key: &[u8]) -> Option<Option<Bytes>> {
        self.state.lock().buffer.get(key).map(|write| write.value.clone())
    }

    async fn commit(&self) -> SqlResult<Option<Timestamp>> {
        self.check_open()?;
        let clean = self.is_clean();
        if self.mode == Mode::ReadOnly && !clean {
            self.state.lock().end();
            return Err(SqlError::internal("a transaction that only reads was written to"));
        }
        if let Err(error) = self.check_size() {
            self.rollback().await?;
            return Err(error);
        }
        let remains = self.state.lock().end();
        self.unlock_behind(remains.tentative);
        let reads = match &self.reads {
            Some(reads) => std::mem::take(&mut *reads.lock()).into_intervals(),
            None => Vec::new(),
        };
        // What was read in one snapshot was so at one moment.
        if clean && reads.windows(2).all(|pair| pair[0].at == pair[1].at) {
            return Ok(None);
        }
        let pessimistic = self.mode == Mode::Pessimistic;
        let committer = Committer {
            client: self.client.clone(),
            start_ts: self.start_ts,
            for_update_ts: if pessimistic { remains.for_update_ts } else { Timestamp::ZERO },
            began: self.began,
            impatient: self.impatient,
            reads: reads.into(),
        };
        let Remains { buffer, locked, primary, .. } = remains;
        let committed = if buffer.len() + locked.len() > MANY_KEYS {
            committer.commit_whatever_happens(buffer, locked, primary).await
        } else {
            committer.commit(&buffer, &locked, primary).await
        };
        self.client.stop_keeping(self.start_ts);
        committed.map_err(self.sql())
    }

    async fn rollback(&self) -> SqlResult<()> {
        let remains = self.state.lock().end();
        self.client.stop_keeping(self.start_ts);
        self.unlock_behind(remains.tentative);
        self.drop_behind(remains.buffer);
        if self.mode != Mode::Pessimistic || remains.locked.is_empty() {
            return Ok(());
        }
        if remains.locked.len() > MANY_LOCKS {
            self.unlock_behind(remains.locked);
            return Ok(());
        }
        let keys = remains.locked.into_iter().collect();
        self.client.unlock(keys, self.start_ts, Timestamp::MAX).await.map_err(self.sql())
    }
}

impl Drop for KvTransaction {
    fn drop(&mut self) {
        let mut remains = self.state.lock().end();
        remains.tentative.append(&mut remains.locked);
        self.drop_behind(remains.buffer);
        if self.mode == Mode::Pessimistic {
            self.unlock_behind(remains.tentative);
        }
        if self.start_ts != Timestamp::MAX {
            self.client.leave(self.start_ts);
        }
    }
}

/// Keeps the compiler's promise that a transaction can be shared by the operators of a statement.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Arc<KvTransaction>>();
};
