//! What an engine can answer instead of data.

use std::path::PathBuf;

/// A result of the engine.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the engine. None of them is deterministic: a replicated apply that meets one must stop the node.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the directory open. The operator stops that process.
    #[error("data directory {0} is in use by another process")]
    Locked(PathBuf),
    /// Bytes on disk are not what was written. The operator restores the store from its replicas.
    #[error("corrupt data: {0}")]
    Corruption(String),
    /// The operating system refused a read or a write.
    #[error("engine I/O: {0}")]
    Io(String),
}
