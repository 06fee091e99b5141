//! The placement driver's actors.

mod client;

pub use client::{Lease, PdClient, PdError, PdResult, SplitIds};
