//! The rows of a session's temporary tables: an ordered map of the keys and values that stored tables have, too.
//!
//! There is one transaction at a time in a session, so what it writes is written at once, and what it replaced is kept to be put back.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::actors::session::memory::{Held, Memory};
use crate::common::{Fault, SqlError, SqlResult, errno};
use crate::sql::catalog::TEMPORARY_IDS;
use crate::sql::kv::{KvPair, ScanOptions, Scanner};
use crate::storage::codec::table::{TableKey, decode_table_key, prefix_range, table_prefix};

/// What a pair takes besides its bytes.
const OVERHEAD: usize = 96;
/// How many pairs a scan gives at once.
const BATCH: usize = 256;

struct State {
    pairs: BTreeMap<Bytes, Bytes>,
    /// What the transaction in hand has replaced, in order.
    undo: Vec<(Bytes, Option<Bytes>)>,
    /// What the pairs take, and what is replaced takes beside them.
    used: usize,
    beside: usize,
    held: Held,
    /// What does not fit was written, or what was there already was inserted: the statement is told when it asks.
    failed: Option<SqlError>,
    names: BTreeMap<i64, String>,
}

/// Rows and index entries of a session's own.
pub(super) struct LocalRows {
    first: Bytes,
    state: Mutex<State>,
}

/// About what a pair takes.
fn size(key: &Bytes, value: Option<&Bytes>) -> usize {
    key.len() + value.map_or(0, Bytes::len) + OVERHEAD
}

impl LocalRows {
    pub(super) fn new(memory: &Arc<Memory>) -> SqlResult<LocalRows> {
        let state = State {
            pairs: BTreeMap::new(),
            undo: Vec::new(),
            used: 0,
            beside: 0,
            held: memory.hold(0)?,
            failed: None,
            names: BTreeMap::new(),
        };
        Ok(LocalRows { first: table_prefix(TEMPORARY_IDS), state: Mutex::new(state) })
    }

    /// Whether a key is a temporary table's.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        key.first() == self.first.first() && *key >= *self.first
    }

    pub(super) fn name(&self, table: i64, name: &str) {
        self.state.lock().names.insert(table, name.to_owned());
    }

    /// A table is gone; what its transaction did to it as well.
    pub(super) fn forget(&self, table: i64) {
        let (start, end) = prefix_range(table_prefix(table));
        let mut state = self.state.lock();
        let within = |key: &Bytes| *key >= start && *key < end;
        state.pairs.retain(|key, _| !within(key));
        // Marks are positions: what is forgotten leaves its place.
        for (key, value) in &mut state.undo {
            if within(key) {
                (*key, *value) = (Bytes::new(), None);
            }
        }
        state.names.remove(&table);
        state.used = state.pairs.iter().map(|(key, value)| size(key, Some(value))).sum();
        state.beside = state.undo.iter().map(|(key, value)| size(key, value.as_ref())).sum();
        state.give_back();
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Bytes> {
        self.state.lock().pairs.get(key).cloned()
    }

    /// Writes a value, or takes it away. An `insert` finds nothing in its place.
    pub(super) fn write(&self, key: Bytes, value: Option<Bytes>, insert: bool) {
        let mut state = self.state.lock();
        let old = state.put(&key, value.as_ref());
        if insert && let Some(value) = old.clone() {
            state.failed = Some(Fault::DuplicateKey { key: key.clone(), value }.into());
        }
        // What is replaced stays until the transaction ends.
        if let Err(full) = state.held.grow(size(&key, value.as_ref())) {
            let name = match decode_table_key(&key) {
                Ok(TableKey::Row { table, .. } | TableKey::Index { table, .. }) => {
                    state.names.get(&table).cloned()
                }
                Err(_) => None,
            };
            let full = match name {
                Some(name) => {
                    SqlError::new(errno::RECORD_FILE_FULL, format!("The table '{name}' is full"))
                }
                None => full,
            };
            state.failed = Some(full);
        }
        state.beside += size(&key, old.as_ref());
        state.undo.push((key, old));
    }

    /// What went wrong since the last question.
    pub(super) fn check(&self) -> SqlResult<()> {
        self.state.lock().failed.take().map_or(Ok(()), Err)
    }

    /// How much the transaction in hand has written.
    pub(super) fn mark(&self) -> usize {
        self.state.lock().undo.len()
    }

    /// Undoes what was written since.
    pub(super) fn roll_back_to(&self, mark: usize) {
        let mut state = self.state.lock();
        state.failed = None;
        while state.undo.len() > mark {
            let Some((key, value)) = state.undo.pop() else { break };
            state.beside -= size(&key, value.as_ref());
            if !key.is_empty() {
                state.put(&key, value.as_ref());
            }
        }
        state.give_back();
    }

    /// The transaction is over, and what it wrote stays.
    pub(super) fn commit(&self) {
        let mut state = self.state.lock();
        if !state.undo.is_empty() {
            state.undo.clear();
            state.undo.shrink_to(BATCH);
            state.beside = 0;
            state.give_back();
        }
    }

    pub(super) fn scan(self: &Arc<LocalRows>, options: ScanOptions) -> Box<dyn Scanner> {
        let left = options.limit.unwrap_or(usize::MAX);
        Box::new(LocalScanner { rows: self.clone(), options, left })
    }
}

impl State {
    /// Puts a value in its place, or takes it away; answers what stood there.
    fn put(&mut self, key: &Bytes, value: Option<&Bytes>) -> Option<Bytes> {
        let old = match value {
            Some(value) => self.pairs.insert(key.clone(), value.clone()),
            None => self.pairs.remove(key),
        };
        self.used += value.map_or(0, |value| size(key, Some(value)));
        self.used -= old.as_ref().map_or(0, |old| size(key, Some(old)));
        old
    }

    /// After a transaction, or a part of one, what it held beside is free.
    fn give_back(&mut self) {
        let all = self.used + self.beside;
        if all <= self.held.bytes() {
            // Less is always granted.
            let _ = self.held.set(all);
        }
    }
}

struct LocalScanner {
    rows: Arc<LocalRows>,
    options: ScanOptions,
    left: usize,
}

#[async_trait]
impl Scanner for LocalScanner {
    async fn next_batch(&mut self) -> SqlResult<Vec<KvPair>> {
        let options = &mut self.options;
        let ends = !options.end.is_empty();
        if ends && options.start >= options.end {
            return Ok(Vec::new());
        }
        let end = if ends { Bound::Excluded(options.end.clone()) } else { Bound::Unbounded };
        let start = Bound::Included(options.start.clone());
        let most = self.left.min(BATCH);
        let key_only = options.key_only;
        let pair = |(key, value): (&Bytes, &Bytes)| KvPair {
            key: key.clone(),
            value: if key_only { Bytes::new() } else { value.clone() },
        };
        let state = self.rows.state.lock();
        let range = state.pairs.range::<Bytes, _>((start, end));
        let found: Vec<KvPair> = match options.reverse {
            true => range.rev().take(most).map(pair).collect(),
            false => range.take(most).map(pair).collect(),
        };
        self.left -= found.len();
        match found.last() {
            Some(last) if options.reverse => options.end = last.key.clone(),
            Some(last) => options.start = Bytes::from([&last.key[..], &[0]].concat()),
            None => self.left = 0,
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u8, Option<u8>),
        Mark,
        Back,
        Commit,
        Forget(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0_u8..12, proptest::option::of(any::<u8>()))
                .prop_map(|(key, value)| Step::Write(key, value)),
            2 => Just(Step::Mark),
            2 => Just(Step::Back),
            1 => Just(Step::Commit),
            1 => (0_u8..3).prop_map(Step::Forget),
        ]
    }

    /// Of three tables, four keys each.
    fn key(number: u8) -> Bytes {
        let table = table_prefix(TEMPORARY_IDS + i64::from(number % 3));
        Bytes::from([&table[..], &[b'_', number]].concat())
    }

    proptest! {
        /// Against copies of the whole map at each mark.
        #[test]
        fn goes_back_to_what_it_was(steps in proptest::collection::vec(step(), 1..60)) {
            let memory = Memory::session(&Memory::node(1 << 20), 1 << 20);
            let rows = LocalRows::new(&memory).unwrap();
            let mut marks: Vec<(usize, BTreeMap<Bytes, Bytes>)> = vec![(0, BTreeMap::new())];
            let pairs = || rows.state.lock().pairs.clone();
            for step in steps {
                match step {
                    Step::Write(number, value) => {
                        let value = value.map(|value| Bytes::from(vec![value; usize::from(value)]));
                        rows.write(key(number), value, false);
                    }
                    Step::Mark => marks.push((rows.mark(), pairs())),
                    Step::Back => {
                        let (mark, then) = marks.last().cloned().unwrap();
                        rows.roll_back_to(mark);
                        prop_assert_eq!(pairs(), then);
                    }
                    Step::Commit => {
                        rows.commit();
                        marks = vec![(0, pairs())];
                    }
                    Step::Forget(table) => {
                        let table = TEMPORARY_IDS + i64::from(table);
                        rows.forget(table);
                        let prefix = table_prefix(table);
                        for (_, then) in &mut marks {
                            then.retain(|key, _| !key.starts_with(&prefix));
                        }
                    }
                }
                let state = rows.state.lock();
                let used: usize =
                    state.pairs.iter().map(|(key, value)| size(key, Some(value))).sum();
                prop_assert_eq!(state.used, used);
                let beside: usize =
                    state.undo.iter().map(|(key, value)| size(key, value.as_ref())).sum();
                prop_assert_eq!(state.beside, beside);
            }
            rows.commit();
            prop_assert!(memory.used() >= rows.state.lock().used);
            rows.roll_back_to(0);
            let tables = 0..3;
            tables.for_each(|table| rows.forget(TEMPORARY_IDS + table));
            prop_assert_eq!(memory.used(), 0);
        }
    }
}
