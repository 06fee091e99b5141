use bytes::Bytes;
use proptest::prelude::*;

use super::rows::{Known, Tip};
use super::*;
use crate::storage::api::KvPair;
use crate::storage::engine::MemoryEngine;
use crate::storage::mvcc::key::{data_key, version_key};
use crate::storage::mvcc::{KeyRange, MvccReader, ScanOptions, Scanner, Write, WriteKind, get};

const BUDGET: usize = 1 << 20;

fn hot(ranges: usize) -> (MemoryEngine, HotVersions) {
    hot_within(HotBudget { ranges, rows: 0 })
}

fn hot_within(budget: HotBudget) -> (MemoryEngine, HotVersions) {
    let engine = MemoryEngine::new();
    let hot = HotVersions::new(Arc::new(engine.clone()), budget);
    (engine, hot)
}

fn record(kind: WriteKind, ts: u64) -> Vec<u8> {
    let value = (kind == WriteKind::Put).then(|| Bytes::from(format!("at {ts}")));
    // A rollback stands at its start, a commit above it.
    let start = if kind == WriteKind::Rollback { ts } else { ts - 1 };
    Write::new(kind, Timestamp(start), value).encode()
}

fn version(key: u8, ts: u64) -> Vec<u8> {
    version_key(&data_key(&[key]), Timestamp(ts))
}

fn commit(engine: &dyn Engine, key: u8, kind: WriteKind, ts: u64) {
    let mut batch = WriteBatch::new();
    batch.put(Cf::Write, version(key, ts), record(kind, ts));
    engine.write(batch, false).unwrap();
}

fn scan(reader: &dyn Reader, start: u8, end: u8, ts: u64, limit: usize) -> Vec<KvPair> {
    let range = KeyRange::all().clip(&[start], &[end]);
    let options = ScanOptions { ts: Timestamp(ts), reverse: false, key_only: false, resolved: &[] };
    Scanner::new(reader, &range, options).unwrap().take(limit).unwrap()
}

/// What a reader that cannot be helped sees, and what one that can sees.
fn agree(engine: &MemoryEngine, hot: &HotVersions, ts: u64) {
    assert_eq!(scan(hot, 0, 255, ts, 1000), scan(engine, 0, 255, ts, 1000), "scan at {ts}");
    for key in 0..20 {
        let here = get(hot, &[key], Timestamp(ts), &[]).unwrap();
        assert_eq!(here, get(engine, &[key], Timestamp(ts), &[]).unwrap(), "{key} at {ts}");
        agree_to_writers(engine, hot, key, Timestamp(ts));
    }
}

/// What a transaction that began at `ts` is told when it writes.
fn agree_to_writers(engine: &MemoryEngine, hot: &HotVersions, key: u8, ts: Timestamp) {
    let (mut here, mut there) = (MvccReader::since(hot, ts), MvccReader::new(engine));
    let newer = here.newest_commit_above(&[key], ts).unwrap();
    assert_eq!(newer, there.newest_commit_above(&[key], ts).unwrap(), "{key} above {ts}");
    assert_eq!(here.latest_value(&[key]).unwrap(), there.latest_value(&[key]).unwrap(), "{key}");
    let record = here.txn_record(&[key], ts).unwrap();
    assert_eq!(record, there.txn_record(&[key], ts).unwrap(), "{key} by {ts}");
}

/// Twenty keys with as many versions as make a scan laborious.
fn laborious() -> (MemoryEngine, HotVersions) {
    let (engine, hot) = hot(BUDGET);
    for ts in 2..12 {
        for key in 0..20 {
            commit(&hot, key, WriteKind::Put, ts * 100 + u64::from(key));
        }
    }
    (engine, hot)
}

#[test]
fn a_laborious_range_is_kept_and_then_no_longer_laborious() {
    let (engine, hot) = laborious();
    assert_eq!(hot.bytes(), 0);
    scan(&hot, 0, 255, 2000, 1000);
    let kept = hot.bytes();
    assert!(kept > 0, "the scan loads what it read");
    scan(&hot, 0, 255, 2000, 1000);
    assert_eq!(hot.bytes(), kept, "and is satisfied with it");
    // What is kept follows what is written, and shows it to later readers only.
    commit(&hot, 7, WriteKind::Put, 3000);
    commit(&hot, 8, WriteKind::Delete, 3001);
    for ts in [1999, 2000, 2999, 3000, 3001, u64::MAX] {
        agree(&engine, &hot, ts);
    }
}

#[test]
fn readers_below_the_floor_read_the_engine() {
    let (engine, hot) = laborious();
    scan(&hot, 0, 255, 1150, 1000);
    assert!(hot.bytes() > 0);
    for ts in (150..1300).step_by(50) {
        agree(&engine, &hot, ts);
    }
}

#[test]
fn a_key_that_is_written_forever_takes_no_more_memory() {
    let (engine, hot) = laborious();
    scan(&hot, 0, 255, 2000, 1000);
    let kept = hot.bytes();
    for ts in 2001..4000 {
        commit(&hot, 3, WriteKind::Put, ts);
    }
    assert!(hot.bytes() < kept + 20 * 200, "{} after {kept}", hot.bytes());
    for ts in [1999, 2000, 3000, 3990, 3998, 3999, 5000] {
        agree(&engine, &hot, ts);
    }
}

#[test]
fn locks_and_rollbacks_do_not_push_the_value_out() {
    let (engine, hot) = laborious();
    scan(&hot, 0, 255, 2000, 1000);
    for ts in 2001..2100 {
        commit(&hot, 3, if ts % 2 == 0 { WriteKind::Lock } else { WriteKind::Rollback }, ts);
    }
    for ts in [2000, 2050, 2099, 3000] {
        agree(&engine, &hot, ts);
    }
}

#[test]
fn what_is_removed_or_replaced_beside_the_writes_is_forgotten() {
    let (engine, hot) = laborious();
    scan(&hot, 0, 255, 2000, 1000);
    let mut batch = WriteBatch::new();
    batch.delete_range(Cf::Write, data_key(&[5]), data_key(&[7]));
    hot.write(batch, false).unwrap();
    agree(&engine, &hot, 2000);
    scan(&hot, 0, 255, 2000, 1000);
    let pair = (version(6, 1900), record(WriteKind::Put, 1900));
    hot.ingest(Cf::Write, &mut [pair].into_iter()).unwrap();
    agree(&engine, &hot, 2000);
    assert_eq!(scan(&hot, 6, 7, 2000, 9).len(), 1);
}

#[test]
fn what_is_written_while_a_range_is_loaded_is_in_it() {
    let (engine, hot) = laborious();
    let (start, end) = (data_key(&[0]), data_key(&[20]));
    let range = hot.ranges.register(&start, &end, Timestamp(2000)).unwrap();
    commit(&hot, 4, WriteKind::Put, 2001);
    let read = hot.read_versions(&start, &end, Timestamp(2000)).unwrap().unwrap();
    commit(&hot, 5, WriteKind::Put, 2002);
    // Not yet for readers.
    agree(&engine, &hot, 2002);
    hot.ranges.finish(&range, read);
    for ts in [2000, 2001, 2002] {
        agree(&engine, &hot, ts);
    }
}

#[test]
fn memory_stays_within_the_budget() {
    let (engine, hot) = hot(4096);
    for ts in 2..12 {
        for key in 0..200 {
            commit(&hot, key, WriteKind::Put, ts * 1000 + u64::from(key));
        }
    }
    for start in 0..19 {
        scan(&hot, start * 10, start * 10 + 15, 20_000, 1000);
        assert!(hot.bytes() <= 4096 + 3000, "{}", hot.bytes());
    }
    agree(&engine, &hot, 20_000);
}

#[test]
fn nothing_is_kept_without_a_budget() {
    let (engine, hot) = hot(0);
    for ts in 2..40 {
        for key in 0..20 {
            commit(&hot, key, WriteKind::Put, ts * 100 + u64::from(key));
        }
    }
    scan(&hot, 0, 255, 9000, 1000);
    assert_eq!(hot.bytes(), 0);
    agree(&engine, &hot, 9000);
}

/// When the newest version of a key that is kept was committed.
fn newest_kept(hot: &HotVersions, key: u8) -> Option<u64> {
    let tip = hot.rows.get(&data_key(&[key]))?;
    Some(tip.versions()[0].ts().unwrap().0)
}

#[test]
fn a_row_below_locks_is_kept_with_them() {
    let (engine, hot) = hot_within(HotBudget { ranges: 0, rows: BUDGET });
    commit(&hot, 1, WriteKind::Put, 100);
    commit(&hot, 1, WriteKind::Lock, 200);
    commit(&hot, 1, WriteKind::Lock, 300);
    get(&hot, &[1], Timestamp(400), &[]).unwrap();
    assert_eq!(newest_kept(&hot, 1), Some(300));
    let all = [99, 100, 150, 199, 200, 201, 250, 299, 300, 301, u64::MAX];
    for ts in all {
        agree(&engine, &hot, ts);
    }
    // What comes between them must be found by who looks for it.
    commit(&hot, 1, WriteKind::Rollback, 250);
    assert_eq!(newest_kept(&hot, 1), None);
    for ts in all {
        agree(&engine, &hot, ts);
    }
    // A key with many of them is read from the engine.
    commit(&hot, 1, WriteKind::Lock, 350);
    get(&hot, &[1], Timestamp(400), &[]).unwrap();
    assert_eq!(newest_kept(&hot, 1), None);
    commit(&hot, 1, WriteKind::Put, 360);
    get(&hot, &[1], Timestamp(400), &[]).unwrap();
    assert_eq!(newest_kept(&hot, 1), Some(360));
    for ts in all {
        agree(&engine, &hot, ts);
    }
}

#[test]
fn a_key_with_nothing_but_rollbacks_is_not_kept() {
    let (engine, hot) = hot_within(HotBudget { ranges: 0, rows: BUDGET });
    commit(&hot, 1, WriteKind::Rollback, 100);
    commit(&hot, 2, WriteKind::Put, 100);
    for ts in [99, 100, 101] {
        agree(&engine, &hot, ts);
    }
    assert_eq!(newest_kept(&hot, 1), None);
}

#[test]
fn a_row_that_was_read_is_kept_and_follows_its_writes() {
    let (engine, hot) = hot_within(HotBudget { ranges: 0, rows: BUDGET });
    commit(&hot, 1, WriteKind::Put, 100);
    assert!(hot.rows.get(&data_key(&[1])).is_none());
    let kept = |ts| {
        get(&hot, &[1], Timestamp(ts), &[]).unwrap();
        newest_kept(&hot, 1)
    };
    assert_eq!(kept(200), Some(100));
    assert!(hot.bytes() > 0);
    commit(&hot, 1, WriteKind::Put, 300);
    assert_eq!(newest_kept(&hot, 1), Some(300));
    // An old rollback changes nothing; a new one must be found by who looks for it.
    commit(&hot, 1, WriteKind::Rollback, 250);
    assert_eq!(kept(200), Some(300));
    commit(&hot, 1, WriteKind::Rollback, 350);
    assert_eq!(newest_kept(&hot, 1), None);
    assert_eq!(kept(400), Some(350));
    commit(&hot, 1, WriteKind::Delete, 500);
    assert_eq!(kept(600), Some(500));
    for ts in [99, 100, 250, 299, 300, 349, 350, 499, 500, u64::MAX] {
        agree(&engine, &hot, ts);
    }
    let mut batch = WriteBatch::new();
    batch.delete(Cf::Write, version(1, 500));
    hot.write(batch, false).unwrap();
    assert!(hot.rows.get(&data_key(&[1])).is_none());
    agree(&engine, &hot, 600);
}

#[test]
fn what_is_written_while_a_row_is_asked_for_is_not_lost() {
    let (engine, hot) = hot_within(HotBudget { ranges: 0, rows: BUDGET });
    commit(&hot, 1, WriteKind::Put, 100);
    let old = Some(Version::new(&version(1, 100), &record(WriteKind::Put, 100)));
    let old = Tip::gather(|| Ok(old.clone())).unwrap();
    let Known::Nothing(permit) = hot.rows.get_or_ask(&data_key(&[1])) else { panic!("known") };
    assert!(matches!(hot.rows.get_or_ask(&data_key(&[1])), Known::Asked));
    agree(&engine, &hot, 150);
    commit(&hot, 1, WriteKind::Put, 200);
    hot.rows.enter(permit, || Ok(((), old))).unwrap();
    agree(&engine, &hot, 300);
    assert_eq!(newest_kept(&hot, 1), Some(200));
}

#[test]
fn rows_are_forgotten_when_their_region_is_replaced() {
    let (engine, hot) = hot_within(HotBudget { ranges: 0, rows: BUDGET });
    for key in 0..9 {
        commit(&hot, key, WriteKind::Put, 100);
    }
    agree(&engine, &hot, 200);
    let pair = (version(6, 190), record(WriteKind::Put, 190));
    hot.ingest(Cf::Write, &mut [pair].into_iter()).unwrap();
    agree(&engine, &hot, 200);
    let mut batch = WriteBatch::new();
    batch.delete_range(Cf::Write, data_key(&[5]), data_key(&[7]));
    batch.put(Cf::Write, version(5, 195), record(WriteKind::Put, 195));
    hot.write(batch, false).unwrap();
    agree(&engine, &hot, 200);
    assert_eq!(scan(&hot, 5, 7, 200, 9).len(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Commit { key: u8, kind: WriteKind },
    Collect { key: u8, back: usize },
    Scan { start: u8, keys: u8, back: u64, limit: usize },
    Load { start: u8, keys: u8 },
    Get { key: u8, back: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        6 => Just(WriteKind::Put),
        2 => Just(WriteKind::Delete),
        1 => Just(WriteKind::Lock),
        1 => Just(WriteKind::Rollback),
    ];
    prop_oneof![
        12 => (0..20u8, kind).prop_map(|(key, kind)| Step::Commit { key, kind }),
        1 => (0..20u8, 0..30usize).prop_map(|(key, back)| Step::Collect { key, back }),
        3 => (0..20u8, 1..20u8, 0..60u64, 1..30usize).prop_map(|(start, keys, back, limit)| {
            Step::Scan { start, keys, back, limit }
        }),
        4 => (0..20u8, 0..60u64).prop_map(|(key, back)| Step::Get { key, back }),
        1 => (0..20u8, 1..6u8).prop_map(|(start, keys)| Step::Load { start, keys }),
    ]
}

proptest! {
    /// Whatever is written, collected, read and kept, in whichever order: a reader sees what the engine has.
    #[test]
    fn a_reader_sees_what_the_engine_has(steps in prop::collection::vec(step(), 1..400)) {
        let (engine, hot) = hot_within(HotBudget { ranges: 8192, rows: 4096 });
        let mut now = 1000;
        for step in steps {
            now += 1;
            match step {
                Step::Commit { key, kind } => commit(&hot, key, kind, now),
                // As garbage collection does: what is below a safe point that no reader is below.
                Step::Collect { key, back } => {
                    let safe = Timestamp(now - 60 - back as u64);
                    let mut batch = WriteBatch::new();
                    crate::storage::mvcc::collect_key(&engine, &[key], safe, &mut batch).unwrap();
                    hot.write(batch, false).unwrap();
                }
                Step::Scan { start, keys, back, limit } => {
                    let (end, ts) = (start.saturating_add(keys), now - back);
                    let here = scan(&hot, start, end, ts, limit);
                    prop_assert_eq!(here, scan(&engine, start, end, ts, limit));
                }
                Step::Get { key, back } => {
                    let ts = Timestamp(now - back);
                    let here = get(&hot, &[key], ts, &[]).unwrap();
                    prop_assert_eq!(here, get(&engine, &[key], ts, &[]).unwrap());
                    agree_to_writers(&engine, &hot, key, ts);
                }
                Step::Load { start, keys } => {
                    let (start, end) = (data_key(&[start]), data_key(&[start + keys]));
                    hot.laborious(&start, &end, Timestamp(now)).unwrap();
                }
            }
        }
        for back in [0, 1, 5, 20, 59] {
            agree(&engine, &hot, now - back);
        }
    }
}
