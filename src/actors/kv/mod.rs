//! The transactional client: what SQL reads and writes through.
//!
//! ```text
//! KvStore, Transaction, Scanner     what SQL sees (src/sql/kv.rs)
//!   transaction, buffer, scan       one transaction: its writes, its snapshot
//!   locks, commit                   pessimistic locks; one phase, async commit, two phases
//!   request, resolve, backoff       from keys to regions, past errors and locks
//! PdClient, RegionTransport         what it needs: timestamps and routes, and a way to the regions
//! ```
//!
//! What is promised: snapshot isolation, a commit that is all or nothing, and that what is reported about it is certain, or
//! said not to be (error 8501). `docs/architecture/transactions.md` tells how. The client is no actor: a transaction belongs to
//! the session that began it, and a read of a local region completes on the session's thread. What has to tick is
//! done by one actor, the [`KvKeeper`]. [`memory`] is the other side in memory, for tests of what is above.

mod backoff;
mod buffer;
mod call;
mod client;
mod commit;
pub mod convert;
mod error;
mod groups;
mod keeper;
mod lock_waits;
mod locks;
pub mod memory;
mod metrics;
mod options;
mod pieces;
mod ranges;
mod reads;
mod remote;
mod remote_reads;
mod replicas;
mod request;
mod resolve;
mod scan;
mod store_transport;
mod transaction;
mod transport;

pub use client::Client;
pub use keeper::KvKeeper;
pub(in crate::actors) use metrics::describe as describe_metrics;
pub use options::ClientOptions;
pub use remote::{AskWork, ClusterRegions};
pub use remote_reads::export_store;
pub use transport::RegionTransport;

#[cfg(test)]
mod tests;
