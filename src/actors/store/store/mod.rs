//! The Store: creates the peers of a store's regions, ticks those awake, and speaks to the
//! placement driver for them.
//!
//! On its start it starts the actors that all peers share (log writer, appliers, split checker,
//! deadlocks, gc worker), then one peer for every region the kv engine holds. Later, peers come
//! from splits, and from messages of other stores' replicas. The latter begin without range or data, and
//! wait for a snapshot.
//!
//! A replica that was removed leaves a tombstone, and its identity is never used again: a message to
//! it, or to an older one, creates nothing. Whoever still believes in it is told.
//!
//! One timer ticks all peers that are awake; a hundred thousand idle regions cost nothing. Regions
//! are reported to the placement driver from what the router knows, without waking their peers.
//!
//! It escalates: when it fails, nobody creates peers any more.

mod actor;
mod cold;
mod messages;
mod peers;
mod recovery;
mod reported;
mod reports;

pub use actor::Store;
pub use messages::{
    AwaitStart, CreatePeers, GetDeadlocks, GetMover, NewRegion, PeerGone, RegionChanged,
    SayGoodbye, UnknownRegion, WakePeer,
};
pub(super) use peers::is_vote;
