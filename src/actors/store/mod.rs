//! The store: replicas of regions, and everything that reads and writes them.
//!
//! ```text
//! /node-1/store-1                  Store: creates peers, ticks, reports to the placement driver
//! /node-1/store-1/region-7         RegionPeer: one replica of one region            escalates
//! /node-1/store-1/log-writer       LogWriter: all logs, one fsync for all waiting   escalates   own thread
//! /node-1/store-1/applier-1        Applier: committed entries become data           escalates   own thread
//! /node-1/store-1/split-checker    SplitChecker: scans large regions                restarts    own thread
//! /node-1/store-1/deadlocks        Deadlocks: who waits for whom                    restarts
//! /node-1/store-1/gc-worker        GcWorker: removes old versions                   restarts
//! /node-1/store-1/snapshot-worker  SnapshotWorker: makes and installs snapshots     escalates   own thread
//! /node-1/store-1/snapshot-mover   SnapshotMover: sends and receives them           restarts    own thread
//! ```
//!
//! A write goes client → peer → log writer → peer → applier → client. A read goes through
//! [`LocalReader`] on the caller's own thread, and through the peer only when that has no lease.
//! `docs/architecture/store.md` follows both step by step.
//!
//! Clients use [`StoreNode`]: its `router` for commands, its `reader` for reads. Other stores are reached
//! through [`Transport`]; what they send goes to [`StoreNode::receive`] and
//! [`StoreNode::receive_chunk`].
//!
//! # Backpressure
//!
//! A region's mailbox is bounded and rejects; a peer also refuses commands when it has too many in
//! flight, or when the log writer or its applier is behind. All of these are `ServerIsBusy` to the
//! client. Inside, between peer, log writer and applier, nothing is ever refused: what was admitted
//! is carried through.

pub mod applier;
mod bridge_transport;
pub mod deadlock;
mod disk;
mod drain;
pub mod gc;
mod local_reader;
pub mod log_writer;
mod open;
mod options;
pub mod region_peer;
mod router;
mod seat;
mod shared;
mod sleepers;
pub mod snapshots;
pub mod split_checker;
#[allow(clippy::module_inception, reason = "the Store actor's own folder")]
pub mod store;
mod transport;
mod unanswered;
pub mod wire;

#[cfg(test)]
mod tests;

pub use bridge_transport::{BridgeTransport, Greet, SendChunk, SendRaft, export_raft, store_path};
pub use disk::Disk;
pub use local_reader::{LocalReader, ReadDelegate};
pub use open::{OpenError, OpenStore, StoreNode, open_store};
pub use options::StoreOptions;
pub use region_peer::{CommandReply, KvCommand};
pub use router::{RegionEntry, RegionGauges, RegionStatus, StoreRouter};
pub use shared::{AwakeRegions, PeerShared, RangeClaims, StoreParts};
pub use transport::{
    ChunkRefused, NoTransport, RaftEnvelope, SnapshotChunk, SnapshotId, Transport,
};
pub use unanswered::unanswered;
