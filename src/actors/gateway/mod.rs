//! The MySQL front: one [`Gateway`] that listens, one [`Connection`] for each client.
//!
//! ```text
//! /node-1/gateway              listens, counts, refuses over max_connections
//! /node-1/gateway/conn-42      owns the socket: greeting, password, frames in, packets out
//! /node-1/gateway/conn-42/session   runs the statements (on this node, in one process)
//! ```
//!
//! Beside them `/node-1/connection-numbers` keeps a range of numbers that no other gateway gives to its connections, where
//! there may be others.
//!
//! A connection's panic costs that connection only. It never restarts: its socket is gone.

mod actor;
mod connection;
mod metrics;
mod numbers;
mod tls;

pub use actor::{Drain, Gateway, GatewayOptions};
pub use connection::{Connection, Services};
pub(in crate::actors) use metrics::describe as describe_metrics;
pub use numbers::ConnectionNumbers;
pub use tls::{ClientTls, own_certificate};
