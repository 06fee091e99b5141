//! The log against a plain vector, over crashes and conflicts.

use proptest::prelude::*;

use super::*;
use crate::storage::engine::{MemoryEngine, Reader};

const REGION: RegionId = RegionId(7);

fn entry(index: u64, term: u64) -> Entry {
    let data = format!("entry {index} of term {term}").into_bytes();
    Entry { index, term, data: data.into(), ..Entry::default() }
}

fn entries(indexes: std::ops::Range<u64>, term: u64) -> Vec<Entry> {
    indexes.map(|index| entry(index, term)).collect()
}

fn position(index: u64, term: u64) -> LogPosition {
    LogPosition { index: LogIndex(index), term: Term(term) }
}

fn hard_state(term: u64, vote: u64, commit: u64) -> HardState {
    HardState { term, vote, commit, ..HardState::default() }
}

/// A log on its engine, whose appends are written and synced at once.
struct Fixture {
    engine: MemoryEngine,
    store: LogStore,
    log: RegionLog,
}

impl Fixture {
    fn new() -> Fixture {
        let engine = MemoryEngine::new();
        let store = LogStore::new(Arc::new(engine.clone()));
        let mut batch = WriteBatch::new();
        let log = store.create(REGION, LogPosition::INIT, &mut batch);
        engine.write(batch, true).unwrap();
        Fixture { engine, store, log }
    }

    fn append(&mut self, entries: &[Entry]) {
        let mut batch = WriteBatch::new();
        self.log.append(entries, None, &mut batch);
        self.engine.write(batch, true).unwrap();
        self.log.persisted(self.log.last());
    }

    fn try_load(&self, truncated: LogPosition) -> Result<Option<RegionLog>> {
        let mut batch = WriteBatch::new();
        let log = self.store.load(REGION, truncated, &mut batch);
        self.engine.write(batch, true).unwrap();
        log
    }

    fn reload(&mut self) {
        self.log = self.try_load(self.log.truncated()).unwrap().unwrap();
    }

    fn all(&self) -> Vec<Entry> {
        let high = LogIndex(self.log.last().index.0 + 1);
        self.log.entries(self.log.first_index(), high, None).unwrap()
    }
}

#[test]
fn a_new_log_starts_behind_the_initial_index() {
    let mut fixture = Fixture::new();
    for _ in 0..2 {
        assert_eq!(fixture.log.first_index(), LogIndex(6));
        assert_eq!(fixture.log.last(), position(5, 5));
        assert_eq!(fixture.log.term(LogIndex(5)).unwrap(), Term(5));
        assert_eq!(fixture.log.hard_state(), &hard_state(5, 0, 5));
        assert!(matches!(fixture.log.term(LogIndex(4)), Err(Error::Compacted(_))));
        assert!(matches!(fixture.log.term(LogIndex(6)), Err(Error::Unavailable(_))));
        assert!(fixture.all().is_empty());
        fixture.reload();
    }
    let mut batch = WriteBatch::new();
    let empty = fixture.store.create(RegionId(8), LogPosition::default(), &mut batch);
    assert_eq!((empty.first_index(), empty.hard_state().term), (LogIndex(1), 0));
    assert!(fixture.store.load(RegionId(9), LogPosition::INIT, &mut batch).unwrap().is_none());
}

#[test]
fn entries_come_from_memory_disk_and_both() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..10, 5));
    fixture.log.shrink_cache(0);
    fixture.append(&entries(10..13, 6));
    assert_eq!(fixture.log.cache.len(), 3);
    let expected = [entries(6..10, 5), entries(10..13, 6)].concat();
    for low in 6..13 {
        for high in low..14 {
            let read = fixture.log.entries(LogIndex(low), LogIndex(high), None).unwrap();
            assert_eq!(read, expected[low as usize - 6..high as usize - 6]);
        }
        assert_eq!(fixture.log.term(LogIndex(low)).unwrap().0, if low < 10 { 5 } else { 6 });
    }
    let answer = fixture.log.entries(LogIndex(5), LogIndex(7), None);
    assert!(matches!(answer, Err(Error::Compacted(LogIndex(5)))));
    let answer = fixture.log.entries(LogIndex(7), LogIndex(14), None);
    assert!(matches!(answer, Err(Error::Unavailable(LogIndex(13)))));
    let raft_error = ::raft::Error::from(answer.unwrap_err());
    assert_eq!(raft_error, ::raft::Error::Store(StorageError::Unavailable));
}

#[test]
fn reads_are_limited_like_rafts_own() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..10, 5));
    for cached in [true, false] {
        if !cached {
            fixture.log.shrink_cache(0);
        }
        for limit in [0, 1, 30, 55, 56, 57, 80, 1000] {
            let mut expected = entries(6..10, 5);
            ::raft::util::limit_size(&mut expected, Some(limit));
            let read = fixture.log.entries(LogIndex(6), LogIndex(10), Some(limit)).unwrap();
            assert_eq!(read, expected, "limit {limit}");
        }
    }
}

#[test]
fn a_conflicting_tail_is_replaced() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..12, 5));
    fixture.append(&entries(8..10, 6));
    let expected = [entries(6..8, 5), entries(8..10, 6)].concat();
    assert_eq!(fixture.all(), expected);
    assert_eq!(fixture.log.last(), position(9, 6));
    fixture.reload();
    assert_eq!(fixture.all(), expected);
    assert_eq!(fixture.log.last(), position(9, 6));
    let gone = keys::raft_log_key(REGION, LogIndex(10));
    assert_eq!(fixture.engine.get(Cf::Raft, &gone).unwrap(), None);
}

#[test]
fn unsynced_appends_are_read_and_then_lost_in_a_crash() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..8, 5));
    let mut batch = WriteBatch::new();
    let state = hard_state(6, 3, 7);
    fixture.log.append(&entries(8..10, 6), Some(&state), &mut batch);
    fixture.log.shrink_cache(0);
    assert_eq!(fixture.all().len(), 4, "what is not on disk stays in memory");
    fixture.engine.write(batch, false).unwrap();
    fixture.engine.crash();
    fixture.reload();
    assert_eq!(fixture.all(), entries(6..8, 5));
    assert_eq!(fixture.log.hard_state().term, 5);

    let mut batch = WriteBatch::new();
    fixture.log.append(&[], Some(&state), &mut batch);
    fixture.engine.write(batch, true).unwrap();
    fixture.engine.crash();
    fixture.reload();
    assert_eq!(fixture.log.hard_state(), &state);
    let mut batch = WriteBatch::new();
    fixture.log.append(&[], None, &mut batch);
    assert!(batch.is_empty());
}

#[test]
fn persisting_a_replaced_entry_does_not_count() {
    let mut fixture = Fixture::new();
    let mut batch = WriteBatch::new();
    fixture.log.append(&entries(6..10, 5), None, &mut batch);
    fixture.log.persisted(position(7, 5));
    assert_eq!(fixture.log.persisted_index(), LogIndex(7));
    fixture.log.append(&entries(7..9, 6), None, &mut batch);
    assert_eq!(fixture.log.persisted_index(), LogIndex(6));
    fixture.log.persisted(position(9, 5));
    fixture.log.persisted(position(8, 5));
    assert_eq!(fixture.log.persisted_index(), LogIndex(6));
    fixture.log.persisted(position(8, 6));
    assert_eq!(fixture.log.persisted_index(), LogIndex(8));
}

#[test]
fn memory_is_bounded() {
    let mut fixture = Fixture::new();
    let mut large = entries(6..16, 5);
    for entry in &mut large {
        entry.data = vec![1; CACHE_BYTES / 4].into();
    }
    fixture.append(&large);
    assert!(fixture.log.cache_bytes <= CACHE_BYTES && fixture.log.cache.len() == 3);
    assert_eq!(fixture.all(), large);
    fixture.log.shrink_cache(0);
    assert_eq!((fixture.log.cache_bytes, fixture.log.cache.capacity()), (0, 0));
    assert!(size_of::<RegionLog>() < 256, "an idle region is small");
}

#[test]
fn compaction_drops_the_front() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..12, 5));
    let mut batch = WriteBatch::new();
    fixture.log.compact(position(8, 5), &mut batch);
    fixture.log.compact(position(7, 5), &mut batch);
    fixture.engine.write(batch, true).unwrap();
    for _ in 0..2 {
        assert_eq!(fixture.all(), entries(9..12, 5));
        assert_eq!(fixture.log.term(LogIndex(8)).unwrap(), Term(5));
        assert!(matches!(fixture.log.term(LogIndex(7)), Err(Error::Compacted(_))));
        fixture.reload();
    }
    let gone = keys::raft_log_key(REGION, LogIndex(8));
    assert_eq!(fixture.engine.get(Cf::Raft, &gone).unwrap(), None);
    let mut batch = WriteBatch::new();
    fixture.log.compact(position(11, 5), &mut batch);
    fixture.engine.write(batch, true).unwrap();
    fixture.reload();
    assert_eq!(fixture.log.last(), position(11, 5));
    fixture.append(&entries(12..13, 6));
    assert_eq!(fixture.all(), entries(12..13, 6));
}

#[test]
fn a_snapshot_restarts_the_log() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..9, 5));
    let mut batch = WriteBatch::new();
    fixture.log.restart_at(position(20, 8), &mut batch);
    fixture.engine.write(batch, true).unwrap();
    for _ in 0..2 {
        assert_eq!(fixture.log.last(), position(20, 8));
        assert_eq!(fixture.log.hard_state(), &hard_state(8, 0, 20));
        assert!(fixture.all().is_empty());
        fixture.reload();
    }
    let gone = keys::raft_log_key(REGION, LogIndex(6));
    assert_eq!(fixture.engine.get(Cf::Raft, &gone).unwrap(), None);
}

#[test]
fn a_snapshot_cut_short_by_a_crash_is_finished_on_load() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..9, 5));
    // The kv engine has the snapshot; the log does not know yet.
    fixture.log = fixture.try_load(position(20, 8)).unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(fixture.log.first_index(), LogIndex(21));
        assert_eq!(fixture.log.hard_state(), &hard_state(8, 0, 20));
        fixture.reload();
    }
}

#[test]
fn damage_is_found_on_reading() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..10, 5));
    fixture.log.shrink_cache(0);
    let key = |index| keys::raft_log_key(REGION, LogIndex(index));
    let whole = fixture.engine.get(Cf::Raft, &key(7)).unwrap().unwrap();
    let other = fixture.engine.get(Cf::Raft, &key(8)).unwrap().unwrap();
    let mut flipped = whole;
    *flipped.last_mut().unwrap() ^= 1;
    let damages = [
        (Some(flipped), "checksum"),
        (Some(other), "checksum"),
        (Some(vec![1]), "checksum"),
        (None, "missing"),
    ];
    for (damage, name) in damages {
        let mut batch = WriteBatch::new();
        match damage {
            Some(record) => batch.put(Cf::Raft, key(7), record),
            None => batch.delete(Cf::Raft, key(7)),
        }
        fixture.engine.write(batch, true).unwrap();
        let reads = [
            fixture.log.entries(LogIndex(6), LogIndex(9), None).map(drop),
            fixture.log.entries(LogIndex(7), LogIndex(8), None).map(drop),
            fixture.log.term(LogIndex(7)).map(drop),
        ];
        for read in reads {
            let error = read.unwrap_err().to_string();
            assert!(error.starts_with("corrupt data: raft log of region 7: "), "{error}");
            assert!(error.contains(name), "{error}");
        }
    }
    let mut batch = WriteBatch::new();
    batch.delete(Cf::Raft, key(9));
    fixture.engine.write(batch, true).unwrap();
    assert!(fixture.try_load(LogPosition::INIT).is_err(), "the end of the log must be there");
}

#[test]
fn regions_are_listed_and_destroyed() {
    let mut fixture = Fixture::new();
    fixture.append(&entries(6..8, 5));
    let mut batch = WriteBatch::new();
    for region in [1, 8, 256] {
        let mut log = fixture.store.create(RegionId(region), LogPosition::INIT, &mut batch);
        log.append(&entries(6..9, 5), None, &mut batch);
    }
    fixture.engine.write(batch, true).unwrap();
    assert_eq!(fixture.store.regions().unwrap(), [1, 7, 8, 256].map(RegionId));
    let mut batch = WriteBatch::new();
    fixture.log.destroy(&mut batch);
    fixture.engine.write(batch, true).unwrap();
    assert_eq!(fixture.store.regions().unwrap(), [1, 8, 256].map(RegionId));
    let log = fixture.store.load(RegionId(8), LogPosition::INIT, &mut WriteBatch::new()).unwrap();
    assert_eq!(log.unwrap().last(), position(8, 5), "the neighbour is untouched");
}

#[test]
#[should_panic(expected = "leaves a gap")]
fn a_gap_is_a_bug() {
    Fixture::new().append(&entries(7..8, 5));
}

#[test]
#[should_panic(expected = "compacted log")]
fn writing_into_the_compacted_log_is_a_bug() {
    Fixture::new().append(&entries(5..8, 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn agrees_with_a_vector(steps in prop::collection::vec((0..6_u8, any::<u8>(), 1..5_u64), 1..40)) {
        let mut fixture = Fixture::new();
        let mut model: Vec<Entry> = Vec::new();
        let mut term = 5;
        for (kind, place, count) in steps {
            let first = fixture.log.first_index().0;
            let last = fixture.log.last().index.0;
            match kind {
                0..=2 => {
                    term += u64::from(kind == 2);
                    let at = if kind == 2 { first + u64::from(place) % (last + 2 - first) } else { last + 1 };
                    let new = entries(at..at + count, term);
                    model.truncate((at - first) as usize);
                    model.extend(new.clone());
                    fixture.append(&new);
                }
                3 if last >= first => {
                    let to = first + u64::from(place) % (last + 1 - first);
                    let to = LogPosition { index: LogIndex(to), term: fixture.log.term(LogIndex(to)).unwrap() };
                    let mut batch = WriteBatch::new();
                    fixture.log.compact(to, &mut batch);
                    fixture.engine.write(batch, true).unwrap();
                    model.drain(..(to.index.0 + 1 - first) as usize);
                }
                4 => fixture.log.shrink_cache(usize::from(place) * 8),
                _ => {
                    fixture.engine.crash();
                    fixture.reload();
                }
            }
            prop_assert_eq!(&fixture.all(), &model);
            let cached: usize = fixture.log.cache.iter().map(size_of_entry).sum();
            prop_assert_eq!(cached, fixture.log.cache_bytes);
            for entry in &model {
                prop_assert_eq!(fixture.log.term(LogIndex(entry.index)).unwrap().0, entry.term);
            }
        }
    }
}
