//! What only the engine on disk can do wrong: opening directories it should not open. What every engine must do
//! is in the conformance suite.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::directory::FORMAT;
use super::tail::{Tail, tail};
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
    let said = format!("has format version 77; this program reads version {FORMAT}");
    assert!(error.ends_with(&said), "{error}");
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

/// A strict engine's directory with these values in its log, each one record.
fn closed_log(values: &[Vec<u8>]) -> TempDir {
    let directory = TempDir::new().unwrap();
    let engine = RocksEngine::open(directory.path(), &EngineOptions::raft()).unwrap();
    for (number, value) in values.iter().enumerate() {
        let mut batch = WriteBatch::new();
        batch.put(Cf::Raft, [number as u8], value.clone());
        engine.write(batch, true).unwrap();
    }
    directory
}

/// The log's bytes, and where its last record begins.
fn last_record(directory: &Path) -> (std::path::PathBuf, Vec<u8>, usize) {
    let log = find(directory, ".log");
    let bytes = fs::read(&log).unwrap();
    assert_eq!(tail(&bytes), Tail::Whole);
    let Tail::Torn(last) = tail(&bytes[..bytes.len() - 1]) else { panic!("the last is not cut") };
    (log, bytes, last)
}

/// Every way a power cut may leave a record of which the bytes from `cut` on did not come.
fn left(whole: &[u8], cut: usize) -> [Vec<u8>; 3] {
    let short = whole[..cut].to_vec();
    let mut zeros = short.clone();
    zeros.resize(whole.len(), 0);
    let mut longer = short.clone();
    longer.resize(whole.len() + 70_000, 0);
    [short, zeros, longer]
}

#[test]
fn a_record_is_torn_wherever_it_is_cut() {
    // The last record is short, ends with zeros, goes over the end of a block, over several, ends with a block.
    let sizes = [(10, 200), (10, 0), (32_500, 700), (100, 90_000), (32_600, 40)];
    for (before, size) in sizes {
        let value = |len: usize| vec![7; len].into_iter().chain([0; 9]).collect::<Vec<u8>>();
        let directory = closed_log(&[value(before), value(size)]);
        let (_, whole, last) = last_record(directory.path());
        let step = 1 + (whole.len() - last) / 1000;
        for cut in (last + 1..whole.len()).step_by(step).chain(whole.len() - 20..whole.len()) {
            for bytes in left(&whole, cut) {
                if bytes[..cut] == whole[..] || bytes.starts_with(&whole) {
                    continue;
                }
                assert_eq!(tail(&bytes), Tail::Torn(last), "{before} {size}: cut at {cut}");
            }
        }
    }
}

#[test]
fn a_flipped_byte_is_never_a_torn_record() {
    let values = [vec![1; 40], vec![0; 40], vec![3; 40]];
    let directory = closed_log(&values);
    let (_, whole, _) = last_record(directory.path());
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(matches!(tail(&bytes), Tail::Damaged(_)), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn what_was_never_acknowledged_is_cut_off_and_what_was_is_kept() {
    let options = EngineOptions::raft();
    let values = [vec![1; 300], vec![2; 50_000], vec![3; 3000]];
    let directory = closed_log(&values);
    let (_, whole, last) = last_record(directory.path());
    for cut in [last + 1, last + 5, last + 7, last + 1500, whole.len() - 1] {
        for bytes in left(&whole, cut) {
            let directory = closed_log(&values);
            fs::write(find(directory.path(), ".log"), bytes).unwrap();
            for _ in 0..2 {
                let engine = RocksEngine::open(directory.path(), &options).unwrap();
                let values = [0, 1, 2].map(|key| engine.get(Cf::Raft, &[key]).unwrap());
                assert_eq!(values, [Some(vec![1; 300]), Some(vec![2; 50_000]), None], "{cut}");
            }
        }
    }
    // An acknowledged record is never given up, the last one neither.
    for at in [last + 2, last + 4, last + 5, last + 6, last + 100, whole.len() - 1] {
        let directory = closed_log(&values);
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(find(directory.path(), ".log"), bytes).unwrap();
        let error = RocksEngine::open(directory.path(), &options).err().unwrap();
        assert!(matches!(error, Error::Corruption(_)), "{at}: {error:?}");
    }
}

#[test]
fn a_torn_manifest_loses_only_what_was_never_installed() {
    for cut in [1, 3, 20] {
        for form in 0..3 {
            let directory = closed_database();
            drop(open(directory.path()).unwrap());
            let manifest = find(directory.path(), "MANIFEST");
            let mut whole = fs::read(&manifest).unwrap();
            let len = whole.len();
            // One more record that was not finished: the last one once more.
            let Tail::Torn(last) = tail(&whole[..len - 1]) else { panic!("it has no last record") };
            whole.extend_from_within(last..);
            let cut = (len + cut).min(whole.len() - 1);
            fs::write(&manifest, &left(&whole, cut)[form]).unwrap();
            let engine = open(directory.path()).unwrap();
            assert!(has(&engine, "in a file") && has(&engine, "in the log"), "{cut} {form}");
        }
    }
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
fn what_was_deleted_gives_its_space_back() {
    let directory = TempDir::new().unwrap();
    let engine = open(directory.path()).unwrap();
    let value: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let key = |at: u32| [b"k".as_slice(), &at.to_be_bytes()].concat();
    for at in 0..200 {
        let mut batch = WriteBatch::new();
        batch.put(Cf::Default, key(at), value.clone());
        engine.write(batch, false).unwrap();
    }
    engine.compact(Cf::Default, b"", b"z").unwrap();
    let size = || engine.approximate_size(Cf::Default, &key(0), &key(200)).unwrap();
    let before = size();
    let (start, end) = (key(10), key(190));
    let mut batch = WriteBatch::new();
    batch.delete_range(Cf::Default, start.clone(), end.clone());
    engine.write(batch, false).unwrap();
    engine.reclaim(Cf::Default, &start, &end).unwrap();
    let after = size();
    assert!(after < before / 4, "{before} bytes have become {after}");
    for at in 0..200 {
        let is_there = engine.get(Cf::Default, &key(at)).unwrap().is_some();
        assert_eq!(is_there, !(10..190).contains(&at), "{at}");
    }
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

#[test]
fn values_that_are_deleted_give_their_space_back() {
    let directory = TempDir::new().unwrap();
    let engine = open(directory.path()).unwrap();
    let mut seed = 1_u32;
    let mut batch = WriteBatch::new();
    for number in 0..400 {
        // Not to be compressed.
        let value: Vec<u8> = (0..4096)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        batch.put(Cf::Default, format!("{number:04}"), value);
    }
    engine.write(batch, false).unwrap();
    engine.database.db().flush_cf(engine.database.family(Cf::Default)).unwrap();
    let size = || engine.approximate_size(Cf::Default, b"", b"z").unwrap();
    let before = size();
    let delete = |numbers: std::ops::Range<u32>| {
        let mut batch = WriteBatch::new();
        numbers.for_each(|number| batch.delete(Cf::Default, format!("{number:04}")));
        engine.write(batch, false).unwrap();
    };
    delete(0..90);
    assert_eq!(engine.tidy(Cf::Default).unwrap(), 0, "it would be too much for too little");
    delete(60..200);
    assert_eq!(engine.tidy(Cf::Default).unwrap(), 1);
    assert!(size() < before * 6 / 10, "{} of {before}", size());
    assert_eq!(engine.tidy(Cf::Default).unwrap(), 0);
    assert!(has(&engine, "0200") && !has(&engine, "0199"));
}

#[test]
fn a_part_of_the_cache_holds_a_filter() {
    let parts = [16 << 20, 64 << 20, 256 << 20, 1 << 30, 4 << 30, 1 << 40].map(super::cache_parts);
    assert_eq!(parts, [0, 0, 2, 4, 6, 6]);
}
