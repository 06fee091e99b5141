//! Latches: commands on the same key take turns, from their look at its state until their write is applied.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

/// Names a command while it holds or waits for latches.
pub type CommandId = u64;

/// The keys of the commands in flight in one region, each with its queue.
///
/// A command enters the queues of all its keys at once and runs when it is first in each of them. As all commands
/// enter atomically, any two queue in the same order wherever they meet, so they cannot wait for each other.
#[derive(Debug, Default)]
pub struct Latches {
    queues: HashMap<Bytes, VecDeque<CommandId>, ahash::RandomState>,
    /// For commands that wait: in how many queues they are not first.
    blocked: HashMap<CommandId, usize, ahash::RandomState>,
}

impl Latches {
    /// No latches.
    pub fn new() -> Latches {
        Latches::default()
    }

    /// Queues a command for its keys, which must be free of duplicates. True: it holds them all now. False: a
    /// later [`release`](Self::release) returns its id when it does.
    pub fn acquire(&mut self, command: CommandId, keys: &[Bytes]) -> bool {
        let mut behind = 0;
        for key in keys {
            let queue = self.queues.entry(key.clone()).or_default();
            debug_assert!(!queue.contains(&command), "a command queues once for a key");
            behind += usize::from(!queue.is_empty());
            queue.push_back(command);
        }
        if behind > 0 {
            self.blocked.insert(command, behind);
        }
        behind == 0
    }

    /// Gives up a command's keys, the same as it acquired, whether it holds or still waits for them. Returns the
    /// commands that hold all their keys thereby, in the order of `keys`.
    pub fn release(&mut self, command: CommandId, keys: &[Bytes]) -> Vec<CommandId> {
        self.blocked.remove(&command);
        let mut woken = Vec::new();
        for key in keys {
            let Some(queue) = self.queues.get_mut(key) else { continue };
            let was_first = queue.front() == Some(&command);
            queue.retain(|queued| *queued != command);
            match queue.front() {
                None => {
                    self.queues.remove(key);
                }
                Some(&next) if was_first => woken.extend(self.advance(next)),
                Some(_) => {}
            }
        }
        woken
    }

    /// Notes that a command became first in one more queue.
    fn advance(&mut self, command: CommandId) -> Option<CommandId> {
        let behind = self.blocked.get_mut(&command)?;
        *behind -= 1;
        if *behind > 0 {
            return None;
        }
        self.blocked.remove(&command);
        Some(command)
    }

    /// How many keys are latched.
    pub fn len(&self) -> usize {
        self.queues.len()
    }

    /// Whether no command is in flight.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// How many commands wait.
    pub fn waiting(&self) -> usize {
        self.blocked.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&'static str]) -> Vec<Bytes> {
        names.iter().map(|name| Bytes::from_static(name.as_bytes())).collect()
    }

    #[test]
    fn a_key_goes_from_command_to_command_in_order() {
        let mut latches = Latches::new();
        assert!(latches.acquire(1, &keys(&["a"])));
        assert!(!latches.acquire(2, &keys(&["a"])));
        assert!(!latches.acquire(3, &keys(&["a"])));
        assert_eq!(latches.release(1, &keys(&["a"])), vec![2]);
        assert_eq!(latches.release(2, &keys(&["a"])), vec![3]);
        assert_eq!(latches.release(3, &keys(&["a"])), Vec::<CommandId>::new());
        assert!(latches.is_empty());
    }

    #[test]
    fn a_command_runs_only_when_first_everywhere() {
        let mut latches = Latches::new();
        assert!(latches.acquire(1, &keys(&["a"])));
        assert!(latches.acquire(2, &keys(&["b"])));
        assert!(!latches.acquire(3, &keys(&["a", "b", "c"])));
        assert!(!latches.acquire(4, &keys(&["c"])), "3 is before it, though it waits itself");
        assert_eq!(latches.release(1, &keys(&["a"])), Vec::<CommandId>::new());
        assert_eq!(latches.release(2, &keys(&["b"])), vec![3]);
        assert_eq!(latches.release(3, &keys(&["a", "b", "c"])), vec![4]);
        assert_eq!(latches.waiting(), 0);
    }

    #[test]
    fn a_waiting_command_may_leave() {
        let mut latches = Latches::new();
        assert!(latches.acquire(1, &keys(&["a"])));
        assert!(!latches.acquire(2, &keys(&["a", "b"])));
        assert!(!latches.acquire(3, &keys(&["b"])));
        assert_eq!(latches.release(2, &keys(&["a", "b"])), vec![3]);
        assert_eq!(latches.release(1, &keys(&["a"])), Vec::<CommandId>::new());
        assert_eq!(latches.release(3, &keys(&["b"])), Vec::<CommandId>::new());
        assert!(latches.is_empty());
    }
}
