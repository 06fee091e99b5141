//! `troupe playground`: a cluster of real processes on this machine, with one command.
//!
//! The playground is the parent of the nodes it starts: each is this very binary with `start --role …`, on ports that were
//! free, with a directory and a log file of its own. It prints a table of them, and waits. From another terminal `status`,
//! `scale-out`, `scale-in`, `stop`, `kill`, `restart`, `pause` and `resume` talk to it through a unix socket in its directory.
//!
//! # Guarantees
//!
//! - Ctrl-C, SIGTERM and a closed terminal take every node down: those that clients talk to first, then the stores, then
//!   the placement driver. What has not ended in time is killed.
//! - No node outlives the playground. One that is killed itself cannot clean up, so every node asks the kernel to be
//!   killed with its parent, before it does anything else (Linux; `tether`).
//! - A directory has one playground at a time. What is to be kept is kept (`--tag`, `--dir`): the next start goes
//!   on with the same nodes and their data.
//!
//! `plan` decides which nodes there are and with which arguments they start, and is pure; so is `show`, the texts.
//! `leave` is how a node leaves the cluster, `home` is the directory, `node` one process, `cluster` all of them, `control` the socket, `run` the life of a
//! playground.
//!
//! # Caveats
//!
//! A node that dies is not started again: that is what `restart` is for, and what one wants to watch. Ports are looked for
//! when a node is planned and bound when it starts; whoever takes one in between makes the start fail, with its name.

mod args;
mod cluster;
mod control;
mod home;
mod leave;
mod node;
mod plan;
mod run;
mod show;
mod tether;

#[cfg(test)]
mod tests;

pub(super) use args::Place;
pub use args::{PlaygroundArgs, PlaygroundCommand};
pub(super) use home::{admin_endpoints, all_admin_endpoints};
pub(super) use run::playground;
pub(super) use tether::tether;
