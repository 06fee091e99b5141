//! The directory of an engine: whose it is, and which format it has.
//!
//! RocksDB would make a new database out of whatever it does not find, so a lost file could look like an empty
//! store. A file of our own says more: it names the format, and whether the database was ever complete. It is
//! written before RocksDB's first file and once more, by an atomic rename, when the database is open.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::storage::engine::{Error, Result};

/// The format this program reads and writes: of the directory, of keys and of values.
pub(super) const FORMAT: u32 = 2;
const FILE: &str = "TROUPE_FORMAT";
const TITLE: &str = "troupedb engine format";
const CREATING: &str = "creating";
const READY: &str = "ready";
/// What temporary files start with; leftovers are removed when the engine opens.
pub(super) const TEMPORARY: &str = "troupe-tmp-";

/// What is in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing that anybody relies on: it was empty, or its creation was cut short.
    New,
    /// A database that was complete once, and must be now.
    Complete,
}

/// Finds out what is in a directory, and claims an absent or empty one.
pub(super) fn inspect(directory: &Path) -> Result<Content> {
    fs::create_dir_all(directory).map_err(|error| failed("create", directory, &error))?;
    match fs::read_to_string(directory.join(FILE)) {
        Ok(text) => parse(directory, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut entries =
                fs::read_dir(directory).map_err(|error| failed("read", directory, &error))?;
            if entries.next().is_some() {
                return Err(Error::NotADatabase(directory.to_owned()));
            }
            mark(directory, CREATING)?;
            Ok(Content::New)
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(unreadable(directory)),
        Err(error) => Err(failed("read", &directory.join(FILE), &error)),
    }
}

/// Records that the database in a directory is complete.
pub(super) fn mark_ready(directory: &Path) -> Result<()> {
    mark(directory, READY)
}

/// Removes what an interrupted ingestion left. Only for the owner of the directory's lock.
pub(super) fn remove_temporary_files(directory: &Path) -> Result<()> {
    let remove = || {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().map_err(|error: io::Error| failed("clean", directory, &error))
}

fn parse(directory: &Path, text: &str) -> Result<Content> {
    let (format, state) = text
        .strip_prefix(TITLE)
        .and_then(|rest| rest.split_once('\n'))
        .and_then(|(format, state)| Some((format.trim().parse().ok()?, state.trim())))
        .ok_or_else(|| unreadable(directory))?;
    if format != FORMAT {
        let path = directory.to_owned();
        return Err(Error::Version { path, found: format, expected: FORMAT });
    }
    match state {
        CREATING => Ok(Content::New),
        READY => Ok(Content::Complete),
        _ => Err(unreadable(directory)),
    }
}

/// Replaces the file in one step that survives a crash.
fn mark(directory: &Path, state: &str) -> Result<()> {
    let temporary = directory.join(format!("{TEMPORARY}format"));
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(format!("{TITLE} {FORMAT}\n{state}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, directory.join(FILE))?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|error| failed("write", &directory.join(FILE), &error))
}

fn unreadable(directory: &Path) -> Error {
    Error::Corruption(format!("{} is not readable", directory.join(FILE).display()))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::Io(format!("cannot {what} {}: {error}", path.display()))
}

/// A file that is gone when the value is.
pub(super) struct TemporaryFile(pub(super) PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // RocksDB may have moved it away; what stays is removed at the next start.
        let _ = fs::remove_file(&self.0);
    }
}
