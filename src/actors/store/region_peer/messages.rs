//! What a RegionPeer is told.

use bytes::Bytes;
use raft::eraftpb::Message;

use crate::actors::store::split_checker::CutAt;
use crate::message;
use crate::storage::region::Region;
use crate::storage::txn::{KvRequest, KvResponse, RegionContext, RequestError};

/// The answer to a [`KvCommand`].
pub type CommandReply = Result<KvResponse, RequestError>;

/// A client's request to the region.
#[derive(Clone, Debug)]
pub struct KvCommand {
    /// The region as the client knows it.
    pub context: RegionContext,
    /// What it wants.
    pub request: KvRequest,
}
message!(KvCommand => CommandReply, "KvCommand");

/// Split the region at encoded keys. The answer comes when the new regions have peers here: all
/// parts, in key order.
#[derive(Clone, Debug)]
pub struct SplitRegion {
    /// The region as the client knows it.
    pub context: RegionContext,
    /// Where.
    pub keys: Vec<Bytes>,
}
message!(SplitRegion => Result<Vec<Region>, RequestError>, "SplitRegion");

/// Have the region scanned, and split it as `cut_at` says. Sent on an order of the placement
/// driver.
#[derive(Clone, Copy, Debug)]
pub struct CutRegion {
    /// How.
    pub cut_at: CutAt,
}
message!(CutRegion => (), "CutRegion");

/// A message of another replica.
pub struct RaftMessage {
    /// What Raft has to say.
    pub message: Message,
}
message!(RaftMessage => (), "RaftMessage");

/// Raft's clock. Sent by the Store to peers that are awake.
pub struct Tick;
message!(Tick => (), "Tick");

/// There is something in the inbox.
pub struct Wake;
message!(Wake => (), "Wake");
