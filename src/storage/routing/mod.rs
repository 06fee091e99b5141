//! Routing: from a key to the region that holds it.

mod route;

pub use route::RegionRoute;
