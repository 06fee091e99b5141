//! The Deadlocks actor: sees who waits for whom, and names the victim.
//!
//! Every store has one. It finds the cycles among the waits for locks of its own store by itself, by one local message. That of the
//! store which leads the first region of the cluster is the *detector*: the others tell it of their waits
//! ([`ShareWaits`]), and it finds the cycles over several stores.
//!
//! Who is the detector, the peer of the first region tells the actor of its own store, and the placement driver all others. As long
//! as anybody waits for a lock here, the detector is spoken to every [`CHECK_EVERY`]. One that is gone, has lost the
//! leadership or its memory is found out by that, and whoever follows it is told of all waits.
//!
//! Nothing here is an error to anybody: while there is no detector, a cycle over several stores lasts until its waits time out.

mod actor;
mod messages;
mod wire;

pub use actor::{CHECK_EVERY, Deadlocks};
pub use messages::{DetectDeadlock, ForgetWait, LeadsFirstRegion, ShareWaits};
