//! A node: the services of its roles, put together and started in the order of their dependencies.
//!
//! ```text
//! bridge ← pd ← cluster ← store ← kv ← schema ← ddl ← sql ← gateway
//!                                            ↖       ↙   ↖ admin
//!                                              stats
//! ```
//!
//! Every node has the bridge, a client of the placement driver, its membership and the admin endpoint; the rest goes by
//! its roles. What a node does not run itself it reaches on another one, and those above do not know: the
//! client of the placement driver is local or remote, regions are called directly or over the bridge.
//!
//! Sockets are bound and engines opened before any service starts, so that a port in use, a locked directory
//! or a corrupt file is one clear error and nothing has happened yet.

mod assembly;
mod clock_watch;
mod cluster;
mod crossing;
mod data_dir;
mod descriptors;
mod etcd;
mod front;
mod guard;
mod links;
mod pd;
mod probe;
mod services;
mod sockets;
mod stats;
mod variables;

pub use assembly::{Addresses, Node};
pub use cluster::SyncSchema;
pub use crossing::TABLE as WIRE_TABLE;
pub use data_dir::{DataDir, Error as DataDirError};
pub use descriptors::raise_limit;
pub use sockets::{Error as SocketError, Sockets, browsers_refuse};

/// The version in `SELECT VERSION()`: the MySQL it follows, then ours.
pub const SERVER_VERSION: &str = concat!("8.0.36-TroupeDB-v", env!("CARGO_PKG_VERSION"));
