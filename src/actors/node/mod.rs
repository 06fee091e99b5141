//! A node: the services of its roles, put together and started in the order of their dependencies.
//!
//! ```text
//! pd ← store ← kv ← ddl ← sql ← gateway
//!                             ↖ admin, bridge
//! ```
//!
//! Sockets are bound and engines opened before any service starts, so that a port in use, a locked directory
//! or a corrupt file is one clear error and nothing has happened yet.

mod assembly;
mod data_dir;
mod front;
mod services;
mod sockets;
mod variables;

pub use assembly::Node;
pub use data_dir::{DataDir, Error as DataDirError};
pub use sockets::{Error as SocketError, Sockets};

/// The version in `SELECT VERSION()`: the MySQL it follows, then ours.
pub const SERVER_VERSION: &str = concat!("8.0.11-TroupeDB-v", env!("CARGO_PKG_VERSION"));
