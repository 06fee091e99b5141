//! Appliers: committed entries become data.
//!
//! Regions are spread over a few Appliers by their id, so that one region's entries are applied in
//! order. An Applier drains its mailbox into one batch for the kv engine, with the apply state of
//! every region touched in the same batch. Then it answers the clients directly (one hop less than
//! through the peer) and tells the peers what is applied.
//!
//! The batch is not synced: after a crash the log is applied again from the apply state that
//! survived. Only before a log may be compacted, the apply state that covers it is made durable, by
//! syncing the very batch that carries the compaction.
//!
//! An entry that merges another region in waits until that region's replica on this store is applied up
//! to its own end; the target's peer sees to that, and the target's later entries wait here.
//!
//! Guarantee: a client is answered after its entry is visible to every reader, and after the memory
//! locks of its keys are gone. Failures of the engine and unreadable entries escalate.

mod actor;
mod messages;

pub use actor::Applier;
pub use messages::{AfterForget, Apply, Completion, ForgetRegion, RegisterRegion, SourceReady};
