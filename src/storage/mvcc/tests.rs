//! The records' codecs, ranges, and reads that the golden scripts of the commands do not reach.

use bytes::Bytes;
use proptest::prelude::*;

use super::key::{data_key, version_key};
use super::*;
use crate::common::Timestamp;
use crate::storage::api::{KeyError, LockKind};
use crate::storage::codec::mvcc::encode_key;
use crate::storage::engine::{Cf, Engine, MemoryEngine, WriteBatch};

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

prop_compose! {
    fn lock()(
        kind in prop::sample::select(vec![LockKind::Put, LockKind::Delete, LockKind::Lock, LockKind::Pessimistic]),
        (primary, short_value) in (bytes(), prop::option::of(bytes())),
        (start_ts, for_update_ts, min_commit_ts) in (timestamp(), timestamp(), timestamp()),
        (ttl_ms, txn_size) in (any::<u64>(), any::<u64>()),
        secondaries in prop::option::of(prop::collection::vec(bytes(), 0..4)),
    ) -> Lock {
        Lock {
            kind, primary, start_ts, ttl_ms, txn_size, for_update_ts, min_commit_ts,
            use_async_commit: secondaries.is_some(),
            secondaries: secondaries.unwrap_or_default(),
            short_value,
        }
    }
}

prop_compose! {
    fn write()(
        kind in prop::sample::select(vec![WriteKind::Put, WriteKind::Delete, WriteKind::Lock, WriteKind::Rollback]),
        start_ts in timestamp(),
        short_value in prop::option::of(bytes()),
        has_overlapped_rollback in any::<bool>(),
    ) -> Write {
        Write { kind, start_ts, short_value, has_overlapped_rollback }
    }
}

proptest! {
    #[test]
    fn locks_read_back(lock in lock()) {
        prop_assert_eq!(Lock::decode(&lock.encode()).unwrap(), lock);
    }

    #[test]
    fn commit_records_read_back(write in write()) {
        prop_assert_eq!(Write::decode(&write.encode()).unwrap(), write);
    }

    #[test]
    fn broken_records_are_errors_and_do_not_panic(record in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Lock::decode(&record);
        let _ = Write::decode(&record);
    }

    #[test]
    fn a_cut_lock_is_corrupt(lock in lock(), cut in 1usize..4) {
        let record = lock.encode();
        // Cutting at a field's border leaves a shorter valid record, never the same one.
        if let Ok(shorter) = Lock::decode(&record[..record.len() - cut]) {
            prop_assert_ne!(shorter, lock);
        }
    }

    #[test]
    fn clipping_equals_comparing(start in bytes(), end in bytes(), key in bytes(), region in (bytes(), bytes())) {
        prop_assume!(region.0 < region.1);
        let (low, high) = (encode_key(&region.0), encode_key(&region.1));
        let range = KeyRange::of_region(&low, &high);
        let clipped = range.clip(&start, &end);
        let inside = key >= region.0 && key < region.1 && key >= start && (end.is_empty() || key < end);
        prop_assert_eq!(clipped.contains(&data_key(&key)), inside);
        prop_assert!(!inside || !clipped.is_empty());
    }
}

/// An engine in which `key` has a version at every tenth timestamp up to `last`.
fn versions(key: &[u8], last: u64) -> MemoryEngine {
    let engine = MemoryEngine::new();
    let mut batch = WriteBatch::new();
    for commit in (10..=last).step_by(10) {
        let value = Bytes::from(format!("v{commit}"));
        let write = Write::new(WriteKind::Put, Timestamp(commit - 1), Some(value));
        batch.put(Cf::Write, version_key(&data_key(key), Timestamp(commit)), write.encode());
    }
    engine.write(batch, false).unwrap();
    engine
}

#[test]
fn a_transactions_record_is_found_among_others() {
    let engine = versions(b"k", 50);
    let mut mvcc = MvccReader::new(&engine);
    let committed = TxnRecord::Committed { commit_ts: Timestamp(30), kind: WriteKind::Put };
    assert_eq!(mvcc.txn_record(b"k", Timestamp(29)).unwrap(), committed);
    assert_eq!(mvcc.txn_record(b"k", Timestamp(30)).unwrap(), TxnRecord::None);
    assert_eq!(mvcc.txn_record(b"k", Timestamp(35)).unwrap(), TxnRecord::None);
    assert_eq!(mvcc.txn_record(b"other", Timestamp(29)).unwrap(), TxnRecord::None);
    let newest = mvcc.seek_write(b"k", Timestamp(45)).unwrap().unwrap();
    assert_eq!((newest.0, newest.1.start_ts), (Timestamp(40), Timestamp(39)));
    assert_eq!(mvcc.seek_write(b"k", Timestamp(9)).unwrap(), None);
    assert_eq!(mvcc.latest_value(b"k").unwrap().unwrap(), "v50");
}

#[test]
fn keys_that_are_prefixes_of_others_do_not_mix() {
    let engine = versions(b"k", 20);
    for key in [&b"k\0"[..], b"", b"kk", b"k\0\0\0\0\0\0\0", b"k\xff\xff\xff\xff\xff\xff\xff\xff"] {
        assert_eq!(get(&engine, key, Timestamp::MAX, &[]).unwrap(), None);
    }
    assert_eq!(get(&engine, b"k", Timestamp(15), &[]).unwrap().unwrap(), "v10");
}

#[test]
fn a_missing_long_value_is_corruption() {
    let engine = MemoryEngine::new();
    let mut batch = WriteBatch::new();
    let write = Write::new(WriteKind::Put, Timestamp(1), None);
    batch.put(Cf::Write, version_key(&data_key(b"k"), Timestamp(2)), write.encode());
    engine.write(batch, false).unwrap();
    assert!(matches!(get(&engine, b"k", Timestamp(5), &[]), Err(Error::Engine(_))));
}

#[test]
fn garbage_is_found_in_rounds() {
    let engine = MemoryEngine::new();
    let mut batch = WriteBatch::new();
    for name in 0u8..10 {
        // Odd keys have two versions.
        for commit in 1..=1 + u64::from(name % 2) {
            let write = Write::new(WriteKind::Put, Timestamp(commit - 1), Some(Bytes::new()));
            batch.put(
                Cf::Write,
                version_key(&data_key(&[name]), Timestamp(commit)),
                write.encode(),
            );
        }
    }
    engine.write(batch, false).unwrap();
    let find = |start: &[u8], found, seen| {
        let limits = GarbageLimits { found, seen };
        find_garbage(&engine, &KeyRange::all().clip(start, b""), Timestamp(9), limits).unwrap()
    };
    let garbage = |keys: &[u8], next: Option<u8>, is_mixed| Garbage {
        keys: keys.iter().map(|key| vec![*key]).collect(),
        next: next.map(|key| vec![key]),
        is_mixed,
    };
    assert_eq!(find(&[], 3, 100), garbage(&[1, 3, 5], Some(6), true));
    assert_eq!(find(&[6], 3, 100), garbage(&[7, 9], None, true));
    assert_eq!(find(&[], 100, 4), garbage(&[1, 3], Some(4), true));
    assert_eq!(find(&[4], 100, 1), garbage(&[], Some(5), false), "a single version");
}

#[test]
fn a_scan_reports_the_lock_it_meets() {
    let engine = versions(b"a", 10);
    let lock = Lock {
        kind: LockKind::Delete,
        primary: Bytes::from_static(b"p"),
        start_ts: Timestamp(20),
        ttl_ms: 1,
        txn_size: 1,
        for_update_ts: Timestamp::ZERO,
        min_commit_ts: Timestamp(21),
        use_async_commit: false,
        secondaries: Vec::new(),
        short_value: None,
    };
    let mut batch = WriteBatch::new();
    batch.put(Cf::Lock, data_key(b"b"), lock.encode());
    engine.write(batch, false).unwrap();
    let options = ScanOptions { ts: Timestamp(30), reverse: false, key_only: false, resolved: &[] };
    let mut scanner = Scanner::new(&engine, &KeyRange::all(), options).unwrap();
    assert_eq!(scanner.next_pair().unwrap().unwrap().key, "a");
    match scanner.next_pair() {
        Err(Error::Key(KeyError::Locked(met))) => assert_eq!(*met, lock.info(b"b")),
        other => panic!("{other:?}"),
    }
}
