//! The RegionPeer: one replica of one region. It guards the region's data: a panic in it escalates.
//!
//! # What it owns
//!
//! The Raft group's state ([`PeerCore`](crate::storage::raft::PeerCore)), the latches of commands
//! in flight, the pessimistic locks (in memory, while it leads) with their waiters, and the read
//! lease it publishes.
//!
//! # A write, step by step
//!
//! 1. [`KvCommand`] arrives. Leader? Epoch? Keys in the region? Else an error that says where to
//!    go.
//! 2. The command latches its keys, or queues behind those that hold them.
//! 3. It is executed over the engine: an answer, an error, a wait for a lock, or a write.
//! 4. The write is proposed. Once the mailbox is drained, all that was proposed goes to the log
//!    writer (and to the followers) as one piece.
//! 5. The log writer reports it durable; the group commits it; the applier applies it and answers
//!    the client.
//! 6. The applier reports it applied; latches are released, waiters woken.
//!
//! # Reports
//!
//! What the log writer and the appliers report must never be lost to a mailbox full of client
//! commands. So reports are put in a [`PeerHandle`]'s own inbox, which has no bound but what is in
//! flight, and a [`Wake`] message is only the bell: if it does not fit in the mailbox, the peer is
//! busy and looks into the inbox with each message anyway.
//!
//! # Ordering
//!
//! Commands on one key run in the order they arrived. Reads that go through the peer see every
//! write acknowledged before they were asked.

mod actor;
mod admin;
mod cold;
mod commands;
mod departure;
mod doze;
mod effects;
mod group;
mod handle;
mod handlers;
mod handover;
mod leadership;
mod lock_waits;
mod membership;
mod merge;
mod messages;
mod reads;
mod room;
mod snapshots;

pub use actor::{NewPeer, RegionPeer};
pub use cold::ColdPeer;
pub use handle::{AppliedReport, PeerHandle, Report};
pub use messages::{
    AbsorbRegion, Absorbed, CatchUp, ChangePeers, CommandReply, CutRegion, DropPeer, KvCommand,
    MergeRegion, PlacePeer, RaftMessage, ReplicaRead, Retire, Rouse, SplitRegion, Tick,
    TransferLeader, Wake,
};
