//! The directory everything durable is in.
//!
//! ```text
//! data/TROUPE_DATA  which engines are complete: written when they were there for the first time
//! data/LOCK         held by the process that uses the directory
//! data/kv/          RocksDB: rows, locks, commit records, region state
//! data/raft/        RocksDB: the raft log
//! data/pd/          RocksDB: the placement driver's state
//! data/*/TROUPE_ENGINE  in each of them: which it is
//! data/tmp/         what queries spill; emptied at each start
//! ```
//!
//! A node has the engines of its roles: a store `kv` and `raft`, the placement driver `pd`. They belong together: a raft log without its rows, or rows without the placement driver that gave
//! them their ids, is not a smaller database but a broken one. So once the directory was complete, an engine
//! that is not there is an error, and never made anew. Other files in the directory (`lost+found`, a log) are
//! nobody's business; a `tmp` that is not ours is not emptied.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::descriptors::Descriptors;
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
/// The file in each engine's directory that says which it is.
const ENGINE_NAME: &str = "TROUPE_ENGINE";
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
    /// Its marker is not what a node has written. The operator names another directory, or puts the file back.
    #[error(
        "data directory {} is corrupt: its file {MARKER} is not what a TroupeDB node has written",
        path.display()
    )]
    BadMarker {
        /// The directory.
        path: PathBuf,
    },
    /// An engine's directory holds another engine.
    #[error(
        "data directory {} is corrupt: its directory {name} holds the engine {holds}: were they swapped?",
        path.display()
    )]
    Swapped {
        /// The directory.
        path: PathBuf,
        /// The engine's directory.
        name: &'static str,
        /// What is in it.
        holds: String,
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
        // One that was made before, or by hand; where it is not ours to say, it stays as it is.
        let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
        let needed: BTreeSet<&str> = ENGINES
            .into_iter()
            .filter(|engine| roles.has(if *engine == "pd" { Role::Pd } else { Role::Store }))
            .collect();
        let complete = inspect(path, &needed)?;
        let lock = lock(path)?;
        let files = Descriptors::of_process();
        let kv_options = EngineOptions {
            open_files: files.kv,
            block_cache_bytes: config.block_cache.0 as usize,
            write_buffer_bytes: config.write_buffer.0 as usize,
            ..EngineOptions::default()
        };
        let pd_options = EngineOptions {
            block_cache_bytes: PD_BUFFER,
            write_buffer_bytes: PD_BUFFER,
            open_files: files.pd,
            ..EngineOptions::raft()
        };
        let raft_options = EngineOptions { open_files: files.raft, ..EngineOptions::raft() };
        let store = match roles.has(Role::Store) {
            true => Some(StoreEngines {
                kv: open(path.join("kv"), &kv_options)?,
                raft: open(path.join("raft"), &raft_options)?,
            }),
            false => None,
        };
        let pd: Option<Arc<dyn Engine>> = match roles.has(Role::Pd) {
            true => Some(open(path.join("pd"), &pd_options)?),
            false => None,
        };
        for engine in &needed {
            name_engine(path, engine).map_err(unusable)?;
        }
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
    check_names(path)?;
    let marker = match fs::read(path.join(MARKER)) {
        Ok(marker) => String::from_utf8(marker).unwrap_or_default(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let foreign = path.join("tmp").exists() && !needed.iter().any(is_there);
            return match foreign {
                true => Err(Error::ForeignTmp { path: path.into() }),
                false => Ok(None),
            };
        }
        Err(error) => return Err(Error::Unusable { path: path.into(), error }),
    };
    let listed = marker.lines().find_map(|line| line.strip_prefix(MARKER_ENGINES));
    let mut names = listed.unwrap_or_default().split_whitespace();
    if !marker.starts_with(MARKER_TEXT) || names.any(|name| !ENGINES.contains(&name)) {
        return Err(Error::BadMarker { path: path.into() });
    }
    let complete: BTreeSet<&str> = ENGINES
        .into_iter()
        .filter(|engine| listed.is_none_or(|list| list.split_whitespace().any(|e| e == *engine)))
        .collect();
    match complete.iter().find(|engine| !is_there(engine)) {
        Some(missing) => Err(Error::Incomplete { path: path.into(), missing }),
        None => Ok(Some(complete)),
    }
}

/// Each engine's directory says which engine it is: one that was put in another's place would be opened as that, and be ruined.
fn check_names(path: &Path) -> Result<(), Error> {
    for name in ENGINES {
        let Ok(holds) = fs::read_to_string(path.join(name).join(ENGINE_NAME)) else { continue };
        if holds.trim() != name {
            let holds = holds.trim().to_owned();
            return Err(Error::Swapped { path: path.into(), name, holds });
        }
    }
    Ok(())
}

fn name_engine(path: &Path, engine: &str) -> std::io::Result<()> {
    let file = path.join(engine).join(ENGINE_NAME);
    match file.exists() {
        true => Ok(()),
        false => fs::write(file, format!("{engine}\n")),
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
    fn a_marker_that_nobody_has_written_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(open_at(dir.path()).unwrap());
        let whole = fs::read(dir.path().join(MARKER)).unwrap();
        let other = format!("{MARKER_TEXT}{MARKER_ENGINES} kv rafts pd\n").into_bytes();
        for junk in [&b""[..], b"junk", b"\xff\xfe\x00", &whole[..whole.len() / 3], &other] {
            fs::write(dir.path().join(MARKER), junk).unwrap();
            let said = refused(dir.path());
            assert!(said.contains("its file TROUPE_DATA is not what"), "{said}");
        }
        fs::write(dir.path().join(MARKER), whole).unwrap();
        drop(open_at(dir.path()).unwrap());
    }

    #[test]
    fn engines_in_each_others_places_are_refused_by_name() {
        for (one, other) in [("kv", "raft"), ("raft", "pd"), ("kv", "pd")] {
            let dir = tempfile::tempdir().unwrap();
            drop(open_at(dir.path()).unwrap());
            let [a, b, c] = [one, other, "aside"].map(|name| dir.path().join(name));
            for (from, to) in [(&a, &c), (&b, &a), (&c, &b)] {
                fs::rename(from, to).unwrap();
            }
            let said = refused(dir.path());
            assert!(
                said.contains(&format!("its directory {one} holds the engine {other}")),
                "{said}"
            );
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
