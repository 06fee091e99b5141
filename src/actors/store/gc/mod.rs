//! The GcWorker: removes old versions once no snapshot can need them. The [`Reclaimer`] gives the space of deleted ranges
//! back.
//!
//! From time to time it asks the placement driver for the safe point. When that has moved, it sends
//! a `Gc` command to every region this store leads, one after the other, like any client. A region
//! that changes meanwhile is looked at again next time. It keeps nothing that cannot be lost.

mod actor;
mod reclaimer;

pub use actor::GcWorker;
pub use reclaimer::{Reclaim, Reclaimer};
