//! What a LogWriter is told.

use crate::actors::store::region_peer::PeerHandle;
use crate::message;
use crate::storage::engine::WriteBatch;
use crate::storage::raft::Persist;

/// Write entries and state of a region, and report once they are durable. Sent by the region's
/// peer.
pub struct WriteLog {
    /// What to write.
    pub write: Persist,
    /// Whom to tell.
    pub peer: PeerHandle,
}
message!(WriteLog => (), "WriteLog");

/// Forget the beginning of a region's log: it is applied, durably. Need not be durable itself.
pub struct TruncateLog {
    /// What removes it.
    pub batch: WriteBatch,
}
message!(TruncateLog => (), "TruncateLog");

/// Remove a region's log. Answered once it is gone.
pub struct DestroyLog {
    /// What removes it.
    pub batch: WriteBatch,
}
message!(DestroyLog => (), "DestroyLog");
