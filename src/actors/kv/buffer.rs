//! What a transaction has written and not yet committed.
//!
//! An ordered map beside a log of what each change replaced. A savepoint is a position in that log, so taking one costs nothing,
//! and going back undoes the changes since, last to first.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::pieces::Pieces;
use crate::sql::kv::Savepoint;

/// The newest write of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    /// The value; `None`: a deletion.
    pub(super) value: Option<Bytes>,
    /// The key must not exist in the store when the transaction commits.
    pub(super) must_not_exist: bool,
}

/// The writes of a transaction, by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer {
    writes: BTreeMap<Bytes, Write>,
    undo: Vec<(Bytes, Option<Write>)>,
    bytes: usize,
    /// What stands in `undo`, in bytes.
    undo_bytes: usize,
    /// The largest write ever made that has not been undone, with the length of `undo` after it.
    largest: Option<(usize, usize)>,
}

impl Buffer {
    /// Buffers a put.
    pub(super) fn put(&mut self, key: Bytes, value: Bytes) {
        let must_not_exist = self.must_not_exist(&key);
        self.set(key, Write { value: Some(value), must_not_exist });
    }

    /// Buffers a put of a key that must not exist. After a deletion of a key that may exist it is a plain put: the
    /// transaction itself made the room.
    pub(super) fn insert(&mut self, key: Bytes, value: Bytes) {
        let made_room = self
            .writes
            .get(&key)
            .is_some_and(|write| write.value.is_none() && !write.must_not_exist);
        self.set(key, Write { value: Some(value), must_not_exist: !made_room });
    }

    /// Buffers a deletion. Of a key this transaction inserted, what remains is that the key must not exist.
    pub(super) fn delete(&mut self, key: Bytes) {
        let must_not_exist = self.must_not_exist(&key);
        self.set(key, Write { value: None, must_not_exist });
    }

    fn must_not_exist(&self, key: &Bytes) -> bool {
        self.writes.get(key).is_some_and(|write| write.must_not_exist)
    }

    fn set(&mut self, key: Bytes, write: Write) {
        let added = size(&key, &write);
        self.bytes += added;
        let old = self.writes.insert(key.clone(), write);
        if let Some(old) = &old {
            self.bytes -= size(&key, old);
        }
        self.undo_bytes += old.as_ref().map_or(0, |old| size(&key, old));
        self.undo.push((key, old));
        if self.largest.is_none_or(|(largest, _)| largest < added) {
            self.largest = Some((added, self.undo.len()));
        }
    }

    /// The mark of now.
    pub(super) fn savepoint(&self) -> Savepoint {
        Savepoint(self.undo.len())
    }

    /// Forgets what was written since the mark. What that was is given back where it was everything, to be dropped when there is time.
    pub(super) fn rollback_to(&mut self, savepoint: Savepoint) -> Option<Buffer> {
        if savepoint.0 == 0 {
            return Some(std::mem::take(self));
        }
        while self.undo.len() > savepoint.0 {
            let Some((key, old)) = self.undo.pop() else { break };
            let undone = match old {
                Some(old) => {
                    self.bytes += size(&key, &old);
                    self.undo_bytes -= size(&key, &old);
                    self.writes.insert(key.clone(), old)
                }
                None => self.writes.remove(&key),
            };
            if let Some(undone) = undone {
                self.bytes -= size(&key, &undone);
            }
        }
        if self.largest.is_some_and(|(_, after)| after > self.undo.len()) {
            let sizes = self.writes.iter().map(|(key, write)| size(key, write));
            self.largest = sizes.max().map(|largest| (largest, 0));
        }
        None
    }

    /// Lets go of everything, in pieces.
    pub(super) async fn drop_in_pieces(mut self) {
        let mut pieces = Pieces::default();
        while self.writes.pop_first().is_some() | self.undo.pop().is_some() {
            pieces.count().await;
        }
    }

    /// What was written to a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Write> {
        self.writes.get(key)
    }

    /// The writes of `[start, end)` (an empty `end` is no bound), by key.
    pub(super) fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
    ) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a Write)> {
        // A range that ends before it starts holds nothing; the map would panic.
        let empty = !end.is_empty() && end <= start;
        let upper = match end {
            _ if empty => Bound::Excluded(start),
            [] => Bound::Unbounded,
            _ => Bound::Excluded(end),
        };
        self.writes.range::<[u8], _>((Bound::Included(start), upper))
    }

    /// All writes, by key.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Bytes, &Write)> {
        self.writes.iter()
    }

    /// How many keys are written.
    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether nothing is written.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The bytes of the largest write.
    pub(super) fn largest(&self) -> usize {
        self.largest.map_or(0, |(largest, _)| largest)
    }

    /// The bytes held: of the keys and values, and of what they replaced and may have to be again.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes + self.undo_bytes
    }

    /// The bytes of the keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn size(key: &Bytes, write: &Write) -> usize {
    key.len() + write.value.as_ref().map_or(0, Bytes::len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_insert_stays_one_until_it_makes_its_own_room() {
        let (key, value) = (Bytes::from_static(b"k"), Bytes::from_static(b"v"));
        let mut buffer = Buffer::default();
        buffer.insert(key.clone(), value.clone());
        buffer.put(key.clone(), value.clone());
        assert!(buffer.get(&key).unwrap().must_not_exist);
        buffer.delete(key.clone());
        assert!(buffer.get(&key).unwrap().must_not_exist, "nothing of it may be in the store");
        buffer.insert(key.clone(), value.clone());
        assert!(buffer.get(&key).unwrap().must_not_exist);

        let mut buffer = Buffer::default();
        buffer.delete(key.clone());
        buffer.insert(key.clone(), value);
        assert!(!buffer.get(&key).unwrap().must_not_exist, "the transaction deleted it itself");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(u8, u8),
        Insert(u8, u8),
        Delete(u8),
        Mark,
        Back,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u8..8, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
            (0u8..8, any::<u8>()).prop_map(|(key, value)| Step::Insert(key, value)),
            (0u8..8).prop_map(Step::Delete),
            Just(Step::Mark),
            Just(Step::Back),
        ]
    }

    proptest! {
        /// Against copies of the whole map at each savepoint.
        #[test]
        fn goes_back_to_what_it_was(steps in proptest::collection::vec(step(), 1..80)) {
            let mut buffer = Buffer::default();
            let mut marks: Vec<(Savepoint, BTreeMap<Bytes, Write>)> = Vec::new();
            let key = |byte: u8| Bytes::from(vec![byte]);
            for step in steps {
                match step {
                    Step::Put(k, v) => buffer.put(key(k), key(v)),
                    Step::Insert(k, v) => buffer.insert(key(k), key(v)),
                    Step::Delete(k) => buffer.delete(key(k)),
                    Step::Mark => marks.push((buffer.savepoint(), buffer.writes.clone())),
                    Step::Back => if let Some((mark, then)) = marks.pop() {
                        buffer.rollback_to(mark);
                        prop_assert_eq!(&buffer.writes, &then);
                    }
                }
                let bytes: usize = buffer.iter().map(|(key, write)| size(key, write)).sum();
                prop_assert_eq!(buffer.bytes(), bytes);
                let largest = buffer.iter().map(|(key, write)| size(key, write)).max();
                prop_assert!(buffer.largest() >= largest.unwrap_or(0));
                let held: usize = buffer.undo.iter().flat_map(|(key, old)| old.as_ref().map(|old| size(key, old))).sum();
                prop_assert_eq!(buffer.held_bytes(), bytes + held);
                let range: Vec<u8> = buffer.range(&[2], &[5]).map(|(key, _)| key[0]).collect();
                let expected: Vec<u8> =
                    buffer.iter().map(|(key, _)| key[0]).filter(|key| (2..5).contains(key)).collect();
                prop_assert_eq!(range, expected);
            }
        }
    }
}
