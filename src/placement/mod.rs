//! The placement driver's knowledge and decisions, without its actors.
//!
//! Three kinds of knowledge, by how they survive:
//!
//! - the durable state ([`PdState`]): whether the cluster was started, its stores, the ids and the bound of timestamps
//!   handed out, the safe point of garbage collection and leases. It changes only by a [`Command`] through a
//!   [`CommandLog`], the same on every member;
//! - the cluster map ([`ClusterMap`]): what stores and regions report. It lives in the leader's memory and is
//!   heard again after a restart;
//! - the timestamp oracle ([`TimestampOracle`]): one atomic counter below a durable bound.
//!
//! [`Scheduler`]s compare the cluster map with the [`Goals`] and say what one region is to do next, or why nothing is to
//! be done. All of it takes values and returns values, so that a million regions need no store to be tested.
//!
//! Merging of small regions is not decided here: stores do not serve it.

mod admin;
mod cluster;
mod log;
mod order;
mod region_tree;
mod scheduler;
mod state;
mod tso;

pub use admin::{AdminRequest, OperatorRequest};
pub use cluster::{
    ClusterMap, RegionReport, StoreInfo, StoreLoad, StoreMeta, StoreState, StoreStats,
};
pub use log::{CommandLog, LogError, SingleMemberLog};
pub use order::RegionOrder;
pub use region_tree::{Observed, RegionTree};
pub use scheduler::{Decision, Goals, Scheduler};
pub use state::{Command, GcHold, Lease, PdState, Record, Reply};
pub use tso::{BOUND_AHEAD_MS, BOUND_LOW_MS, TimestampOracle};
