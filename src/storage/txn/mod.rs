//! Percolator's commands: what a transaction asks of a region.
//!
//! The commands are functions from the state of a region to a decision: a batch to replicate, an answer, and changes of the
//! leader's memory. They have no thread, clock or queue; the region's leader sequences them as [`executor`] says.
//! Around them stand the structures a leader owns, equally pure:
//!
//! - [`Latches`]: commands on one key take turns;
//! - [`LockTable`]: pessimistic locks, in memory;
//! - [`LockWaiters`], [`DeadlockDetector`] and [`StoreWaits`]: who waits for them, and whether that can end;
//! - [`ConcurrencyManager`]: what readers on other threads and one-phase or asynchronous commits know of each other.
//!
//! Three kinds of lock, then. A *prewritten* lock stands in the lock family, replicated, until the transaction's fate
//! is applied. A *pessimistic* lock stands in the leader's [`LockTable`] (or, after an orderly change of leader, in the lock family)
//! and holds off writers only. A *memory lock* bridges the time in which a one-phase or asynchronous
//! commit is decided but not yet applied, and holds off readers only: writers wait for the latch.

mod commit;
pub mod concurrency;
mod deadlock;
pub mod executor;
mod latches;
mod lock_table;
mod lock_waiters;
mod maintenance;
mod pessimistic;
mod prewrite;
mod read;
mod status;
#[cfg(test)]
mod tests;
mod writes;

pub use super::api::{
    Assertion, Busy, CheckTxnStatus, CommitKeys, KeyError, KvPair, KvRequest, KvResponse, LockInfo,
    LockKind, Mutation, MutationKind, Pass, PessimisticAction, PessimisticLock, Prewrite,
    RegionContext, RegionEpoch, RegionError, RequestError, TxnStatus, WaitPolicy,
};
pub use concurrency::{ConcurrencyManager, MemoryLockGuard};
pub use deadlock::{
    DeadlockCycle, DeadlockDetector, SharedWaits, StoreWaits, WaitEdge, WaitsShared,
};
pub use executor::{CommandContext, Decision, Effects, Footprint, Outcome, execute, footprint};
pub use latches::{CommandId, Latches};
pub use lock_table::{LockTable, PessimisticEntry};
pub use lock_waiters::{LockWaiters, Waiter};
pub use read::{admit, needs_snapshot, read};
