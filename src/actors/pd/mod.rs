//! The placement driver: who knows the cluster, and tells it what to do.
//!
//! ```text
//! /node-1/pd                              a member: durable state, region heartbeats, leases
//! /node-1/pd/scheduler/replica            one actor per scheduler: each looks at the board
//! /node-1/pd/scheduler/balance-leader     from time to time and says what is to be done next,
//! /node-1/pd/scheduler/balance-region     or why nothing is
//! /node-1/pd/scheduler/evict-leader
//! /node-1/pd/scheduler/split
//! /node-1/pd/scheduler/merge
//! ```
//!
//! Everybody else sees a [`PdClient`]. [`LocalPd`] is the one of a process in which a member lives: it asks that
//! member by message, except for timestamps, which it takes from the shared oracle on the caller's thread. A member
//! that does not lead answers [`PdError::NotLeader`] and names the one that does.
//!
//! What is promised: a timestamp is above every one handed out before it was asked for, ids are never handed out twice, and
//! a lease has one holder at a time by PD's clock. What is not: routes may be old (regions refuse requests with an old
//! epoch), and an order given to a region may be lost (it is given again with its next report).
//!
//! An order is the answer to a region's report. Leaders report at once what has changed, so the next step follows the last one
//! without a pause, and what a region lacks is looked for with its report. What schedulers want later, stores hear of
//! when they ask for their [`Duties`](crate::placement::Duties), every second and in one question: then they report the regions named there.
//!
//! Each change is committed through a [`CommandLog`](crate::placement::CommandLog): in a group of one that may be a
//! synced write, else it is Raft's ([`RaftLog`](crate::placement::RaftLog)). Both have a thread of their own. If the member
//! panics it restarts from the log, and hears of the regions again.

mod administer;
mod client;
mod group;
mod leader;
mod local;
mod messages;
mod owner;
mod remote;
mod scheduler;

pub use client::{Lease, PdClient, PdError, PdResult, SplitIds};
pub use group::Standing;
pub use leader::Pd;
pub use local::LocalPd;
pub use messages::{
    Administer, AllocIds, AskBatchSplit, ChangeMembers, ExtendTimestamps, GetDuties,
    GetGcSafePoint, GetRegion, GetStores, GetTimestamps, GroupStep, IsBootstrapped, Lead,
    PlaceOrder, Propose, RegionKey, ReportRegion, ReportStore, ScanRegions,
};
pub use owner::{AlwaysOwner, Ownership, PdOwnership};
pub use remote::{
    AnnounceNode, BridgeGroup, PdCall, PdMembers, PdService, RemotePd, member_path, pd_path,
};
