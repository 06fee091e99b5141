//! The cast: every part of the database that owns state, sequences work or does I/O.

pub mod admin;
pub mod bridge;
pub mod ddl;
pub mod gateway;
mod intake;
pub mod kv;
pub mod node;
pub mod pd;
pub mod runtime;
pub mod session;
pub mod stats;
pub mod store;
mod tls;
