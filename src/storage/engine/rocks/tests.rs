//! What only the engine on disk can do wrong: opening directories it should not open. What every engine must do
//! is in the conformance suite.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::directory::FORMAT;
use super::*;

fn open(path: &Path) -> Result<RocksEngine> {
    RocksEngine::open(path, &EngineOptions::default())
}

/// The error of an open that must fail.
fn refused(path: &Path) -> Error {
    open(path).err().expect("the directory must be refused")
}

fn put(engine: &RocksEngine, key: &str) {
    let mut batch = WriteBatch::new();
    batch.put(Cf::Default, key, "value");
    engine.write(batch, true).unwrap();
}

fn has(engine: &RocksEngine, key: &str) -> bool {
    engine.get(Cf::Default, key.as_bytes()).unwrap().is_some()
}

/// Every file that holds data, and its content. RocksDB's text log and lock file hold none.
fn data_files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| !name.starts_with("LOG") && name != "LOCK")
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

/// A directory with data in files and in the log, closed.
fn closed_database() -> TempDir {
    let directory = TempDir::new().unwrap();
    let engine = open(directory.path()).unwrap();
    put(&engine, "in a file");
    engine.database.db().flush_cf(engine.database.family(Cf::Default)).unwrap();
    put(&engine, "in the log");
    directory
}

fn find(path: &Path, part: &str) -> std::path::PathBuf {
    let name = data_files(path).into_keys().find(|name| name.contains(part)).unwrap();
    path.join(name)
}

#[test]
fn a_locked_directory_is_refused() {
    let directory = TempDir::new().unwrap();
    let engine = open(directory.path()).unwrap();
    let error = refused(directory.path());
    assert!(matches!(&error, Error::Locked(path) if path == directory.path()), "{error}");
    let snapshot = engine.snapshot();
    drop(engine);
    assert!(matches!(refused(directory.path()), Error::Locked(_)), "a snapshot keeps it open");
    drop(snapshot);
    open(directory.path()).unwrap();
}

#[test]
fn another_format_is_refused_by_name() {
    let directory = closed_database();
    let file = directory.path().join("TROUPE_FORMAT");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&format!("format {FORMAT}"), "format 77")).unwrap();
    let before = data_files(directory.path());
    let error = refused(directory.path()).to_string();
    assert!(error.ends_with("has format version 77; this program reads version 1"), "{error}");
    assert_eq!(data_files(directory.path()), before);
}

#[test]
fn somebody_elses_directory_is_refused() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("thesis.tex"), "important").unwrap();
    assert!(matches!(refused(directory.path()), Error::NotADatabase(_)));
    assert_eq!(data_files(directory.path()).len(), 1);
}

#[test]
fn damage_is_refused_and_left_alone() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("no CURRENT", |path| fs::remove_file(path.join("CURRENT")).unwrap()),
        ("no manifest", |path| fs::remove_file(find(path, "MANIFEST")).unwrap()),
        ("no table", |path| fs::remove_file(find(path, ".sst")).unwrap()),
        ("manifest overwritten", |path| {
            let manifest = find(path, "MANIFEST");
            let len = fs::metadata(&manifest).unwrap().len();
            fs::write(manifest, vec![0x5A; len as usize]).unwrap();
        }),
        ("format unreadable", |path| fs::write(path.join("TROUPE_FORMAT"), [0xFF, 0]).unwrap()),
    ];
    for (name, damage) in damages {
        let directory = closed_database();
        damage(directory.path());
        let before = data_files(directory.path());
        let error = refused(directory.path());
        assert!(matches!(error, Error::Corruption(_)), "{name}: {error:?}");
        assert_eq!(data_files(directory.path()), before, "{name}");
    }
}

#[test]
fn a_hole_in_a_strict_log_is_refused() {
    let directory = TempDir::new().unwrap();
    let options = EngineOptions::raft();
    let engine = RocksEngine::open(directory.path(), &options).unwrap();
    for key in ["first", "second", "third"] {
        put(&engine, key);
    }
    drop(engine);
    let log = find(directory.path(), ".log");
    let mut bytes = fs::read(&log).unwrap();
    let whole = bytes.clone();
    let middle = bytes.windows(6).position(|window| window == b"second").unwrap();
    bytes[middle] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let error = RocksEngine::open(directory.path(), &options).err().unwrap();
    assert!(matches!(error, Error::Corruption(_)), "{error:?}");
    // An unfinished last record was never acknowledged; the records before it count.
    let log = find(directory.path(), ".log");
    fs::write(&log, &whole[..whole.len() - 3]).unwrap();
    let engine = RocksEngine::open(directory.path(), &options).unwrap();
    assert!(has(&engine, "first") && has(&engine, "second") && !has(&engine, "third"));
}

#[test]
fn an_interrupted_creation_goes_on() {
    let directory = TempDir::new().unwrap();
    assert_eq!(directory::inspect(directory.path()).unwrap(), Content::New);
    fs::write(directory.path().join(format!("{TEMPORARY}7.sst")), "left over").unwrap();
    let engine = open(directory.path()).unwrap();
    put(&engine, "key");
    drop(engine);
    assert!(data_files(directory.path()).keys().all(|name| !name.starts_with(TEMPORARY)));
    assert_eq!(directory::inspect(directory.path()).unwrap(), Content::Complete);
    assert!(has(&open(directory.path()).unwrap(), "key"));
}

#[test]
fn ingestion_leaves_no_file_behind() {
    let directory = TempDir::new().unwrap();
    let engine = open(directory.path()).unwrap();
    let pair = |key: u8| (vec![key], vec![key]);
    engine.ingest(Cf::Write, &mut [1, 2].map(pair).into_iter()).unwrap();
    assert!(engine.ingest(Cf::Write, &mut [2, 1].map(pair).into_iter()).is_err());
    assert!(data_files(directory.path()).keys().all(|name| !name.starts_with(TEMPORARY)));
}

#[test]
fn an_idle_instance_is_small() {
    let directory = TempDir::new().unwrap();
    let engine = open(directory.path()).unwrap();
    put(&engine, "key");
    let usage = engine.memory_usage().unwrap();
    assert!(usage.write_buffers < 8 << 20 && usage.block_cache < 1 << 20, "{usage:?}");
    assert!(usage.write_buffers > 0);
}

#[test]
fn the_disk_says_how_full_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    let disk = engine.disk_space().unwrap();
    assert!(disk.available > 0 && disk.available <= disk.capacity, "{disk:?}");
}
