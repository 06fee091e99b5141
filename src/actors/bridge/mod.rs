//! The node's gRPC endpoint.
//!
//! It serves the standard health service (`grpc.health.v1.Health`), for load balancers and for
//! clusters that watch their nodes: under every service's name its state on the health board, and
//! under the empty name the node's. What is healthy or degraded is `SERVING`, everything else
//! `NOT_SERVING`; changes go out to watchers as they happen.
//!
//! [`start`] takes a listener that is already bound, as the admin endpoint does. The actor
//! `/node-1/bridge` has a thread of its own and hosts the server. On a stop, every service turns
//! `NOT_SERVING`, calls under way get a second, and the port is free.
//!
//! # Caveats
//!
//! The links that carry messages between the actors of different nodes will be served here too.
//! They come with the milestone that runs a node's roles in several processes; nothing of them
//! exists yet, and no message leaves its process.

mod actor;

#[cfg(test)]
mod tests;

pub use actor::{Bridge, BridgeHandle, start};
