//! Pessimistic locks in the memory of the region's leader.
//!
//! They are not replicated, so taking one costs no log entry. What that gives up: a leader that dies takes them along. The
//! transaction then notices at its prewrite, which *amends* the lock if nobody wrote the key since it started, and fails
//! otherwise; so a lost lock costs at worst a retry, never a lost update. A leader that gives up leadership in an orderly way
//! writes its locks into the lock family first ([`LockTable::persist`]), where the commands find them too.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;

use super::LockKind;
use crate::common::Timestamp;
use crate::storage::engine::{Cf, WriteBatch};
use crate::storage::mvcc::key::data_key;
use crate::storage::mvcc::{KeyRange, Lock};

/// A pessimistic lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PessimisticEntry {
    /// The primary key of the transaction.
    pub primary: Bytes,
    /// The transaction.
    pub start_ts: Timestamp,
    /// Milliseconds after `start_ts`.
    pub ttl_ms: u64,
    /// When the lock was taken last.
    pub for_update_ts: Timestamp,
}

impl PessimisticEntry {
    /// The entry of a pessimistic lock record.
    pub(super) fn of(lock: &Lock) -> PessimisticEntry {
        PessimisticEntry {
            primary: lock.primary.clone(),
            start_ts: lock.start_ts,
            ttl_ms: lock.ttl_ms,
            for_update_ts: lock.for_update_ts,
        }
    }

    /// The lock as a record of the lock family.
    pub fn to_lock(&self) -> Lock {
        Lock {
            kind: LockKind::Pessimistic,
            primary: self.primary.clone(),
            start_ts: self.start_ts,
            ttl_ms: self.ttl_ms,
            txn_size: 0,
            for_update_ts: self.for_update_ts,
            min_commit_ts: Timestamp::ZERO,
            use_async_commit: false,
            secondaries: Vec::new(),
            short_value: None,
        }
    }
}

/// The pessimistic locks of a region.
#[derive(Debug, Default)]
pub struct LockTable {
    locks: BTreeMap<Bytes, PessimisticEntry>,
    by_txn: BTreeMap<Timestamp, BTreeSet<Bytes>>,
}

impl LockTable {
    /// An empty table.
    pub fn new() -> LockTable {
        LockTable::default()
    }

    /// The lock on a key.
    pub fn get(&self, key: &[u8]) -> Option<&PessimisticEntry> {
        self.locks.get(key)
    }

    /// Sets the lock on a key, or renews that of the same transaction. Another's is removed before: whoever lost it must know.
    pub fn insert(&mut self, key: Bytes, entry: PessimisticEntry) {
        let start_ts = entry.start_ts;
        self.by_txn.entry(start_ts).or_default().insert(key.clone());
        if let Some(old) = self.locks.insert(key, entry) {
            assert!(
                old.start_ts == start_ts,
                "transaction {start_ts} takes a key that {} has locked",
                old.start_ts
            );
        }
    }

    /// Removes the lock of a transaction on a key; true if it was there.
    pub fn remove(&mut self, key: &[u8], start_ts: Timestamp) -> bool {
        if self.locks.get(key).is_none_or(|entry| entry.start_ts != start_ts) {
            return false;
        }
        self.locks.remove(key);
        self.forget(start_ts, key);
        true
    }

    fn forget(&mut self, start_ts: Timestamp, key: &[u8]) {
        if let Some(keys) = self.by_txn.get_mut(&start_ts) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_txn.remove(&start_ts);
            }
        }
    }

    /// The keys a transaction holds.
    pub fn keys_of(&self, start_ts: Timestamp) -> impl Iterator<Item = &Bytes> {
        self.by_txn.get(&start_ts).into_iter().flatten()
    }

    /// The locks between two user keys, in order; an empty `end` has no bound.
    pub fn range<'a>(
        &'a self,
        start: &[u8],
        end: &'a [u8],
    ) -> impl Iterator<Item = (&'a Bytes, &'a PessimisticEntry)> {
        self.locks
            .range::<[u8], _>((Bound::Included(start), Bound::Unbounded))
            .take_while(move |(key, _)| end.is_empty() || **key < *end)
    }

    /// The locks whose transactions have not been heard of within their ttl, at `now`.
    pub fn expired(&self, now: Timestamp) -> Vec<(Bytes, Timestamp)> {
        let dead = self.locks.iter().filter(|(_, entry)| entry.to_lock().is_expired(now));
        dead.map(|(key, entry)| (key.clone(), entry.start_ts)).collect()
    }

    /// Moves the locks outside `range` into a table of their own: the other half of a split.
    pub fn split_off(&mut self, range: &KeyRange) -> LockTable {
        let mut kept = LockTable::new();
        let mut moved = LockTable::new();
        for (key, entry) in std::mem::take(&mut self.locks) {
            let half = if range.contains(&data_key(&key)) { &mut kept } else { &mut moved };
            half.insert(key, entry);
        }
        *self = kept;
        moved
    }

    /// Takes over the locks of another table: a merge.
    pub fn absorb(&mut self, other: LockTable) {
        for (key, entry) in other.locks {
            self.insert(key, entry);
        }
    }

    /// What writes every lock into the lock family, to hand them to the next leader. Once it is applied the table
    /// is to be cleared; until then the leader must take no new locks.
    pub fn persist(&self) -> WriteBatch {
        let mut batch = WriteBatch::new();
        for (key, entry) in &self.locks {
            batch.put(Cf::Lock, data_key(key), entry.to_lock().encode());
        }
        batch
    }

    /// Forgets every lock: on losing or newly gaining leadership.
    pub fn clear(&mut self) {
        self.locks.clear();
        self.by_txn.clear();
    }

    /// How many keys are locked.
    pub fn len(&self) -> usize {
        self.locks.len()
    }

    /// Whether no key is locked.
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start: u64) -> PessimisticEntry {
        PessimisticEntry {
            primary: Bytes::from_static(b"a"),
            start_ts: Timestamp::compose(start, 0),
            ttl_ms: 10,
            for_update_ts: Timestamp::compose(start, 0),
        }
    }

    fn table() -> LockTable {
        let mut table = LockTable::new();
        table.insert(Bytes::from_static(b"a"), entry(1));
        table.insert(Bytes::from_static(b"b"), entry(2));
        table.insert(Bytes::from_static(b"c"), entry(1));
        table
    }

    #[test]
    fn finds_locks_by_key_and_by_transaction() {
        let mut table = table();
        let held: Vec<_> = table.keys_of(Timestamp::compose(1, 0)).cloned().collect();
        assert_eq!(held, ["a", "c"]);
        assert!(!table.remove(b"a", Timestamp::compose(2, 0)), "not its lock");
        assert!(table.remove(b"a", Timestamp::compose(1, 0)));
        assert_eq!(table.keys_of(Timestamp::compose(1, 0)).count(), 1);
        table.insert(Bytes::from_static(b"c"), entry(1));
        assert_eq!(table.len(), 2);
        assert_eq!(table.range(b"b", b"c").count(), 1);
        assert_eq!(table.range(b"b", b"").count(), 2);
    }

    #[test]
    #[should_panic(expected = "has locked")]
    fn a_lock_is_not_taken_from_another() {
        table().insert(Bytes::from_static(b"c"), entry(3));
    }

    #[test]
    fn locks_expire_after_their_ttl() {
        let table = table();
        assert!(table.expired(Timestamp::compose(11, 0)).is_empty());
        let expired = table.expired(Timestamp::compose(12, 0));
        assert_eq!(expired.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn a_split_divides_the_locks_and_a_merge_joins_them() {
        let mut left = table();
        let right = left.split_off(&KeyRange::all().clip(b"", b"b"));
        assert_eq!((left.len(), right.len()), (1, 2));
        left.absorb(right);
        assert_eq!(left.len(), 3);
        assert_eq!(left.keys_of(Timestamp::compose(1, 0)).count(), 2);
        assert_eq!(left.persist().ops.len(), 3);
    }
}
