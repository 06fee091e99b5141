//! The admin endpoint: a node seen from outside, over HTTP.
//!
//! [`start`] takes a listener that is already bound (so that a port in use is named before anything
//! else starts) and what there is to show ([`AdminServices`]), and answers an [`AdminHandle`]. The
//! actor `/node-1/admin` has a thread of its own, which serves the sockets; what is work is made aside
//! (`aside`). So the node can be looked at while its core threads are busy, `/health` is not behind
//! long lists, and looking never waits in an actor's mailbox but that of the actor looked at.
//!
//! # Guarantees
//!
//! - Everything answers within a deadline and in a bounded size: lists have a `limit` and say what
//!   they left out, an actor that does not answer is shown without its inside, a trace ends after
//!   at most [`TRACE_SECONDS_MAX`].
//! - Nothing here changes the database. The one thing that changes anything is `POST /log`, which
//!   sets the log level.
//! - Errors are JSON, `{"error": "…"}`, and name what was wrong with the request.
//! - On a stop, open traces end, answers under way get a second, and the port is free once the stop
//!   has come to its end.
//!
//! # Caveats
//!
//! Whoever is on the machine may do everything; from elsewhere a token is asked for (`guard`). The figures of
//! different actors are read one after another, not at one instant.
//!
//! `docs/architecture/admin.md` lists the endpoints with an example each. One concern a file:
//! `guard` says who may ask, `services` is what the node gives us, `actor` hosts the server, `http` is the table of routes
//! and what all answers have in common, `aside` makes those that are work, `counts` is what the admin actor says of itself,
//! `endpoints` has one file a subject, `page.html` is the page.

mod actor;
mod aside;
mod counts;
mod endpoints;
mod guard;
mod http;
mod server;
mod services;

#[cfg(test)]
mod tests;

pub use actor::{Admin, AdminHandle, start};
pub use endpoints::actors::{TRACE_SECONDS_MAX, TRACES_MAX};
pub use endpoints::metrics::install_metrics;
pub use guard::{Guard, Token};
pub use services::{AdminServices, LogControl, MemoryGauge, SchemaSource, StoreView};
