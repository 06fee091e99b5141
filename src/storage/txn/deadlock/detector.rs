//! The wait-for graph of transactions, in which a cycle is a deadlock.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::waits::{SharedWaits, WaitsShared};
use crate::common::{StoreId, Timestamp};

/// Nanoseconds for which what a store told counts after its last word: several times as long as a store with waits is
/// silent.
pub(super) const ACCOUNT_LEASE: u64 = 3_000_000_000;

/// One transaction waits for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitEdge {
    /// Who waits.
    pub waiter: Timestamp,
    /// Who holds the lock.
    pub holder: Timestamp,
    /// The key of the lock.
    pub key: Bytes,
}

/// A cycle that a new wait would have closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlockCycle {
    /// The waits from the holder of the wanted lock back to the transaction that wants it, and that one's own last.
    pub chain: Vec<WaitEdge>,
}

/// What is known of an edge beside its ends.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// The store with the lock, which told of it.
    from: StoreId,
    /// Until when it counts.
    expires_at: u64,
}

/// What a store has told of its waits.
#[derive(Clone, Copy, Debug)]
struct Account {
    number: u64,
    /// Until when it counts, unless the store goes on with it.
    until: u64,
}

/// The graph.
#[derive(Debug, Default)]
pub struct DeadlockDetector {
    /// By waiter: whom it waits for at which key.
    edges: BTreeMap<Timestamp, BTreeMap<(Timestamp, Bytes), Known>>,
    /// The account of each store that has given one.
    accounts: BTreeMap<StoreId, Account>,
}

impl DeadlockDetector {
    /// Nobody waits.
    pub fn new() -> DeadlockDetector {
        DeadlockDetector::default()
    }

    /// Adds an edge that counts until `expires_at`, unless it closes a cycle: then nothing is added and the cycle returned. The
    /// transaction that asks is the victim.
    pub fn detect(&mut self, edge: WaitEdge, now: u64, expires_at: u64) -> Option<DeadlockCycle> {
        self.detect_from(StoreId(0), edge, now, expires_at)
    }

    /// The same for a wait for a lock of some store.
    pub fn detect_from(
        &mut self,
        from: StoreId,
        edge: WaitEdge,
        now: u64,
        expires_at: u64,
    ) -> Option<DeadlockCycle> {
        if edge.waiter == edge.holder {
            return Some(DeadlockCycle { chain: vec![edge] });
        }
        let mut visited = BTreeSet::new();
        if let Some(mut chain) = self.path(edge.holder, edge.waiter, now, &mut visited) {
            chain.push(edge);
            return Some(DeadlockCycle { chain });
        }
        let known = Known { from, expires_at };
        self.edges.entry(edge.waiter).or_default().insert((edge.holder, edge.key), known);
        None
    }

    /// Takes what another store has to tell, and answers which of its waits close cycles, in the order told.
    pub fn take(&mut self, shared: SharedWaits, now: u64) -> WaitsShared {
        let SharedWaits { from, account, all, ended, waits } = shared;
        // While an account has lapsed, others may close cycles with its waits: it is taken anew, wait by wait.
        let is_known = |known: &Account| known.number == account && known.until > now;
        if all {
            self.retain(|other| other != from);
        } else if !self.accounts.get(&from).is_some_and(is_known) {
            return WaitsShared::Unknown;
        }
        let until = now.saturating_add(ACCOUNT_LEASE);
        self.accounts.insert(from, Account { number: account, until });
        for edge in ended {
            self.remove(from, &edge);
        }
        let mut victims = Vec::new();
        for (edge, for_at_most) in waits {
            let expires_at = now.saturating_add(for_at_most);
            if self.detect_from(from, edge.clone(), now, expires_at).is_some() {
                victims.push(edge);
            }
        }
        WaitsShared::Taken { victims }
    }

    /// The edges that lead from one transaction to another. Depth first with a stack of its own, as chains can be long.
    fn path(
        &self,
        from: Timestamp,
        to: Timestamp,
        now: u64,
        visited: &mut BTreeSet<Timestamp>,
    ) -> Option<Vec<WaitEdge>> {
        let live = |waiter: Timestamp| {
            let edges = self.edges.get(&waiter).into_iter().flatten();
            edges.filter(move |(_, known)| self.counts(known, now)).map(
                move |((holder, key), _)| WaitEdge { waiter, holder: *holder, key: key.clone() },
            )
        };
        visited.insert(from);
        let mut stack: Vec<Vec<WaitEdge>> = vec![live(from).collect()];
        let mut chain: Vec<WaitEdge> = Vec::new();
        while let Some(choices) = stack.last_mut() {
            let Some(edge) = choices.pop() else {
                stack.pop();
                chain.pop();
                continue;
            };
            if edge.holder == to {
                chain.push(edge);
                return Some(chain);
            }
            if visited.insert(edge.holder) {
                stack.push(live(edge.holder).collect());
                chain.push(edge);
            }
        }
        None
    }

    /// Whether an edge is believed in: until its wait must be over, and as long as its store speaks.
    fn counts(&self, known: &Known, now: u64) -> bool {
        let has_lapsed = |account: &Account| account.until <= now;
        known.expires_at > now && !self.accounts.get(&known.from).is_some_and(has_lapsed)
    }

    /// The waits that count.
    #[cfg(test)]
    pub(super) fn counting(&self, now: u64) -> BTreeSet<WaitEdge> {
        let all = self.edges.iter().flat_map(|(waiter, edges)| {
            edges.iter().map(move |(to, known)| (*waiter, to.clone(), known))
        });
        all.filter(|(_, _, known)| self.counts(known, now))
            .map(|(waiter, (holder, key), _)| WaitEdge { waiter, holder, key })
            .collect()
    }

    /// Forgets one wait that this store told of: the waiter was woken. The same wait as told by another store stays; the
    /// lock has moved there.
    pub fn remove(&mut self, from: StoreId, edge: &WaitEdge) {
        if let Some(edges) = self.edges.get_mut(&edge.waiter) {
            let at = (edge.holder, edge.key.clone());
            if edges.get(&at).is_some_and(|known| known.from == from) {
                edges.remove(&at);
            }
            if edges.is_empty() {
                self.edges.remove(&edge.waiter);
            }
        }
    }

    /// Forgets all waits of a transaction: it ended.
    pub fn remove_waiter(&mut self, waiter: Timestamp) {
        self.edges.remove(&waiter);
    }

    /// Drops the edges that no longer count.
    pub fn expire(&mut self, now: u64) {
        let mut edges = std::mem::take(&mut self.edges);
        edges.retain(|_, edges| {
            edges.retain(|_, known| self.counts(known, now));
            !edges.is_empty()
        });
        self.edges = edges;
        self.accounts.retain(|_, account| account.until > now);
    }

    /// Forgets what other stores told: it is no longer the detector.
    pub fn keep_only(&mut self, own: StoreId) {
        self.retain(|from| from == own);
        self.accounts.clear();
    }

    fn retain(&mut self, keep: impl Fn(StoreId) -> bool) {
        self.edges.retain(|_, edges| {
            edges.retain(|_, known| keep(known.from));
            !edges.is_empty()
        });
    }

    /// How many edges it knows.
    pub fn len(&self) -> usize {
        self.edges.values().map(BTreeMap::len).sum()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(waiter: u64, holder: u64) -> WaitEdge {
        WaitEdge {
            waiter: Timestamp(waiter),
            holder: Timestamp(holder),
            key: Bytes::from(format!("{holder}")),
        }
    }

    #[test]
    fn the_wait_that_closes_a_cycle_is_refused_with_its_chain() {
        let mut detector = DeadlockDetector::new();
        for (waiter, holder) in [(1, 2), (2, 3), (2, 5), (5, 6)] {
            assert_eq!(detector.detect(edge(waiter, holder), 0, 10), None);
        }
        let cycle =
            detector.detect(edge(3, 1), 0, 10).expect("3 waits for 1 waits for 2 waits for 3");
        assert_eq!(cycle.chain, [edge(1, 2), edge(2, 3), edge(3, 1)]);
        assert_eq!(detector.len(), 4, "the refused wait is not in the graph");
        assert!(detector.detect(edge(7, 7), 0, 10).is_some());
    }

    #[test]
    fn waits_that_ended_or_expired_close_no_cycle() {
        let mut detector = DeadlockDetector::new();
        assert_eq!(detector.detect(edge(1, 2), 0, 10), None);
        assert_eq!(detector.detect(edge(2, 1), 10, 20), None, "the first edge counted until 10");
        detector.expire(10);
        assert_eq!(detector.len(), 1);
        detector.remove(StoreId(1), &edge(2, 1));
        assert_eq!(detector.len(), 1, "another store's");
        detector.remove(StoreId(0), &edge(2, 1));
        assert!(detector.is_empty());
        assert_eq!(detector.detect(edge(1, 2), 0, 10), None);
        detector.remove_waiter(Timestamp(1));
        assert_eq!(detector.detect(edge(2, 1), 0, 10), None);
    }

    #[test]
    fn a_diamond_is_not_a_cycle() {
        let mut detector = DeadlockDetector::new();
        for (waiter, holder) in [(1, 2), (1, 3), (2, 4), (3, 4)] {
            assert_eq!(detector.detect(edge(waiter, holder), 0, 10), None);
        }
        assert!(detector.detect(edge(4, 1), 0, 10).is_some());
    }

    fn told(from: u64, account: u64, all: bool, edges: &[(u64, u64)]) -> SharedWaits {
        let waits = edges.iter().map(|(waiter, holder)| (edge(*waiter, *holder), 10)).collect();
        SharedWaits { from: StoreId(from), account, all, ended: Vec::new(), waits }
    }

    fn victims(edges: &[(u64, u64)]) -> WaitsShared {
        let victims = edges.iter().map(|(waiter, holder)| edge(*waiter, *holder)).collect();
        WaitsShared::Taken { victims }
    }

    #[test]
    fn a_cycle_over_stores_is_found_whoever_tells_last() {
        let mut detector = DeadlockDetector::new();
        assert_eq!(detector.take(told(1, 1, true, &[(1, 2)]), 0), victims(&[]));
        assert_eq!(detector.take(told(2, 1, true, &[(5, 6)]), 0), victims(&[]));
        assert_eq!(detector.take(told(2, 1, false, &[(3, 2), (2, 1)]), 0), victims(&[(2, 1)]));
        assert_eq!(detector.len(), 3);
    }

    #[test]
    fn a_new_account_replaces_what_the_store_told_before() {
        let mut detector = DeadlockDetector::new();
        detector.take(told(1, 1, true, &[(1, 2)]), 0);
        detector.take(told(2, 1, true, &[(7, 8)]), 0);
        assert_eq!(detector.take(told(1, 2, true, &[(3, 4)]), 0), victims(&[]));
        assert_eq!(detector.take(told(2, 1, false, &[(2, 1)]), 0), victims(&[]));
        assert_eq!(detector.len(), 3);
    }

    #[test]
    fn more_of_an_unknown_account_is_not_taken() {
        let mut detector = DeadlockDetector::new();
        assert_eq!(detector.take(told(1, 1, false, &[(1, 2)]), 0), WaitsShared::Unknown);
        detector.take(told(1, 1, true, &[(1, 2)]), 0);
        assert_eq!(detector.take(told(1, 2, false, &[]), 0), WaitsShared::Unknown);
        detector.detect_from(StoreId(9), edge(3, 4), 0, 10);
        detector.keep_only(StoreId(9));
        assert_eq!(detector.len(), 1);
        assert_eq!(detector.take(told(1, 1, false, &[]), 0), WaitsShared::Unknown);
    }

    #[test]
    fn a_store_that_is_silent_is_not_believed_any_more() {
        let mut detector = DeadlockDetector::new();
        let account = |account, all, edges: &[(u64, u64)]| SharedWaits {
            waits: edges.iter().map(|(from, to)| (edge(*from, *to), u64::MAX)).collect(),
            ..told(1, account, all, &[])
        };
        detector.take(account(1, true, &[(1, 2)]), 0);
        let half = ACCOUNT_LEASE / 2;
        assert_eq!(detector.take(account(1, false, &[]), half), victims(&[]), "it is there");
        assert!(detector.detect(edge(2, 1), ACCOUNT_LEASE, u64::MAX).is_some(), "so it counts");
        let lapsed = half + ACCOUNT_LEASE;
        assert_eq!(detector.detect(edge(2, 1), lapsed, u64::MAX), None, "nobody knows");
        // The cycle that was not seen then is found when the store speaks again.
        assert_eq!(detector.take(account(1, false, &[]), lapsed), WaitsShared::Unknown);
        assert_eq!(detector.take(account(2, true, &[(1, 2)]), lapsed), victims(&[(1, 2)]));
        detector.expire(lapsed + ACCOUNT_LEASE);
        assert_eq!(detector.len(), 1, "its own waits need no account");
    }

    #[test]
    fn waits_end_before_others_begin() {
        let mut detector = DeadlockDetector::new();
        detector.take(told(1, 1, true, &[(1, 2), (3, 4)]), 0);
        let ended = vec![edge(1, 2), edge(3, 4)];
        let more = SharedWaits { ended, ..told(1, 1, false, &[(1, 2), (2, 5)]) };
        assert_eq!(detector.take(more, 0), victims(&[]));
        assert_eq!(detector.counting(0), BTreeSet::from([edge(1, 2), edge(2, 5)]));
    }

    #[test]
    fn told_waits_count_for_as_long_as_was_said() {
        let mut detector = DeadlockDetector::new();
        detector.take(told(1, 1, true, &[(1, 2)]), 100);
        assert_eq!(detector.take(told(2, 1, true, &[(2, 1)]), 109), victims(&[(2, 1)]));
        assert_eq!(detector.take(told(2, 1, false, &[(2, 1)]), 110), victims(&[]));
    }
}
