//! The storage engine: ordered column families with atomic batches.
//!
//! [`Engine`] has two implementations, RocksDB and memory, under one conformance suite. Everything above
//! sees only these traits. [`LocksInMemory`] goes around either, and keeps the lock family where reading it is cheap.

#[cfg(test)]
mod conformance;
mod error;
mod locks_in_memory;
mod memory;
mod options;
mod rocks;
mod traits;

pub use error::{Error, Result};
pub use locks_in_memory::LocksInMemory;
pub use memory::MemoryEngine;
pub use options::{EngineOptions, WalRecovery};
pub use rocks::{MemoryUsage, RocksEngine};
pub use traits::{
    Cf, Cursor, DiskRoom, DiskSpace, Engine, IterOptions, Reader, Snapshot, WriteBatch, WriteOp,
};
