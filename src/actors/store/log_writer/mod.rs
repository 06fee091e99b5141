//! The LogWriter: one per store, on a thread of its own.
//!
//! It drains its whole mailbox into one batch, writes it with one fsync, and then tells every peer
//! what of its log is durable. So a hundred regions, or a hundred proposals of one region, that
//! arrive while a write is on its way to the disk share the next one.
//!
//! Guarantee: a peer is told that a write is durable only after it, and all writes before it, are.
//! A write that fails (or a panic) escalates: what the disk holds is then in doubt, and
//! acknowledging anything more could be a lie.

mod actor;
mod messages;
pub(in crate::actors) mod metrics;

pub use actor::LogWriter;
pub use messages::{DestroyLog, TruncateLog, WriteLog};
