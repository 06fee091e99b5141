//! The transactional client: what SQL reads and writes through.

mod backoff;
mod buffer;
mod client;
mod commit;
mod error;
mod locks;
pub mod memory;
mod options;
mod ranges;
mod request;
mod resolve;
mod scan;
mod transaction;
mod transport;

pub use client::Client;
pub use options::ClientOptions;
pub use transport::RegionTransport;

#[cfg(test)]
mod tests;
