//! The directory everything durable is in.
//!
//! ```text
//! data/kv/     RocksDB: rows, locks, commit records, region state
//! data/raft/   RocksDB: the raft log
//! data/pd/     RocksDB: the placement driver's state
//! data/tmp/    what queries spill; emptied at each start
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::StoreConfig;
use crate::storage::engine::{self, Engine, EngineOptions, RocksEngine};

/// The placement driver's state is small.
const PD_BUFFER: usize = 1 << 20;

/// A data directory that cannot be used; it is left as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be made or written.
    #[error("cannot use data directory {}: {error}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// An engine in it does not open.
    #[error("cannot open data directory {}: {error}", path.display())]
    Engine {
        /// The engine's directory.
        path: PathBuf,
        /// Why.
        error: engine::Error,
    },
}

/// An open data directory.
pub struct DataDir {
    /// Rows, locks, commit records, region state.
    pub kv: Arc<RocksEngine>,
    /// The raft log.
    pub raft: Arc<RocksEngine>,
    /// The placement driver's state.
    pub pd: Arc<dyn Engine>,
    /// What queries spill.
    pub tmp: PathBuf,
}

impl DataDir {
    /// Opens a directory, or makes one.
    pub fn open(path: &Path, config: &StoreConfig) -> Result<DataDir, Error> {
        let unusable = |error| Error::Unusable { path: path.into(), error };
        std::fs::create_dir_all(path).map_err(unusable)?;
        let kv_options = EngineOptions {
            block_cache_bytes: config.block_cache.0 as usize,
            write_buffer_bytes: config.write_buffer.0 as usize,
            ..EngineOptions::default()
        };
        let pd_options = EngineOptions {
            block_cache_bytes: PD_BUFFER,
            write_buffer_bytes: PD_BUFFER,
            ..EngineOptions::raft()
        };
        // The first one to open holds the lock that keeps another process out.
        let kv = open(path.join("kv"), &kv_options)?;
        let raft = open(path.join("raft"), &EngineOptions::raft())?;
        let pd = open(path.join("pd"), &pd_options)?;
        let tmp = path.join("tmp");
        match std::fs::remove_dir_all(&tmp) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unusable(error));
            }
            _ => std::fs::create_dir_all(&tmp).map_err(unusable)?,
        }
        Ok(DataDir { kv, raft, pd, tmp })
    }
}

fn open(path: PathBuf, options: &EngineOptions) -> Result<Arc<RocksEngine>, Error> {
    match RocksEngine::open(&path, options) {
        Ok(engine) => Ok(Arc::new(engine)),
        Err(error) => Err(Error::Engine { path, error }),
    }
}
