//! What the SnapshotWorker and the SnapshotMover are told.

use std::path::PathBuf;
use std::sync::Arc;

use super::files::SnapshotFile;
use crate::actors::store::region_peer::PeerHandle;
use crate::actors::store::transport::{ChunkRefused, RaftEnvelope, SnapshotChunk, SnapshotId};
use crate::common::{LogIndex, PeerId, RegionId};
use crate::message;
use crate::storage::raft::LogPosition;
use crate::storage::region::Region;
use crate::storage::region::snapshot::SnapshotHeader;

/// Make a snapshot of a region, for another replica.
pub struct MakeSnapshot {
    /// The region.
    pub region_id: RegionId,
}
message!(MakeSnapshot => Result<MadeSnapshot, String>, "MakeSnapshot");

/// A snapshot as a file.
#[derive(Clone, Debug)]
pub struct MadeSnapshot {
    /// What its raft message says.
    pub header: SnapshotHeader,
    /// The last entry in it.
    pub applied: LogIndex,
    /// The file.
    pub file: Arc<SnapshotFile>,
}

/// Replace a region's data. Answered when that is durable.
pub struct InstallSnapshot {
    /// The region in the snapshot.
    pub header: SnapshotHeader,
    /// The replica on this store.
    pub peer_id: PeerId,
    /// The last entry in the snapshot.
    pub position: LogPosition,
    /// The region before, whose data goes.
    pub before: Option<Region>,
    /// The file.
    pub path: PathBuf,
}
message!(InstallSnapshot => Result<(), String>, "InstallSnapshot");

/// Send a snapshot, and report to the peer.
pub struct SendSnapshot {
    /// The raft message that announces it.
    pub envelope: RaftEnvelope,
    /// Its name.
    pub id: SnapshotId,
    /// The file.
    pub file: Arc<SnapshotFile>,
    /// Whom to tell.
    pub peer: PeerHandle,
}
message!(SendSnapshot => (), "SendSnapshot");

/// A piece of a snapshot has arrived from another store.
pub struct TakeChunk(pub SnapshotChunk);
message!(TakeChunk => Result<(), ChunkRefused>, "TakeChunk");
