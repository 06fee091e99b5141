//! Sessions: a client's statements, its variables and its transaction, on a SQL node.
//!
//! ```text
//! /node-1/gateway/conn-42/session     Session: one command at a time
//! ```
//!
//! A [`Session`] is a child of its connection, on the same thread: a command and its answer are moved values. The state
//! ([`core`]) is moved into the task that runs a command and back when it is done, so a statement borrows it freely, and
//! cancelling is dropping the task's inner future: the state survives, and what the statement did is undone.
//!
//! # Ordering
//!
//! Commands are answered in the order they came. A second one waits. CancelStatement overtakes; a commit that has begun is
//! not cancelled. An answer of more than a few kilobytes starts to flow before it is complete ([`answer`]), through a channel
//! so small that a slow client slows its own statement down and nothing else.
//!
//! # Supervision
//!
//! A panic ends the session and with it the connection; its transaction is rolled back when it is dropped, its locks are
//! gone at once or after their ttl.
//!
//! # Parts
//!
//! A command begins on its connection's thread and goes to the runtime's workers when it turns out to be heavy ([`place`]).
//!
//! [`statement`] sorts statements; [`run`] runs queries and writes; [`transaction`] keeps the transaction; [`prepared`] the
//! prepared statements with their plans; [`set`] and [`variables`] the variables; [`show`] and [`sources`] bring what the
//! node knows to `sql::system`, which makes tables of it; [`load_data`] reads files, of clients through [`uploads`]; [`ddl`] asks for schema changes; [`accounts`] keeps who may connect; [`encode`] writes packets.

pub mod accounts;
pub mod activity;
mod actor;
mod analyze;
mod answer;
mod checksum;
mod cluster_actors;
mod control;
mod core;
mod create_select;
mod cursor;
mod ddl;
mod encode;
mod everybody;
mod explain;
mod flush;
mod hints;
mod into_file;
mod into_variables;
mod load_data;
mod maintain;
mod memory;
mod messages;
mod named_locks;
mod parameters;
mod place;
mod plan_tables;
mod prepared;
mod processes;
mod program;
pub mod remote;
mod rights;
mod run;
mod services;
mod set;
mod show;
mod sleep;
mod sources;
mod split;
mod statement;
mod table_locks;
mod temporary;
#[cfg(test)]
mod tests;
mod transaction;
mod uploads;
mod values;
pub mod variables;
mod vars;
mod views;
mod watch;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

pub use actor::Session;
pub use cluster_actors::ClusterActors;
pub use memory::{Held, Memory};
pub use messages::{
    Account, Accounts, Answer, CancelStatement, ClientInfo, Execute, Part, SessionRef, Sessions,
    SwitchUser, TlsSession, Upload,
};
pub use named_locks::{LockKeeper, NamedLocks};
pub use processes::{ClientLimits, Kill, Process, ProcessList, ProcessRow, ProcessState, RANGES};
pub use services::{LocalSessions, SessionServices};
pub use table_locks::LockedTables;

/// The seed of a session's generator.
fn seed_of(mut stream: ChaCha8Rng) -> u64 {
    stream.next_u64()
}
