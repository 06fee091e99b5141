//! Snapshots between stores: for replicas that the log cannot bring up to date.
//!
//! ```text
//! leader's peer ── MakeSnapshot ──▶ SnapshotWorker      a file, from one state of the engine
//! leader's peer ── SendSnapshot ──▶ SnapshotMover ═══ chunks, one after the other ═══▶ SnapshotMover
//!                                                       checksum, fsync; then the raft message ▶ peer
//! other peer    ── InstallSnapshot ─▶ SnapshotWorker    the range's data is replaced
//! ```
//!
//! The worker blocks on the disk, on a thread of its own; the mover waits for the other store, and
//! keeps to the rate that the options set.
//!
//! # Crashes
//!
//! A file is durable before raft hears of it. Installing begins with a durable note (`Applying`, in
//! the region's state, together with the apply state of the snapshot), and ends with another one. After
//! a crash in between, the store's next start installs the same file again, before anything else. The
//! log is restarted after that; if a crash keeps it from being restarted, loading it finds out.
//!
//! # What is not promised
//!
//! A snapshot may be lost on its way. Raft then asks for another one.

mod files;
mod messages;
mod mover;
mod worker;

pub use files::{SnapshotDir, SnapshotFile};
pub use messages::{InstallSnapshot, MadeSnapshot, MakeSnapshot, SendSnapshot, TakeChunk};
pub use mover::SnapshotMover;
pub use worker::{SnapshotWorker, install};
