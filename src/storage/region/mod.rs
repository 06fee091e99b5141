//! Regions: the contiguous key ranges that the keyspace is made of.
//!
//! A region's bounds are encoded keys (memcomparable, without a timestamp), so that the versions of one user
//! key never fall into two regions.

mod descriptor;

pub use descriptor::{Peer, PeerRole, Region};
