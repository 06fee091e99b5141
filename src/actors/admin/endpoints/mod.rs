//! What the endpoints answer: one file a subject, one function an endpoint.

pub(super) mod actors;
pub(super) mod bridge;
pub(super) mod elsewhere;
pub(super) mod log;
pub(super) mod metrics;
pub(super) mod page;
pub(super) mod pd;
pub(super) mod regions;
pub(super) mod schema;
pub(super) mod statements;
pub(super) mod status;
