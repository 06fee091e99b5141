//! Deadlocks: cycles of transactions that wait for each other.
//!
//! A store knows the waits for its own locks and no others, so cycles whose locks lie on several stores are found by one
//! store for all, the *detector*. Which one that is, is not decided here. Here are the two ends:
//!
//! - [`DeadlockDetector`], the graph. Every store has one and puts its own waits into it; the detector's has those of all
//!   others as well. It refuses the wait that would close a cycle: whose transaction asks is the victim.
//! - [`StoreWaits`], what a store tells the detector. The first thing a detector hears is an *account*: all waits of the store, under a
//!   number. What comes later belongs to an account, and a detector that does not know it (it has just become the detector, or
//!   has restarted) says so and is given a new one. So a detector needs to remember nothing, and nobody needs to know that it has
//!   changed: it is enough to speak to it now and then.
//!
//! A wait is told before it begins and when it ends, and ends are told until the detector has answered; it also expires.
//! An account counts for three seconds after the store's last word (`ACCOUNT_LEASE`), so the waits of a store that went away, or that could not
//! tell of their end, do no harm for longer than that. A cycle that is closed while an account does not count is found when the
//! store gives the next.

mod detector;
#[cfg(test)]
mod tests;
mod waits;

pub use detector::{DeadlockCycle, DeadlockDetector, WaitEdge};
pub use waits::{SharedWaits, StoreWaits, WaitsShared};
