//! One client: its socket, its login, its commands.
//!
//! The actor owns the connection's life; a task it owns does the I/O: it reads a command, asks the
//! session, and writes the answer in one write. The session is a child on the same thread, so a command
//! crosses two mailboxes and no thread.

mod actor;
mod denials;
mod io;
mod login;
mod services;
mod serving;

pub use actor::Connection;
pub(super) use login::too_many;
pub use services::Services;
