//! The bridge: how the actors of different nodes talk, and the node's gRPC endpoint.
//!
//! Nothing above it knows where an actor is. [`Bridge::address`] gives out an [`Address`](crate::actors::runtime::Address)
//! for a path: as long as the actor lives on this node, a message is moved into its mailbox and nothing is encoded; when
//! it lives on another, the message is encoded, goes into the outbox of its class, and from there over a stream to the
//! other node's bridge, which puts it into the mailbox. What is promised and what is not is written down in
//! `docs/architecture/bridge.md`; in short:
//!
//! - messages of one sender to one actor, in one class, arrive in the order they were sent;
//! - at most once: the bridge sends nothing twice, and whoever asked is told when the link breaks;
//! - a node that cannot be reached is said to be so at once, not after a deadline;
//! - what a slow receiver lets pile up is bounded, by credits it grants and by the bound of the sender's outbox.
//!
//! One concern a file. What may cross at all stands in [`wire`]. Sending: [`remote`](self) finds the actor, `outbox`
//! decides what goes out, `lane` shares it between threads, `link` drives the streams. Receiving: `inbound` serves a
//! stream, `exports` finds the mailbox, `replies` is the way back. `handshake` decides who may talk to whom. `links` are the
//! two kinds of streams, over gRPC and simulated. `endpoint` is the actor above all, `server` and `tls` its sockets.
//!
//! # Caveats
//!
//! A stream carries the messages of the node that opened it, and the answers to them; two nodes that both send have two
//! streams a class. There is no compression, and a message is never cut into pieces: what is larger than a few
//! mebibytes should be sent in parts by who sends it.

mod core;
mod cuts;
mod echo;
mod endpoint;
mod exports;
mod figures;
mod handle;
mod handshake;
mod inbound;
mod incoming;
mod lane;
mod link;
mod links;
mod observer;
mod options;
mod outbox;
pub mod proto;
mod remote;
mod replies;
mod secret;
mod server;
mod silence;
mod tls;
pub mod wire;

#[cfg(test)]
mod tests;

pub use echo::Echo;
pub use endpoint::Endpoint;
pub use exports::Exports;
pub(in crate::actors) use figures::describe as describe_metrics;
pub use figures::{LaneFigures, LinkFigures, ServedFigures};
pub use handle::{Bridge, Export};
pub use handshake::PROTOCOL_VERSION;
pub use links::{SimNetwork, SimOptions};
pub(in crate::actors) use observer::describe;
pub use observer::{DescribeActor, ListActors};
pub use options::{Bound, BridgeOptions};
pub use outbox::Phase;
pub use tls::{Credentials, TlsFiles};
pub use wire::{Class, Remote, WireError, Wired};
