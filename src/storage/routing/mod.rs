//! Routing: from a user key to the region that holds it, and to the peer that leads it.
//!
//! A [`RegionCache`] is a client's memory of regions. It is filled from the placement driver and corrected by
//! the errors regions answer with; the loop around it is the transactional client's.

mod cache;
mod key;
mod route;

pub use cache::RegionCache;
pub use key::{decode_bound, encode_bound, encode_key};
pub use route::RegionRoute;
