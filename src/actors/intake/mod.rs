//! What the listeners have in common: a bounded number of places for sockets, and an end for those that do not speak.
//!
//! Every socket costs a file descriptor, and the storage engines need some too: one that cannot open a file ends the
//! process. So each listener (MySQL, admin, bridge) has a share of the descriptors ([`Places`]), and says no to whoever comes
//! when they are taken. That alone would let anybody keep all others out by opening sockets and saying nothing. So when all places are
//! taken, the socket that has been quiet for the longest makes room, unless it may stay ([`Place::keep`]).

mod guarded;
mod places;
mod pulse;

pub(in crate::actors) use guarded::{Caller, Guarded};
pub(in crate::actors) use places::{Place, Places};
pub(in crate::actors) use pulse::Pulse;
