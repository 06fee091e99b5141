//! Regions: the contiguous key ranges that the keyspace is made of.
//!
//! A region's bounds are encoded keys (memcomparable, without a timestamp), so that the versions of
//! one user key never fall into two regions. The keyspace starts as one region ([`bootstrap`]);
//! regions that grow are cut ([`split`]). A region is a Raft group; what its log entries carry is
//! in [`entry`], what they do to the data in [`apply`]. Replicas come and go by [`membership`]
//! changes, neighbours become one by a [`merge`], and a [`snapshot`] brings a replica up to date that
//! the log cannot. What a store remembers of its regions on disk is in [`state`]; where, in
//! [`keys`](crate::storage::codec::keys). Whether a request may be served by a region is decided in
//! [`check`].
//!
//! # Epochs
//!
//! `version` counts changes of the range, `conf_ver` changes of the replicas. A request names the
//! epoch its sender knows. The leader refuses another version, and so does the apply step: between
//! the leader's check and the application of its entry the region may have been split, and then the
//! entry is void everywhere.

pub mod apply;
pub mod bootstrap;
pub mod check;
pub mod convert;
mod descriptor;
pub mod entry;
pub mod membership;
pub mod merge;
pub mod reserve;
pub mod snapshot;
pub mod split;
pub mod state;

pub use descriptor::{Peer, PeerRole, Region};
pub use split::{SplitOptions, SplitOutcome};
pub use state::{ApplyState, StoreIdent};
