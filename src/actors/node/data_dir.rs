//! The directory everything durable is in.
//!
//! ```text
//! data/TROUPE_DATA  written when all that follows was there for the first time
//! data/kv/          RocksDB: rows, locks, commit records, region state
//! data/raft/        RocksDB: the raft log
//! data/pd/          RocksDB: the placement driver's state
//! data/tmp/         what queries spill; emptied at each start
//! ```
//!
//! The engines belong together: a raft log without its rows, or rows without the placement driver that gave
//! them their ids, is not a smaller database but a broken one. So once the directory was complete, an engine
//! that is not there is an error, and never made anew. Other files in the directory (`lost+found`, a log) are
//! nobody's business; a `tmp` that is not ours is not emptied.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::StoreConfig;
use crate::storage::engine::{self, Engine, EngineOptions, RocksEngine};

/// The file that says that the directory was complete once.
const MARKER: &str = "TROUPE_DATA";
/// What it says, for people; its being there is what counts.
const MARKER_TEXT: &str =
    "This is the data directory of a TroupeDB node. Its parts belong together.\n";
/// The engines in it.
const ENGINES: [&str; 3] = ["kv", "raft", "pd"];

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
    /// Something that was there is not there any more. The operator puts it back.
    #[error("data directory {} is corrupt: its directory {missing} is gone", path.display())]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// The engine that is not there.
        missing: &'static str,
    },
    /// It would be emptied at each start. The operator names another directory.
    #[error("data directory {} is not TroupeDB's, and holds a directory tmp", path.display())]
    ForeignTmp {
        /// The directory.
        path: PathBuf,
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
        fs::create_dir_all(path).map_err(unusable)?;
        let complete = inspect(path)?;
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
        if !complete {
            mark_complete(path).map_err(unusable)?;
        }
        let tmp = path.join("tmp");
        empty(&tmp).map_err(unusable)?;
        Ok(DataDir { kv, raft, pd, tmp })
    }
}

/// Whether the directory was complete before. Fails, having touched nothing, if it is not any more.
fn inspect(path: &Path) -> Result<bool, Error> {
    let missing = ENGINES.into_iter().find(|engine| !path.join(engine).is_dir());
    match missing {
        Some(missing) if path.join(MARKER).exists() => {
            Err(Error::Incomplete { path: path.into(), missing })
        }
        Some("kv") if path.join("tmp").exists() => Err(Error::ForeignTmp { path: path.into() }),
        _ => Ok(path.join(MARKER).exists()),
    }
}

/// Survives a crash of the machine: the engines are durable when this is written.
fn mark_complete(path: &Path) -> std::io::Result<()> {
    let mut file = File::create(path.join(MARKER))?;
    file.write_all(MARKER_TEXT.as_bytes())?;
    file.sync_all()?;
    File::open(path)?.sync_all()
}

fn empty(directory: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(directory),
    }
}

fn open(path: PathBuf, options: &EngineOptions) -> Result<Arc<RocksEngine>, Error> {
    match RocksEngine::open(&path, options) {
        Ok(engine) => Ok(Arc::new(engine)),
        Err(error) => Err(Error::Engine { path, error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_at(path: &Path) -> Result<DataDir, Error> {
        DataDir::open(path, &StoreConfig::default())
    }

    /// What it says when it is refused; and that nothing in it has changed.
    fn refused(path: &Path) -> String {
        let names = || {
            let entries = fs::read_dir(path).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = names();
        let error = open_at(path).err().expect("it is refused").to_string();
        assert_eq!(names(), before, "something was made or removed");
        error
    }

    #[test]
    fn what_was_complete_once_is_not_made_anew() {
        for engine in ENGINES {
            let dir = tempfile::tempdir().unwrap();
            drop(open_at(dir.path()).unwrap());
            drop(open_at(dir.path()).unwrap());
            fs::remove_dir_all(dir.path().join(engine)).unwrap();
            let said = refused(dir.path());
            assert!(said.contains(&format!("its directory {engine} is gone")), "{said}");
        }
    }

    #[test]
    fn an_interrupted_first_start_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        drop(open_at(dir.path()).unwrap());
        fs::remove_file(dir.path().join(MARKER)).unwrap();
        fs::remove_dir_all(dir.path().join("pd")).unwrap();
        drop(open_at(dir.path()).unwrap());
        assert!(dir.path().join(MARKER).exists());
    }

    #[test]
    fn only_its_own_spilled_files_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("lost+found")).unwrap();
        fs::create_dir(dir.path().join("tmp")).unwrap();
        fs::write(dir.path().join("tmp/theirs"), "dear to somebody").unwrap();
        let said = refused(dir.path());
        assert!(said.contains("holds a directory tmp"), "{said}");
        fs::remove_dir_all(dir.path().join("tmp")).unwrap();

        let data = open_at(dir.path()).unwrap();
        fs::write(data.tmp.join("spilled"), "old").unwrap();
        drop(data);
        let data = open_at(dir.path()).unwrap();
        assert_eq!(fs::read_dir(&data.tmp).unwrap().count(), 0);
        assert!(dir.path().join("lost+found").exists());
    }
}
