//! How much one answer carries.
//!
//! An answer of several pairs or values ends with the one that makes it this large, whatever its number: so it fits a
//! message between two nodes, however large rows are, and nobody holds more than this and one row. Who asked sees from what
//! came that there is more ([`is_cut`]), and asks again from there on.

use crate::storage::api::KvPair;

/// An answer of so many bytes is full. A fraction of the largest message, so that one more row always fits.
const ANSWER_BYTES: usize = 4 << 20;

/// What is left in an answer.
pub struct Room(usize);

impl Room {
    /// Of an empty answer.
    pub fn new() -> Room {
        Room(ANSWER_BYTES)
    }

    /// Takes it up by so many bytes; whether there is some left.
    pub fn take(&mut self, bytes: usize) -> bool {
        self.0 = self.0.saturating_sub(bytes);
        self.0 > 0
    }

    /// Whether nothing more goes in.
    pub fn is_full(&self) -> bool {
        self.0 == 0
    }
}

impl Default for Room {
    fn default() -> Room {
        Room::new()
    }
}

/// Whether an answer ends here because it was full: behind its last key there may be more.
pub fn is_cut(pairs: &[KvPair]) -> bool {
    let mut room = Room::new();
    !pairs.iter().all(|pair| room.take(pair.key.len() + pair.value.len()))
}
