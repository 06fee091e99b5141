//! The client's settings.

use std::time::Duration;

/// How the transactional client behaves. The defaults suit a local cluster and a distant one alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// How long a request is tried again before it fails. Longer rides out longer elections; shorter tells the user sooner.
    pub request_timeout: Duration,
    /// How long a store is left in peace before it is looked whether it works at all: an attempt is waited for as long as it does. Beyond what
    /// the request itself may wait for locks.
    pub attempt_timeout: Duration,
    /// How long the outcome of a commit is asked for whose answer was lost, before it is called unknown.
    pub outcome_timeout: Duration,
    /// How long a lock outlives its last sign of life. Longer tolerates slower nodes; shorter frees the locks
    /// of a vanished client sooner.
    pub lock_ttl: Duration,
    /// The longest a lock of a large transaction outlives its last sign of life.
    pub lock_ttl_max: Duration,
    /// After this a transaction's locks are no longer kept alive, whatever its client does.
    pub transaction_max: Duration,
    /// Versions younger than this stay, whoever reads or does not read them.
    pub gc_life_time: Duration,
    /// How long a waiter for a pessimistic lock waits before it checks that the holder is alive.
    pub lock_check_every: Duration,
    /// The most keys a transaction may have to be committed asynchronously: all of them are listed in its primary lock.
    pub async_commit_keys: usize,
    /// The most bytes those keys may have.
    pub async_commit_bytes: usize,
    /// The most bytes of one prewrite or commit request: one entry of a region's log.
    pub batch_bytes: usize,
    /// The most bytes of one key with its value.
    pub entry_size_limit: usize,
    /// The most bytes a transaction may hold before it is committed.
    pub total_size_limit: usize,
    /// Requests of one transaction on their way at the same time.
    pub concurrency: usize,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            request_timeout: Duration::from_secs(20),
            attempt_timeout: Duration::from_secs(10),
            outcome_timeout: Duration::from_secs(120),
            lock_ttl: Duration::from_secs(3),
            lock_ttl_max: Duration::from_secs(20),
            transaction_max: Duration::from_secs(3600),
            gc_life_time: Duration::from_secs(600),
            lock_check_every: Duration::from_secs(2),
            async_commit_keys: 256,
            async_commit_bytes: 4 << 10,
            batch_bytes: 512 << 10,
            entry_size_limit: 6 << 20,
            total_size_limit: 1 << 30,
            concurrency: 16,
        }
    }
}
