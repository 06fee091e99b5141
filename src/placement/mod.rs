//! The placement driver's knowledge and decisions, without its actors.
//!
//! Three kinds of knowledge, by how they survive:
//!
//! - the durable state ([`PdState`]): whether the cluster was started, its stores, the ids and the bound of timestamps
//!   handed out, the safe point of garbage collection, leases, settings. It changes only by a [`Command`] through a
//!   [`CommandLog`], the same on every member;
//! - the [`Board`]: what stores and regions report ([`ClusterMap`]) and what they are being told ([`Operators`]). It
//!   lives in the leader's memory and is heard again after a restart;
//! - the timestamp oracle ([`TimestampOracle`]): one atomic counter below a durable bound.
//!
//! [`Scheduler`]s compare the cluster map with the [`Goals`] and make a [`Plan`] for one region, or say why nothing is to
//! be done. An accepted plan is an [`Operator`], whose steps reach the region as [`RegionOrder`]s. All of it takes values
//! and returns values, so that a million regions need no store to be tested.

mod admin;
mod api;
mod board;
mod cluster;
mod goals;
mod group;
mod log;
mod operator;
mod order;
mod region_tree;
mod scheduler;
mod state;
mod tso;

pub use admin::{AdminRequest, OperatorRequest};
pub use api::{MemberView, Refusal, answer, commands, operator_plan};
pub use board::Board;
pub use cluster::{
    ClusterMap, NodeMeta, RegionReport, StoreCondition, StoreInfo, StoreLoad, StoreMeta,
    StoreState, StoreStats,
};
pub use goals::{Goals, SETTINGS, check_setting};
pub use group::{Begin, GroupTransport, MemberOptions, RaftLog, is_member};
pub use log::{
    CommandLog, GroupMessage, Leadership, LogError, MemberChange, SingleMemberLog, adopt_cluster_id,
};
pub use operator::{Influence, Operator, OperatorKind, OperatorState, Operators, Plan, Step};
pub use order::{Duties, RegionOrder};
pub use region_tree::{Observed, RegionTree};
pub use scheduler::{Decision, Scheduler};
pub use state::{Command, GcHold, Lease, PdState, Record, Reply};
pub use tso::{BOUND_AHEAD_MS, BOUND_LOW_MS, TimestampOracle};
