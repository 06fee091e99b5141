//! The SplitChecker: scans regions that may have grown too large, off the hot path.
//!
//! A peer estimates the size of its region from what it applies. When the estimate (or its absence,
//! after a restart) says that the region may be too large, it asks for a scan. The answer is the
//! true size, and the keys to cut at.

mod actor;
mod messages;

pub use actor::SplitChecker;
pub use messages::{CheckSplit, CutAt, SplitCheck};
