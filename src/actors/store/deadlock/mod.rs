//! The Deadlocks actor: sees who waits for whom, and names the victim.
//!
//! One per store now. Peers reach it by [`Address`](crate::actors::runtime::Address), so it can
//! live on one elected store of a cluster without a change to them. It keeps nothing that cannot be
//! lost: forgotten waits end by their timeouts.

mod actor;
mod messages;

pub use actor::Deadlocks;
pub use messages::{DetectDeadlock, ForgetWait};
