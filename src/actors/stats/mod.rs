//! Statistics of tables: who collects them, and where statements find them.
//!
//! What they are is in [`crate::sql::stats`].

mod cache;

pub use cache::StatsCache;
