//! The storage engine: ordered column families with atomic batches.
//!
//! [`Engine`] has two implementations, RocksDB and memory, under one conformance suite. Everything above
//! sees only these traits.

mod error;
mod traits;

pub use error::{Error, Result};
pub use traits::{Cf, Cursor, Engine, IterOptions, Reader, Snapshot, WriteBatch, WriteOp};
