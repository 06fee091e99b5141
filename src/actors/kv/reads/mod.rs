//! What makes SERIALIZABLE of a snapshot: a transaction remembers what it has read, and looks at it again when it commits.

mod noted;
mod set;
mod stand;

pub(super) use noted::NotedScanner;
pub(super) use set::{Interval, ReadSet};
