//! What SQL needs of a transactional key-value store; the actors floor implements it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::common::{SqlResult, Timestamp};
pub use crate::storage::api::KvPair;

/// The options of a scan over `[start, end)`.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// First key.
    pub start: Bytes,
    /// Past the last key; empty: no bound.
    pub end: Bytes,
    /// From the end to the start.
    pub reverse: bool,
    /// How many pairs the caller will read at most, if it knows.
    pub limit: Option<usize>,
    /// Leave the values out.
    pub key_only: bool,
}

/// Pairs in key order, a batch at a time.
#[async_trait]
pub trait Scanner: Send {
    /// The next pairs; empty at the end.
    async fn next_batch(&mut self) -> SqlResult<Vec<KvPair>>;
}

/// How a statement locks what it reads for writing.
#[derive(Clone, Copy, Debug)]
pub struct LockOptions {
    /// How long to wait for other transactions; zero: `NOWAIT`.
    pub wait: Duration,
    /// Return the values under the locks.
    pub return_values: bool,
    /// Keep the locks on keys that have no value, so that nobody gives them one. Without, they are given up again under READ COMMITTED
    /// (if the values are returned).
    pub keep_missing: bool,
}

/// Waits for other transactions since the node has started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LockWaits {
    /// How many there were.
    pub waits: u64,
    /// How long they were together.
    pub total: Duration,
    /// The longest of them.
    pub longest: Duration,
}

/// A mark in a transaction's buffer to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savepoint(pub usize);

/// One transaction of one session. Reads see its own writes.
///
/// Methods take `&self`: a transaction is shared by the operators of one statement, which do not write
/// while others read.
#[async_trait]
pub trait Transaction: Send + Sync {
    /// Its name, and the snapshot it reads unless that is taken later: see [`TxnOptions::snapshot_at_start`].
    fn start_ts(&self) -> Timestamp;
    /// The newest timestamp it locked at; `start_ts` before the first lock.
    fn for_update_ts(&self) -> Timestamp;
    /// Whether statements lock what they write.
    fn is_pessimistic(&self) -> bool;
    /// Whether it is one statement, which is run again if the commit meets others: what the commit checks need not be looked at before.
    fn is_one_statement(&self) -> bool {
        false
    }
    /// Whether nothing is buffered and nothing locked.
    fn is_clean(&self) -> bool;

    /// Whether there is a snapshot that all its statements read: since the start, or since the first read of it.
    fn has_snapshot(&self) -> bool;

    /// The value of a key in the snapshot, under this transaction's own writes.
    async fn get(&self, key: Bytes) -> SqlResult<Option<Bytes>>;
    /// The values of those keys that have one, in the order of `keys`.
    async fn batch_get(&self, keys: Vec<Bytes>) -> SqlResult<Vec<Option<Bytes>>>;
    /// A scan of the snapshot merged with this transaction's own writes.
    async fn scan(&self, options: ScanOptions) -> SqlResult<Box<dyn Scanner>>;

    /// Reads of the running statement see the latest committed data (a fresh `for_update_ts`) rather than
    /// the snapshot, as DML and locking reads of pessimistic transactions do, until the next `begin_statement`.
    async fn use_current_read(&self) -> SqlResult<()>;
    /// The same at the `for_update_ts` as it is, for a statement that names the keys it locks: where that is too old, locking them tells.
    fn use_locked_read(&self);
    /// Starts a statement: reads at the snapshot again. The mark undoes a failed statement.
    fn begin_statement(&self) -> Savepoint;
    /// A mark of what is written so far.
    fn savepoint(&self) -> Savepoint;
    /// Forgets what was written since the mark (locks taken stay, as in MySQL).
    fn rollback_to(&self, savepoint: Savepoint);
    /// The same for a statement that is run again: nobody has seen what it read.
    fn run_again_from(&self, savepoint: Savepoint) {
        self.rollback_to(savepoint);
    }

    /// Locks keys (pessimistic), in the order given. Errors: 1205, 1213, and 9007 when a key was
    /// committed after `for_update_ts`: the caller refreshes with `use_current_read` and runs the statement again.
    /// In an optimistic transaction remembers them, to be checked at commit.
    async fn lock_keys(
        &self,
        keys: Vec<Bytes>,
        options: LockOptions,
    ) -> SqlResult<Vec<Option<Bytes>>>;

    /// Buffers a put.
    fn put(&self, key: Bytes, value: Bytes);
    /// Buffers a put of a key that must not exist when it commits (already checked or to be checked at prewrite).
    fn insert(&self, key: Bytes, value: Bytes);
    /// Buffers a deletion.
    fn delete(&self, key: Bytes);
    /// Whether what is buffered is within the limits: error 8025 for an entry that is too large, 8004 when all together are. To be
    /// asked after every row; the commit asks again.
    fn check_size(&self) -> SqlResult<()>;
    /// Whether the transaction itself has written the key: `Some(None)` is a deletion.
    fn buffered(&self, key: &[u8]) -> Option<Option<Bytes>>;

    /// Commits; `None` when there was nothing to. Errors: 9007 write conflict, 1062 from `insert` (as
    /// [`Fault::DuplicateKey`](crate::common::Fault): the session says it as MySQL does), 1213 when a SERIALIZABLE one has read what others
    /// have changed since, 8501 when the outcome is unknown.
    async fn commit(&self) -> SqlResult<Option<Timestamp>>;
    /// Drops the buffer and gives every lock up.
    async fn rollback(&self) -> SqlResult<()>;
}

/// One state of the data, as far as a fragment of a query reads it.
///
/// A transaction is one: what it sees, its own writes among it. What a store holds of a region, at a timestamp, is another. Who runs a fragment
/// need not know which.
///
/// Reading it takes no locks and leaves nothing behind.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// The pairs of a range in that state, a batch at a time.
    ///
    /// The range may be larger than what the snapshot is of: then the pairs are those of the part it has. Errors: as those of a read of a
    /// transaction; 9004 when a lock is in the way that nobody here may resolve.
    async fn pairs(&self, options: ScanOptions) -> SqlResult<Box<dyn Scanner>>;
}

/// Every transaction is a snapshot.
#[async_trait]
impl<T: Transaction + ?Sized> Snapshot for T {
    async fn pairs(&self, options: ScanOptions) -> SqlResult<Box<dyn Scanner>> {
        self.scan(options).await
    }
}

/// Which replicas serve the reads of a transaction's snapshots (`tidb_replica_read`). All of them see the same: one that does not lead asks
/// the leader how far it must have come. One that gives no answer is left for the leader. What is locked is read by the leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// The leader of a region.
    #[default]
    Leader,
    /// Replicas that do not lead, in turn; one in this process before all others.
    Followers,
    /// All replicas, in turn.
    All,
    /// The replica in this process if there is one, else the leader.
    Closest,
}

/// What a transaction is kept from seeing of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Every statement reads a fresh snapshot. READ UNCOMMITTED is the same: no rule demands that it sees what may yet be undone.
    ReadCommitted,
    /// All statements that do not lock read one snapshot.
    #[default]
    RepeatableRead,
    /// The same, and the commit fails (1213) unless all that was read is as it was.
    Serializable,
}

/// How a transaction is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxnOptions {
    /// Statements lock what they write.
    pub pessimistic: bool,
    /// Read at the newest data without asking the oracle: only for a statement that is one point read.
    pub latest: bool,
    /// What it is kept from seeing.
    pub isolation: Isolation,
    /// The snapshot is that of the start. Without, a pessimistic transaction takes it when it first reads without locking, as in MySQL.
    pub snapshot_at_start: bool,
    /// An optimistic commit does not wait for another transaction's locks: error 9004 at once. For a statement
    /// that is a transaction of its own, which then locks and so waits its turn.
    pub impatient: bool,
    /// Who serves its reads; with `latest` always the leader.
    pub read_from: ReadFrom,
}

/// The store behind SQL.
#[async_trait]
pub trait KvStore: Send + Sync + 'static {
    /// Starts a transaction at a fresh timestamp (or at `MAX` with `latest`).
    async fn begin(&self, options: TxnOptions) -> SqlResult<Arc<dyn Transaction>>;
    /// Starts a read-only transaction at a timestamp in the past.
    async fn snapshot(&self, ts: Timestamp) -> SqlResult<Arc<dyn Transaction>>;
    /// A fresh timestamp.
    async fn timestamp(&self) -> SqlResult<Timestamp>;
    /// Splits regions at the given user keys; answers how many regions were made.
    async fn split_at(&self, keys: Vec<Bytes>) -> SqlResult<usize>;
    /// How its transactions have waited for others.
    fn lock_waits(&self) -> LockWaits;
    /// Physically removes a range no transaction will read again (a dropped table).
    async fn delete_range(&self, start: Bytes, end: Bytes) -> SqlResult<()>;
}
