//! Who waits for which pessimistic lock.
//!
//! When a key's lock goes, its first waiter is woken: the oldest transaction, then the first to arrive. The others go on waiting, for
//! the woken one is about to take the lock. The owner's part: run the woken command again, and if it does not take the
//! lock after all (it fails, or its client is gone), wake the key once more.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::latches::CommandId;
use crate::common::Timestamp;

/// A command that waits for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The command.
    pub command: CommandId,
    /// Its transaction.
    pub start_ts: Timestamp,
    /// The key.
    pub key: Bytes,
    /// The transaction that holds the lock.
    pub holder: Timestamp,
    /// When it stops waiting, in whatever unit the owner counts.
    pub deadline: u64,
}

/// The waiting commands of a region.
#[derive(Debug, Default)]
pub struct LockWaiters {
    queues: BTreeMap<Bytes, BTreeMap<(Timestamp, u64), CommandId>>,
    waiters: BTreeMap<CommandId, (Waiter, u64)>,
    deadlines: BTreeSet<(u64, CommandId)>,
    arrivals: u64,
}

impl LockWaiters {
    /// Nobody waits.
    pub fn new() -> LockWaiters {
        LockWaiters::default()
    }

    /// Adds a waiter; a command waits for one key at a time.
    pub fn wait(&mut self, waiter: Waiter) {
        self.remove(waiter.command);
        self.arrivals += 1;
        let place = (waiter.start_ts, self.arrivals);
        self.queues.entry(waiter.key.clone()).or_default().insert(place, waiter.command);
        self.deadlines.insert((waiter.deadline, waiter.command));
        self.waiters.insert(waiter.command, (waiter, self.arrivals));
    }

    /// Takes out the first waiter for a key.
    pub fn wake(&mut self, key: &[u8]) -> Option<Waiter> {
        let (_, &command) = self.queues.get(key)?.first_key_value()?;
        self.remove(command)
    }

    /// Takes out every waiter for a key, in order: when the region moves away.
    pub fn wake_all(&mut self, key: &[u8]) -> Vec<Waiter> {
        std::iter::from_fn(|| self.wake(key)).collect()
    }

    /// Takes out every waiter, in the order of their commands: when leadership is lost.
    pub fn drain(&mut self) -> Vec<Waiter> {
        let waiters = std::mem::take(self).waiters;
        waiters.into_values().map(|(waiter, _)| waiter).collect()
    }

    /// Tells the waiters for a key that another transaction holds it now. Returns them as they were, for the
    /// deadlock detector to replace their edges.
    pub fn retarget(&mut self, key: &[u8], holder: Timestamp) -> Vec<Waiter> {
        let commands: Vec<CommandId> =
            self.queues.get(key).map_or_else(Vec::new, |queue| queue.values().copied().collect());
        let mut before = Vec::with_capacity(commands.len());
        for command in commands {
            if let Some((waiter, _)) = self.waiters.get_mut(&command) {
                before.push(waiter.clone());
                waiter.holder = holder;
            }
        }
        before
    }

    /// Takes out one command: it was cancelled.
    pub fn remove(&mut self, command: CommandId) -> Option<Waiter> {
        let (waiter, arrival) = self.waiters.remove(&command)?;
        self.deadlines.remove(&(waiter.deadline, command));
        if let Some(queue) = self.queues.get_mut(&waiter.key) {
            queue.remove(&(waiter.start_ts, arrival));
            if queue.is_empty() {
                self.queues.remove(&waiter.key);
            }
        }
        Some(waiter)
    }

    /// Takes out those whose deadline is at or before `now`, earliest first.
    pub fn expire(&mut self, now: u64) -> Vec<Waiter> {
        let due: Vec<CommandId> = self
            .deadlines
            .iter()
            .take_while(|(deadline, _)| *deadline <= now)
            .map(|(_, command)| *command)
            .collect();
        due.into_iter().filter_map(|command| self.remove(command)).collect()
    }

    /// When [`expire`](Self::expire) next has something to do.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// How many commands wait.
    pub fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(command: CommandId, start: u64, key: &'static str, deadline: u64) -> Waiter {
        Waiter {
            command,
            start_ts: Timestamp(start),
            key: Bytes::from_static(key.as_bytes()),
            holder: Timestamp(1),
            deadline,
        }
    }

    fn commands(waiters: Vec<Waiter>) -> Vec<CommandId> {
        waiters.into_iter().map(|waiter| waiter.command).collect()
    }

    #[test]
    fn the_oldest_transaction_is_woken_first_then_the_first_to_arrive() {
        let mut waiters = LockWaiters::new();
        waiters.wait(waiter(1, 30, "a", 100));
        waiters.wait(waiter(2, 20, "a", 100));
        waiters.wait(waiter(3, 20, "a", 100));
        waiters.wait(waiter(4, 10, "b", 100));
        assert_eq!(waiters.wake(b"a").map(|waiter| waiter.command), Some(2));
        assert_eq!(commands(waiters.wake_all(b"a")), [3, 1]);
        assert_eq!(waiters.wake(b"a"), None);
        assert_eq!(commands(waiters.drain()), [4]);
        assert!(waiters.is_empty());
    }

    #[test]
    fn deadlines_pass_in_order() {
        let mut waiters = LockWaiters::new();
        waiters.wait(waiter(1, 30, "a", 300));
        waiters.wait(waiter(2, 20, "b", 100));
        waiters.wait(waiter(3, 20, "a", 200));
        assert_eq!(waiters.next_deadline(), Some(100));
        assert_eq!(commands(waiters.expire(200)), [2, 3]);
        assert_eq!(waiters.next_deadline(), Some(300));
        assert_eq!(waiters.remove(1).map(|waiter| waiter.start_ts), Some(Timestamp(30)));
        assert_eq!(waiters.next_deadline(), None);
    }

    #[test]
    fn those_left_behind_wait_for_the_new_holder() {
        let mut waiters = LockWaiters::new();
        waiters.wait(waiter(1, 30, "a", 300));
        assert_eq!(waiters.retarget(b"a", Timestamp(20))[0].holder, Timestamp(1));
        assert_eq!(waiters.wake(b"a").map(|waiter| waiter.holder), Some(Timestamp(20)));
    }
}
