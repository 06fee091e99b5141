//! Who is polled next: a queue with feedback.

use std::collections::VecDeque;
use std::time::Duration;

/// Until it has computed this long a future is of the first level, until it has computed the second of the second.
const LEVELS_END: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(250)];
const LEVELS: usize = LEVELS_END.len() + 1;
/// One of so many takes is from the last level first, so that it goes on whatever the others do.
const LAST_FIRST: u32 = 8;

/// Futures by how long they have computed.
pub(super) struct Queue<T> {
    levels: [VecDeque<T>; LEVELS],
    takes: u32,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { levels: std::array::from_fn(|_| VecDeque::new()), takes: 0 }
    }
}

impl<T> Queue<T> {
    /// Puts something behind all that has computed about as long.
    pub(super) fn push(&mut self, item: T, used: Duration) {
        let level = LEVELS_END.iter().take_while(|end| used >= **end).count();
        self.levels[level].push_back(item);
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.takes = self.takes.wrapping_add(1);
        if self.takes.is_multiple_of(LAST_FIRST) {
            return self.levels.iter_mut().rev().find_map(VecDeque::pop_front);
        }
        self.levels.iter_mut().find_map(VecDeque::pop_front)
    }

    pub(super) fn len(&self) -> usize {
        self.levels.iter().map(VecDeque::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels.iter().all(VecDeque::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_computed_less_comes_first_and_nobody_starves() {
        let mut queue = Queue::default();
        queue.push("long", Duration::from_secs(5));
        queue.push("middle", Duration::from_millis(10));
        queue.push("short", Duration::ZERO);
        queue.push("short too", Duration::from_millis(9));
        assert_eq!(queue.len(), 4);
        assert_eq!(queue.pop(), Some("short"));
        assert_eq!(queue.pop(), Some("short too"));
        let mut taken = Vec::new();
        while taken.last() != Some(&"long") {
            queue.push("short", Duration::ZERO);
            taken.extend(queue.pop());
        }
        assert!(taken.len() < 10, "{taken:?}");
    }
}
