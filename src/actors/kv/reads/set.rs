//! What a SERIALIZABLE transaction has read, in intervals of keys.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::common::Timestamp;

/// Intervals that are remembered one by one. Beyond that neighbours become one, with what lies between them: a change there is then taken for
/// a conflict that it is not, and the transaction begins again.
const MOST: usize = 16_384;

/// Keys that were read, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::actors::kv) struct Interval {
    /// The first key.
    pub(in crate::actors::kv) start: Bytes,
    /// Past the last key; empty: no bound.
    pub(in crate::actors::kv) end: Bytes,
    /// The snapshot they were read in; of several reads the oldest.
    pub(in crate::actors::kv) at: Timestamp,
}

impl Interval {
    /// The interval of one key.
    pub(in crate::actors::kv) fn point(key: &Bytes, at: Timestamp) -> Interval {
        Interval { start: key.clone(), end: after(key), at }
    }

    /// Whether there is one key in it.
    pub(in crate::actors::kv) fn is_point(&self) -> bool {
        self.end.len() == self.start.len() + 1
            && self.end.ends_with(&[0])
            && self.end.starts_with(&self.start)
    }

    fn ends_behind(&self, key: &Bytes) -> bool {
        self.end.is_empty() || self.end > *key
    }
}

/// The next possible key.
pub(in crate::actors::kv) fn after(key: &Bytes) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

/// Intervals that do not overlap, in the order of their keys.
#[derive(Debug, Default)]
struct Intervals(BTreeMap<Bytes, Interval>);

impl Intervals {
    fn add(&mut self, mut new: Interval) {
        // The one before may reach into it, those that begin within it are taken over.
        loop {
            let met = match self.0.range::<Bytes, _>(..=&new.start).next_back() {
                Some((start, before)) if before.joins(&new) => Some(start.clone()),
                _ => {
                    let next = self.0.range::<Bytes, _>(&new.start..).next();
                    next.filter(|(_, next)| new.joins(next)).map(|(start, _)| start.clone())
                }
            };
            let Some(met) = met.and_then(|start| self.0.remove(&start)) else { break };
            new = met.joined(new);
        }
        self.0.insert(new.start.clone(), new);
        if self.0.len() > MOST {
            self.fold();
        }
    }

    /// Makes one of each pair of neighbours.
    fn fold(&mut self) {
        let mut folded = BTreeMap::new();
        let mut all = std::mem::take(&mut self.0).into_values();
        while let Some(first) = all.next() {
            let pair = match all.next() {
                Some(second) => first.joined(second),
                None => first,
            };
            folded.insert(pair.start.clone(), pair);
        }
        self.0 = folded;
    }
}

impl Interval {
    /// Whether one that begins no earlier belongs to this one: it overlaps, or goes on with the same snapshot where this one ends.
    fn joins(&self, later: &Interval) -> bool {
        self.ends_behind(&later.start) || (self.end == later.start && self.at == later.at)
    }

    /// Both, and what lies between them.
    fn joined(self, other: Interval) -> Interval {
        let end = match (&self.end, &other.end) {
            (end, _) | (_, end) if end.is_empty() => Bytes::new(),
            (one, two) => one.max(two).clone(),
        };
        Interval { start: self.start.min(other.start), end, at: self.at.min(other.at) }
    }
}

/// What the statements of a transaction have read.
#[derive(Debug, Default)]
pub(in crate::actors::kv) struct ReadSet {
    /// By statements that are over.
    kept: Intervals,
    /// By the run in hand of the statement in hand.
    running: Intervals,
}

impl ReadSet {
    /// Notes a read.
    pub(in crate::actors::kv) fn add(&mut self, read: Interval) {
        self.running.add(read);
    }

    /// A statement begins: what was read before counts.
    pub(in crate::actors::kv) fn begin_statement(&mut self) {
        for read in std::mem::take(&mut self.running.0).into_values() {
            self.kept.add(read);
        }
    }

    /// The statement in hand is run again: nobody has seen what it read.
    pub(in crate::actors::kv) fn run_again(&mut self) {
        self.running.0.clear();
    }

    /// All reads.
    pub(in crate::actors::kv) fn into_intervals(mut self) -> Vec<Interval> {
        self.begin_statement();
        self.kept.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval(start: u8, end: u8, at: u64) -> Interval {
        let key = |byte: u8| Bytes::copy_from_slice(&[byte]);
        Interval {
            start: key(start),
            end: if end == 0 { Bytes::new() } else { key(end) },
            at: Timestamp(at),
        }
    }

    fn add_all(reads: &[Interval]) -> Vec<Interval> {
        let mut set = ReadSet::default();
        for (index, read) in reads.iter().enumerate() {
            if index % 3 == 0 {
                set.begin_statement();
            }
            set.add(read.clone());
        }
        set.into_intervals()
    }

    #[test]
    fn what_overlaps_is_one_and_as_old_as_its_oldest() {
        let together =
            add_all(&[interval(1, 4, 9), interval(3, 6, 7), interval(6, 8, 7), interval(8, 9, 5)]);
        assert_eq!(together, [interval(1, 8, 7), interval(8, 9, 5)]);
        assert_eq!(
            add_all(&[interval(5, 0, 2), interval(7, 8, 3), interval(1, 2, 3)]),
            [interval(1, 2, 3), interval(5, 0, 2)]
        );
    }

    #[test]
    fn a_run_that_is_repeated_has_read_nothing() {
        let mut set = ReadSet::default();
        set.add(interval(1, 2, 5));
        set.begin_statement();
        set.add(interval(1, 9, 3));
        set.run_again();
        assert_eq!(set.into_intervals(), [interval(1, 2, 5)]);
    }

    #[test]
    fn many_are_folded_and_none_is_lost() {
        let mut set = ReadSet::default();
        let key = |number: u32| Bytes::copy_from_slice(&number.to_be_bytes());
        let count = 3 * u32::try_from(MOST).unwrap();
        for number in 0..count {
            set.add(Interval::point(&key(number * 2), Timestamp(u64::from(number))));
        }
        let all = set.into_intervals();
        assert!(all.len() <= MOST);
        for number in 0..count {
            let (key, at) = (key(number * 2), Timestamp(u64::from(number)));
            assert!(all.iter().any(|read| read.start <= key && read.end > key && read.at <= at));
        }
    }

    proptest! {
        /// Every read is inside of an interval that is no younger; intervals neither overlap nor hold what nobody read.
        #[test]
        fn they_hold_what_was_read(reads in proptest::collection::vec((0u8..40, 1u8..6, 1u64..5), 1..30)) {
            let reads: Vec<Interval> =
                reads.into_iter().map(|(start, len, at)| interval(start, start + len, at)).collect();
            let kept = add_all(&reads);
            for pair in kept.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            for byte in 0..50u8 {
                let inside = |read: &&Interval| read.start[0] <= byte && read.end[0] > byte;
                let oldest = reads.iter().filter(inside).map(|read| read.at).min();
                let found = kept.iter().find(inside).map(|read| read.at);
                prop_assert_eq!(oldest.is_some(), found.is_some());
                prop_assert!(found <= oldest);
            }
        }
    }
}
