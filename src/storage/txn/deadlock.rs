//! The wait-for graph of transactions, in which a cycle is a deadlock.
//!
//! One detector sees the waits of the whole cluster. It is told of an edge before its transaction starts to wait and
//! when it stops; edges also expire, so that a forgotten one does no lasting harm.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::common::Timestamp;

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

/// The graph.
#[derive(Debug, Default)]
pub struct DeadlockDetector {
    /// By waiter: whom it waits for at which key, and until when the edge counts.
    edges: BTreeMap<Timestamp, BTreeMap<(Timestamp, Bytes), u64>>,
}

impl DeadlockDetector {
    /// Nobody waits.
    pub fn new() -> DeadlockDetector {
        DeadlockDetector::default()
    }

    /// Adds an edge that counts until `expires_at`, unless it closes a cycle: then nothing is added and the cycle returned. The
    /// transaction that asks is the victim.
    pub fn detect(&mut self, edge: WaitEdge, now: u64, expires_at: u64) -> Option<DeadlockCycle> {
        if edge.waiter == edge.holder {
            return Some(DeadlockCycle { chain: vec![edge] });
        }
        let mut visited = BTreeSet::new();
        if let Some(mut chain) = self.path(edge.holder, edge.waiter, now, &mut visited) {
            chain.push(edge);
            return Some(DeadlockCycle { chain });
        }
        self.edges.entry(edge.waiter).or_default().insert((edge.holder, edge.key), expires_at);
        None
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
            edges.filter(move |(_, expires)| **expires > now).map(move |((holder, key), _)| {
                WaitEdge { waiter, holder: *holder, key: key.clone() }
            })
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

    /// Forgets one wait: the waiter was woken.
    pub fn remove(&mut self, edge: &WaitEdge) {
        if let Some(edges) = self.edges.get_mut(&edge.waiter) {
            edges.remove(&(edge.holder, edge.key.clone()));
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
        self.edges.retain(|_, edges| {
            edges.retain(|_, expires| *expires > now);
            !edges.is_empty()
        });
    }

    /// Forgets everything: on moving to another node.
    pub fn clear(&mut self) {
        self.edges.clear();
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
        detector.remove(&edge(2, 1));
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
}
