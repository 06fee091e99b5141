//! Snapshots between stores: for replicas that the log cannot bring up to date.
//!
//! ```text
//! leader's peer ── MakeSnapshot ──▶ SnapshotWorker      a file, from one state of the engine
//! leader's peer ── SendSnapshot ──▶ SnapshotMover ═══ chunks, one after the other ═══▶ SnapshotMover
//!                                                       checksum, fsync; then the raft message ▶ peer
//! other peer    ── InstallSnapshot ─▶ SnapshotWorker    the range's data is replaced
//! ```
//!
//! The worker blocks on the disk, on a thread of its own; the mover waits for the other store.
//!
//! # Limits
//!
//! Snapshots must not take what the store's own work needs, so the options bound three things, each for all snapshots
//! together: bytes sent in a second, bytes received in a second, and how many are sent, and received, at once. What
//! a store sends beyond that waits for its turn; when that many wait, none is made. Who receives answers a piece
//! only when the next may come, which slows the sender down; a snapshot beyond the bound is refused, and raft asks for
//! another one later.
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

mod figures;
mod files;
mod messages;
mod mover;
mod pace;
mod worker;

pub use figures::SnapshotFigures;
pub use files::{SnapshotDir, SnapshotFile};
pub use messages::{InstallSnapshot, MadeSnapshot, MakeSnapshot, SendSnapshot, TakeChunk};
pub use mover::SnapshotMover;
pub use worker::{SnapshotWorker, install};
