//! The directory everything durable is in.
//!
//! ```text
//! data/TROUPE_DATA  which engines are complete: written when they were there for the first time
//! data/LOCK         held by the process that uses the directory
//! data/kv/          RocksDB: rows, locks, commit records, region state
//! data/raft/        RocksDB: the raft log
//! data/pd/          RocksDB: the placement driver's state
//! data/tmp/         what queries spill; emptied at each start
//! ```
//!
//! A node has the engines of its roles: a store `kv` and `raft`, the placement driver `pd`. They belong together: a raft log without its rows, or rows without the placement driver that gave
//! them their ids, is not a smaller database but a broken one. So once the directory was complete, an engine
//! that is not there is an error, and never made anew. Other files in the directory (`lost+found`, a log) are
//! nobody's business; a `tmp` that is not ours is not emptied.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Role, Roles, StoreConfig};
use crate::storage::engine::{self, Engine, EngineOptions, RocksEngine};
use crate::storage::region::StoreIdent;
use crate::storage::region::state::load_ident;

/// The file that says that the directory was complete once.
const MARKER: &str = "TROUPE_DATA";
/// What it says, for people, before it names the engines.
const MARKER_TEXT: &str =
    "This is the data directory of a TroupeDB node. Its parts belong together.\n";
/// How the line with the engines begins. Without it, all of them are complete.
const MARKER_ENGINES: &str = "engines:";
/// The engines that may be in it.
const ENGINES: [&str; 3] = ["kv", "raft", "pd"];
/// The file that keeps a second process out.
const LOCK: &str = "LOCK";

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
    /// Another process uses it.
    #[error("data directory {} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
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
    /// Of a store.
    pub store: Option<StoreEngines>,
    /// The placement driver's state, on a node that runs it.
    pub pd: Option<Arc<dyn Engine>>,
    /// What queries spill.
    pub tmp: PathBuf,
    /// Held as long as the directory is in use.
    _lock: File,
}

/// The engines of a store.
pub struct StoreEngines {
    /// Rows, locks, commit records, region state.
    pub kv: Arc<RocksEngine>,
    /// The raft log.
    pub raft: Arc<RocksEngine>,
}

impl DataDir {
    /// Which store this is and of which cluster, if there is one and it has begun.
    pub fn ident(&self) -> engine::Result<Option<StoreIdent>> {
        self.store.as_ref().map_or(Ok(None), |engines| load_ident(&*engines.kv))
    }

    /// Opens a directory, or makes one, with the engines that the roles need.
    pub fn open(path: &Path, roles: &Roles, config: &StoreConfig) -> Result<DataDir, Error> {
        let unusable = |error| Error::Unusable { path: path.into(), error };
        fs::create_dir_all(path).map_err(unusable)?;
        let needed: BTreeSet<&str> = ENGINES
            .into_iter()
            .filter(|engine| roles.has(if *engine == "pd" { Role::Pd } else { Role::Store }))
            .collect();
        let complete = inspect(path, &needed)?;
        let lock = lock(path)?;
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
        let store = match roles.has(Role::Store) {
            true => Some(StoreEngines {
                kv: open(path.join("kv"), &kv_options)?,
                raft: open(path.join("raft"), &EngineOptions::raft())?,
            }),
            false => None,
        };
        let pd: Option<Arc<dyn Engine>> = match roles.has(Role::Pd) {
            true => Some(open(path.join("pd"), &pd_options)?),
            false => None,
        };
        if !complete.as_ref().is_some_and(|complete| needed.is_subset(complete)) {
            let all = complete.into_iter().flatten().chain(needed).collect();
            mark_complete(path, &all).map_err(unusable)?;
        }
        let tmp = path.join("tmp");
        empty(&tmp).map_err(unusable)?;
        Ok(DataDir { store, pd, tmp, _lock: lock })
    }
}

/// The engines that were complete before; `None` if the directory is new, or the first start did not end. Fails, having
/// touched nothing, if one is not there any more.
fn inspect(path: &Path, needed: &BTreeSet<&str>) -> Result<Option<BTreeSet<&'static str>>, Error> {
    let is_there = |engine: &&str| path.join(engine).is_dir();
    let Ok(marker) = fs::read_to_string(path.join(MARKER)) else {
        let foreign = path.join("tmp").exists() && !needed.iter().any(is_there);
        return match foreign {
            true => Err(Error::ForeignTmp { path: path.into() }),
            false => Ok(None),
        };
    };
    let listed = marker.lines().find_map(|line| line.strip_prefix(MARKER_ENGINES));
    let complete: BTreeSet<&str> = ENGINES
        .into_iter()
        .filter(|engine| listed.is_none_or(|list| list.split_whitespace().any(|e| e == *engine)))
        .collect();
    match complete.iter().find(|engine| !is_there(engine)) {
        Some(missing) => Err(Error::Incomplete { path: path.into(), missing }),
        None => Ok(Some(complete)),
    }
}

/// Keeps other processes out, as long as the file is open.
fn lock(path: &Path) -> Result<File, Error> {
    let unusable = |error| Error::Unusable { path: path.into(), error };
    let file = File::options().create(true).append(true).open(path.join(LOCK)).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.into() }),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Survives a crash of the machine: the engines are durable when this is written.
fn mark_complete(path: &Path, engines: &BTreeSet<&str>) -> std::io::Result<()> {
    let engines: Vec<&str> = engines.iter().copied().collect();
    let new = path.join(format!("{MARKER}.new"));
    let mut file = File::create(&new)?;
    writeln!(file, "{MARKER_TEXT}{MARKER_ENGINES} {}", engines.join(" "))?;
    file.sync_all()?;
    fs::rename(new, path.join(MARKER))?;
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
        DataDir::open(path, &Roles::all(), &StoreConfig::default())
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
    fn a_directory_has_the_engines_of_its_roles() {
        let dir = tempfile::tempdir().unwrap();
        let open_as = |roles: &str| {
            DataDir::open(dir.path(), &Roles::parse(roles).unwrap(), &StoreConfig::default())
        };
        drop(open_as("sql").unwrap());
        assert!(ENGINES.iter().all(|engine| !dir.path().join(engine).exists()));
        let store = open_as("store").unwrap();
        assert!(store.store.is_some() && store.pd.is_none());
        let said = open_as("store").err().unwrap().to_string();
        assert!(said.contains("in use by another process"), "{said}");
        drop(store);
        drop(open_as("store,pd").unwrap());
        // What was complete once is missed in every role.
        fs::remove_dir_all(dir.path().join("pd")).unwrap();
        let said = open_as("store").err().unwrap().to_string();
        assert!(said.contains("its directory pd is gone"), "{said}");
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
