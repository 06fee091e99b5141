//! What every engine must do, run against each implementation.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{
    Cf, Cursor, Engine, EngineOptions, Error, IterOptions, LocksInMemory, MemoryEngine, Reader,
    RocksEngine, WriteBatch, WriteOp,
};
use crate::storage::mvcc::{HotBudget, HotVersions};

/// An implementation under test.
trait Subject {
    type Engine: Engine;
    /// The engine, open.
    fn engine(&self) -> &Self::Engine;
    /// Ends the process and starts it again on the same disk.
    fn reopen(&mut self);
    /// Where a checkpoint may go, and an engine opened on what is there.
    fn with_checkpoint(&self, check: impl FnOnce(&dyn Engine));
}

struct Memory(MemoryEngine);

impl Subject for Memory {
    type Engine = MemoryEngine;

    fn engine(&self) -> &MemoryEngine {
        &self.0
    }

    fn reopen(&mut self) {
        self.0 = self.0.clone();
    }

    fn with_checkpoint(&self, check: impl FnOnce(&dyn Engine)) {
        let path = Path::new("checkpoint");
        self.0.checkpoint(path).unwrap();
        assert!(matches!(self.0.checkpoint(path), Err(Error::AlreadyExists(_))));
        let copy = self.0.open_checkpoint(path).unwrap();
        put(&self.0, "after", "x");
        check(&copy);
    }
}

struct WithLocks {
    disk: MemoryEngine,
    engine: LocksInMemory,
}

impl WithLocks {
    fn new(disk: MemoryEngine) -> WithLocks {
        let engine = LocksInMemory::load(Arc::new(disk.clone())).unwrap();
        WithLocks { disk, engine }
    }
}

impl Subject for WithLocks {
    type Engine = LocksInMemory;

    fn engine(&self) -> &LocksInMemory {
        &self.engine
    }

    fn reopen(&mut self) {
        *self = WithLocks::new(self.disk.clone());
    }

    fn with_checkpoint(&self, check: impl FnOnce(&dyn Engine)) {
        let path = Path::new("checkpoint");
        self.engine.checkpoint(path).unwrap();
        let copy = self.disk.open_checkpoint(path).unwrap();
        put(&self.engine, "after", "x");
        check(&LocksInMemory::load(Arc::new(copy)).unwrap());
    }
}

struct WithHot {
    disk: MemoryEngine,
    engine: HotVersions,
}

impl WithHot {
    fn new(disk: MemoryEngine) -> WithHot {
        let engine = HotVersions::new(Arc::new(disk.clone()), HotBudget::default());
        WithHot { disk, engine }
    }
}

impl Subject for WithHot {
    type Engine = HotVersions;

    fn engine(&self) -> &HotVersions {
        &self.engine
    }

    fn reopen(&mut self) {
        *self = WithHot::new(self.disk.clone());
    }

    fn with_checkpoint(&self, check: impl FnOnce(&dyn Engine)) {
        let path = Path::new("checkpoint");
        self.engine.checkpoint(path).unwrap();
        let copy = self.disk.open_checkpoint(path).unwrap();
        put(&self.engine, "after", "x");
        check(&HotVersions::new(Arc::new(copy), HotBudget::default()));
    }
}

struct Rocks {
    directory: TempDir,
    engine: Option<RocksEngine>,
}

impl Rocks {
    fn new() -> Rocks {
        let directory = TempDir::new().unwrap();
        let mut rocks = Rocks { directory, engine: None };
        rocks.reopen();
        rocks
    }

    fn open(path: &Path) -> RocksEngine {
        RocksEngine::open(path, &EngineOptions::default()).unwrap()
    }
}

impl Subject for Rocks {
    type Engine = RocksEngine;

    fn engine(&self) -> &RocksEngine {
        self.engine.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.engine = None;
        self.engine = Some(Rocks::open(&self.directory.path().join("data")));
    }

    fn with_checkpoint(&self, check: impl FnOnce(&dyn Engine)) {
        let path = self.directory.path().join("checkpoint");
        self.engine().checkpoint(&path).unwrap();
        assert!(matches!(self.engine().checkpoint(&path), Err(Error::AlreadyExists(_))));
        put(self.engine(), "after", "x");
        check(&Rocks::open(&path));
    }
}

/// The family most cases work on: the one an implementation may treat in a way of its own.
const FAMILY: Cf = Cf::Lock;

fn put(engine: &dyn Engine, key: &str, value: &str) {
    let mut batch = WriteBatch::new();
    batch.put(FAMILY, key, value);
    engine.write(batch, false).unwrap();
}

fn get(reader: &(impl Reader + ?Sized), key: &str) -> Option<String> {
    let value = reader.get(FAMILY, key.as_bytes()).unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

fn fill(engine: &dyn Engine, keys: &[&str]) {
    for key in keys {
        put(engine, key, &format!("value of {key}"));
    }
}

fn bounds(lower: Option<&str>, upper: Option<&str>) -> IterOptions {
    IterOptions {
        lower: lower.map(Into::into),
        upper: upper.map(Into::into),
        ..IterOptions::default()
    }
}

fn key_of(cursor: &dyn Cursor) -> String {
    String::from_utf8(cursor.key().to_vec()).unwrap()
}

/// Every key from the present position on.
fn forward(cursor: &mut dyn Cursor) -> String {
    let mut keys = Vec::new();
    while cursor.valid() {
        keys.push(key_of(cursor));
        cursor.next().unwrap();
    }
    keys.join(" ")
}

/// Every key from the present position back.
fn backward(cursor: &mut dyn Cursor) -> String {
    let mut keys = Vec::new();
    while cursor.valid() {
        keys.push(key_of(cursor));
        cursor.prev().unwrap();
    }
    keys.join(" ")
}

fn all(reader: &(impl Reader + ?Sized), options: IterOptions) -> String {
    let mut cursor = reader.cursor(FAMILY, options).unwrap();
    cursor.seek_to_first().unwrap();
    forward(&mut *cursor)
}

fn column_families_are_apart(subject: &mut impl Subject) {
    let engine = subject.engine();
    for cf in Cf::ALL {
        let mut batch = WriteBatch::new();
        batch.put(cf, "k", cf.name());
        engine.write(batch, false).unwrap();
    }
    for cf in Cf::ALL {
        assert_eq!(engine.get(cf, b"k").unwrap().as_deref(), Some(cf.name().as_bytes()));
        assert_eq!(engine.get(cf, b"absent").unwrap(), None);
    }
}

fn batches_apply_in_order(subject: &mut impl Subject) {
    let engine = subject.engine();
    put(engine, "kept", "old");
    let mut batch = WriteBatch::new();
    batch.put(FAMILY, "a", "1");
    batch.delete(FAMILY, "a");
    batch.put(FAMILY, "a", "2");
    batch.put(FAMILY, "b", "1");
    batch.delete_range(FAMILY, "a", "c");
    batch.put(FAMILY, "b", "");
    batch.delete(FAMILY, "never there");
    engine.write(batch, true).unwrap();
    assert_eq!(get(engine, "a"), None);
    assert_eq!(get(engine, "b").as_deref(), Some(""));
    assert_eq!(get(engine, "kept").as_deref(), Some("old"));
    engine.write(WriteBatch::new(), true).unwrap();
}

fn snapshots_do_not_change(subject: &mut impl Subject) {
    let engine = subject.engine();
    fill(engine, &["a", "b", "c"]);
    let snapshot = engine.snapshot();
    let mut cursor = engine.cursor(FAMILY, IterOptions::default()).unwrap();
    let mut batch = WriteBatch::new();
    batch.put(FAMILY, "a", "new");
    batch.delete(FAMILY, "b");
    batch.put(FAMILY, "d", "new");
    engine.write(batch, false).unwrap();
    engine.compact(FAMILY, b"", b"z").unwrap();

    assert_eq!(get(&*snapshot, "a").as_deref(), Some("value of a"));
    assert_eq!(get(&*snapshot, "b").as_deref(), Some("value of b"));
    assert_eq!(all(&*snapshot, IterOptions::default()), "a b c");
    cursor.seek_to_first().unwrap();
    assert_eq!(cursor.value(), b"value of a", "a cursor sees the state of its creation");
    assert_eq!(forward(&mut *cursor), "a b c");
    assert_eq!(get(engine, "a").as_deref(), Some("new"));
    assert_eq!(all(engine, IterOptions::default()), "a c d");
    let second = engine.snapshot();
    drop(snapshot);
    put(engine, "e", "new");
    assert_eq!(all(&*second, IterOptions::default()), "a c d");
}

fn snapshots_outlive_the_engine_handle(subject: &mut impl Subject) {
    fill(subject.engine(), &["a"]);
    let snapshot = subject.engine().snapshot();
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(get(&*snapshot, "a").as_deref(), Some("value of a")));
    });
}

fn cursors_move_both_ways(subject: &mut impl Subject) {
    let engine = subject.engine();
    fill(engine, &["a", "c", "e"]);
    let mut cursor = engine.cursor(FAMILY, IterOptions::default()).unwrap();
    assert!(!cursor.valid(), "a new cursor is invalid");
    assert!(!cursor.next().unwrap());
    assert!(!cursor.prev().unwrap());
    assert!(cursor.seek(b"b").unwrap());
    assert_eq!(key_of(&*cursor), "c");
    assert_eq!(cursor.value(), b"value of c");
    assert!(cursor.prev().unwrap());
    assert_eq!(key_of(&*cursor), "a");
    assert!(cursor.next().unwrap());
    assert!(cursor.next().unwrap());
    assert_eq!(key_of(&*cursor), "e");
    assert!(!cursor.next().unwrap());
    assert!(!cursor.valid());
    assert!(cursor.seek(b"e").unwrap());
    assert!(!cursor.seek(b"f").unwrap());
    assert!(cursor.seek_for_prev(b"d").unwrap());
    assert_eq!(key_of(&*cursor), "c");
    assert!(cursor.seek_for_prev(b"c").unwrap());
    assert_eq!(key_of(&*cursor), "c");
    assert!(!cursor.seek_for_prev(b"").unwrap());
    cursor.seek_to_last().unwrap();
    assert_eq!(backward(&mut *cursor), "e c a");
    assert!(!cursor.prev().unwrap());
}

fn bounds_hold(subject: &mut impl Subject) {
    let engine = subject.engine();
    fill(engine, &["a", "b", "c", "d", "e"]);
    assert_eq!(all(engine, bounds(Some("b"), Some("d"))), "b c");
    assert_eq!(all(engine, bounds(Some("b"), None)), "b c d e");
    assert_eq!(all(engine, bounds(None, Some("d"))), "a b c");
    assert_eq!(all(engine, bounds(Some("bb"), Some("bc"))), "");
    assert_eq!(all(engine, bounds(Some("x"), Some("z"))), "");
    let mut cursor = engine.cursor(FAMILY, bounds(Some("b"), Some("d"))).unwrap();
    assert!(cursor.seek(b"a").unwrap());
    assert_eq!(key_of(&*cursor), "b", "a seek starts at the lower bound");
    assert!(!cursor.seek(b"d").unwrap());
    assert!(cursor.seek_for_prev(b"e").unwrap());
    assert_eq!(key_of(&*cursor), "c", "the upper bound is excluded");
    assert!(cursor.seek_for_prev(b"d").unwrap());
    assert_eq!(key_of(&*cursor), "c");
    assert!(!cursor.seek_for_prev(b"a").unwrap());
    cursor.seek_to_last().unwrap();
    assert_eq!(backward(&mut *cursor), "c b");
    let snapshot = engine.snapshot();
    assert_eq!(all(&*snapshot, bounds(Some("c"), Some("zz"))), "c d e");
}

fn ranges_are_deleted(subject: &mut impl Subject) {
    let engine = subject.engine();
    fill(engine, &["a", "b", "c", "d"]);
    let snapshot = engine.snapshot();
    let mut batch = WriteBatch::new();
    batch.delete_range(FAMILY, "b", "d");
    batch.delete_range(Cf::Write, "a", "z");
    engine.write(batch, false).unwrap();
    assert_eq!(all(engine, IterOptions::default()), "a d");
    assert_eq!(get(engine, "b"), None);
    assert_eq!(all(&*snapshot, IterOptions::default()), "a b c d");
    put(engine, "c", "again");
    assert_eq!(all(engine, IterOptions::default()), "a c d");
    let mut batch = WriteBatch::new();
    batch.delete_range(FAMILY, "z", "a");
    batch.delete_range(FAMILY, "a", "a");
    engine.write(batch, false).unwrap();
    assert_eq!(all(engine, IterOptions::default()), "a c d", "an empty range deletes nothing");
}

fn ingestion_is_one_unit(subject: &mut impl Subject) {
    let engine = subject.engine();
    fill(engine, &["a", "c"]);
    let pair = |key: &str| (key.as_bytes().to_vec(), b"ingested".to_vec());
    let before = engine.snapshot();
    engine.ingest(FAMILY, &mut ["b", "c", "d"].map(pair).into_iter()).unwrap();
    assert_eq!(all(engine, IterOptions::default()), "a b c d");
    assert_eq!(get(engine, "c").as_deref(), Some("ingested"));
    assert_eq!(get(&*before, "c").as_deref(), Some("value of c"));
    drop(before);
    engine.ingest(FAMILY, &mut std::iter::empty()).unwrap();
    for wrong in [["y", "x"], ["x", "x"]] {
        let answer = engine.ingest(FAMILY, &mut wrong.map(pair).into_iter());
        assert!(matches!(answer, Err(Error::InvalidInput(_))), "{answer:?}");
    }
    assert_eq!(all(engine, IterOptions::default()), "a b c d");
    subject.reopen();
    assert_eq!(all(subject.engine(), IterOptions::default()), "a b c d");
}

fn data_survives_the_process(subject: &mut impl Subject) {
    fill(subject.engine(), &["a", "b"]);
    subject.reopen();
    assert_eq!(all(subject.engine(), IterOptions::default()), "a b");
    let mut batch = WriteBatch::new();
    batch.delete(FAMILY, "a");
    batch.delete_range(FAMILY, "b", "c");
    batch.put(FAMILY, "c", "new");
    subject.engine().write(batch, true).unwrap();
    subject.engine().sync().unwrap();
    subject.reopen();
    assert_eq!(all(subject.engine(), IterOptions::default()), "c");
}

fn sizes_follow_the_data(subject: &mut impl Subject) {
    let engine = subject.engine();
    // Not compressible, so that the size on disk is near the size of the data.
    let mut seed = 1_u64;
    let pairs: Vec<_> = (0..256_u32)
        .map(|number| {
            let value = std::iter::repeat_with(|| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            });
            (number.to_be_bytes().to_vec(), value.take(4096).collect::<Vec<u8>>())
        })
        .collect();
    engine.ingest(FAMILY, &mut pairs.into_iter()).unwrap();
    let size = |from: u32, to: u32| {
        engine.approximate_size(FAMILY, &from.to_be_bytes(), &to.to_be_bytes()).unwrap()
    };
    assert!((900_000..1_400_000).contains(&size(0, 256)), "{}", size(0, 256));
    assert!((400_000..800_000).contains(&size(0, 128)), "{}", size(0, 128));
    assert_eq!(size(300, 400), 0);
    assert_eq!(size(100, 10), 0);
}

fn checkpoints_are_consistent(subject: &mut impl Subject) {
    fill(subject.engine(), &["a", "b"]);
    subject.with_checkpoint(|copy| {
        assert_eq!(all(copy, IterOptions::default()), "a b");
        put(copy, "only in the copy", "x");
    });
    assert_eq!(all(subject.engine(), IterOptions::default()), "a after b");
}

/// Random batches against a map: point reads, both directions and bounds agree after each.
fn agrees_with_a_map(subject: &mut impl Subject, batches: &[Vec<(u8, u8, u8)>]) {
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for (number, steps) in batches.iter().enumerate() {
        let mut batch = WriteBatch::new();
        for &(kind, key, value) in steps {
            let key = vec![key % 32];
            match kind % 4 {
                0 | 1 => batch.put(FAMILY, key, vec![value]),
                2 => batch.delete(FAMILY, key),
                _ => batch.delete_range(FAMILY, key, vec![value % 32]),
            }
        }
        for op in &batch.ops {
            match op {
                WriteOp::Put(_, key, value) => drop(model.insert(key.clone(), value.clone())),
                WriteOp::Delete(_, key) => drop(model.remove(key)),
                WriteOp::DeleteRange(_, start, end) => {
                    model.retain(|key, _| !(start..end).contains(&key));
                }
            }
        }
        let engine = subject.engine();
        engine.write(batch, false).unwrap();
        let (lower, upper) = (vec![number as u8 % 32], vec![(number as u8 * 7) % 40]);
        let in_bounds = |key: &[u8]| *key >= *lower && *key < *upper;
        let expected: Vec<_> =
            model.clone().into_iter().filter(|(key, _)| in_bounds(key)).collect();
        let options = IterOptions {
            lower: Some(lower.clone()),
            upper: Some(upper.clone()),
            ..IterOptions::default()
        };
        let mut cursor = engine.cursor(FAMILY, options).unwrap();
        let mut seen = Vec::new();
        cursor.seek_to_first().unwrap();
        while cursor.valid() {
            seen.push((cursor.key().to_vec(), cursor.value().to_vec()));
            cursor.next().unwrap();
        }
        assert_eq!(seen, expected);
        cursor.seek_to_last().unwrap();
        while cursor.valid() {
            assert_eq!(seen.pop().unwrap(), (cursor.key().to_vec(), cursor.value().to_vec()));
            cursor.prev().unwrap();
        }
        assert!(seen.is_empty());
        for key in 0..32_u8 {
            assert_eq!(engine.get(FAMILY, &[key]).unwrap().as_ref(), model.get(&vec![key]));
        }
        drop(cursor);
        if number % 5 == 4 {
            subject.reopen();
        }
    }
}

fn batches() -> impl Strategy<Value = Vec<Vec<(u8, u8, u8)>>> {
    prop::collection::vec(prop::collection::vec(any::<(u8, u8, u8)>(), 0..12), 1..12)
}

macro_rules! suite {
    ($name:ident, $subject:expr, $cases:literal) => {
        mod $name {
            use super::*;

            suite!(@ $subject; column_families_are_apart batches_apply_in_order snapshots_do_not_change
                snapshots_outlive_the_engine_handle cursors_move_both_ways bounds_hold ranges_are_deleted
                ingestion_is_one_unit data_survives_the_process sizes_follow_the_data
                checkpoints_are_consistent);

            proptest! {
                #![proptest_config(ProptestConfig::with_cases($cases))]
                #[test]
                fn agrees_with_a_map(batches in batches()) {
                    super::agrees_with_a_map(&mut $subject, &batches);
                }
            }
        }
    };
    (@ $subject:expr; $($case:ident)*) => {
        $(#[test] fn $case() { super::$case(&mut $subject); })*
    };
}

suite!(memory, Memory(MemoryEngine::new()), 64);
suite!(locks_in_memory, WithLocks::new(MemoryEngine::new()), 64);
suite!(hot_versions, WithHot::new(MemoryEngine::new()), 64);
suite!(rocks, Rocks::new(), 8);

mod crash {
    use super::*;

    fn sync(engine: &MemoryEngine, key: &str, value: &str) {
        let mut batch = WriteBatch::new();
        batch.put(FAMILY, key, value);
        engine.write(batch, true).unwrap();
    }

    #[test]
    fn loses_what_was_not_synced() {
        let engine = MemoryEngine::new();
        put(&engine, "a", "1");
        sync(&engine, "b", "1");
        put(&engine, "a", "2");
        put(&engine, "a", "3");
        put(&engine, "c", "1");
        let mut batch = WriteBatch::new();
        batch.delete_range(FAMILY, "b", "c");
        engine.write(batch, false).unwrap();
        engine.crash();
        assert_eq!(get(&engine, "a").as_deref(), Some("1"), "synced together with b");
        assert_eq!(get(&engine, "b").as_deref(), Some("1"));
        assert_eq!(get(&engine, "c"), None);
        engine.crash();
        assert_eq!(all(&engine, IterOptions::default()), "a b");
    }

    #[test]
    fn keeps_what_sync_and_ingestion_made_durable() {
        let engine = MemoryEngine::new();
        put(&engine, "a", "1");
        engine.sync().unwrap();
        put(&engine, "b", "1");
        put(&engine, "c", "1");
        engine.ingest(FAMILY, &mut [(b"c".to_vec(), b"2".to_vec())].into_iter()).unwrap();
        engine.crash();
        assert_eq!(all(&engine, IterOptions::default()), "a c");
        assert_eq!(get(&engine, "c").as_deref(), Some("2"));
    }

    #[test]
    fn old_versions_go_with_the_last_snapshot() {
        let engine = MemoryEngine::new();
        for number in 0..10 {
            put(&engine, "a", &number.to_string());
        }
        assert_eq!(engine.version_count(), 1);
        let snapshot = engine.snapshot();
        for number in 0..10 {
            put(&engine, "a", &number.to_string());
        }
        assert_eq!(engine.version_count(), 11);
        drop(snapshot);
        let mut batch = WriteBatch::new();
        batch.delete(FAMILY, "a");
        engine.write(batch, false).unwrap();
        assert_eq!(engine.version_count(), 0);
    }
}
