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
    /// Another version of TroupeDB wrote the directory. The operator runs that version.
    #[error(
        "data directory {path} has format version {found}; this program reads version {expected}"
    )]
    Version {
        /// The directory.
        path: PathBuf,
        /// What is on disk.
        found: u32,
        /// What this program reads and writes.
        expected: u32,
    },
    /// The directory holds files, and they are not an engine's. The operator names another directory.
    #[error("{0} is not empty, and not a TroupeDB data directory")]
    NotADatabase(PathBuf),
    /// The target of a checkpoint must be absent.
    #[error("{0} exists already")]
    AlreadyExists(PathBuf),
    /// The caller broke the contract; a bug.
    #[error("invalid input to the engine: {0}")]
    InvalidInput(&'static str),
    /// An option is out of its range. The operator corrects the configuration.
    #[error("invalid engine option {name}: {reason}")]
    InvalidOption {
        /// The field.
        name: &'static str,
        /// What it must be.
        reason: &'static str,
    },
}
