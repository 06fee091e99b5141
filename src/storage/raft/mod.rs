//! Raft: how the replicas of a region agree on one log.
//!
//! The protocol itself is the `raft` crate's. Here is what it needs around it: the logs on disk
//! ([`log_store`]), the view of one region that the crate reads ([`PeerStorage`]), and
//! [`PeerCore`], which drives the crate and turns what it wants done into [`Effects`].
//!
//! # Asynchronous persistence
//!
//! A leader sends entries to its followers while its own disk is still writing them, and goes on
//! proposing meanwhile. So entries are in one of these states, from old to new: compacted, applied,
//! committed, durable here, on their way to the disk. An entry is committed when a quorum has it
//! durable; for a group of one that is when the local write is reported with
//! [`PeerCore::on_persisted`].
//!
//! The commit index alone is never written: it rides along with the next entries. After a crash
//! what is applied counts as committed, and the rest is found out by the next leader.
//!
//! # Leases
//!
//! [`Lease`] says until when a leader may answer reads without asking. It counts from questions a
//! quorum has answered, and is shorter than the time followers keep faith in a leader
//! (`check_quorum` and `pre_vote` are on). A replica forgets its faith when it restarts, so it grants no
//! vote within an election timeout of its start.
//!
//! # Caveats
//!
//! The `raft` crate draws its election timeouts from its own source of randomness; they are replaced
//! before each tick by what the node's seed, the replica and the term say.

mod core;
mod lease;
pub mod log_store;
mod logger;
mod options;
mod peer_storage;

#[cfg(test)]
mod tests;

pub use core::{
    AcceptedSnapshot, AfterDoze, ColdAnswer, Committed, Doze, DozeKind, Effects, PeerCore,
    PeerProgress, PeerStart, Persist, Rest, Role,
};
pub use lease::Lease;
pub use log_store::{LogPosition, LogStore, RegionLog};
pub use logger::tracing_logger;
pub use options::RaftOptions;
pub use peer_storage::PeerStorage;
