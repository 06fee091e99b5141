//! Weights of characters that are bytes: codes of a character set, and weights from a table.

use std::sync::OnceLock;

use super::super::Charset;
use super::super::charset::Codes;
use super::{Collation, tables};

/// The weight of a character: its bytes and how many they are.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    bytes: [u8; 4],
    len: u8,
}

impl Weight {
    /// Of a character that the set has not, which only a text of another set can hold: behind all others, in the order of Unicode.
    fn foreign(letter: char) -> Weight {
        let mut bytes = u32::from(letter).to_be_bytes();
        bytes[0] = 0xFF;
        Weight { bytes, len: 4 }
    }

    /// Of a character by its code.
    pub(super) fn of_code(set: Charset, letter: char) -> Weight {
        if letter.is_ascii() && set != Charset::Swe7 {
            return Weight { bytes: [letter as u8, 0, 0, 0], len: 1 };
        }
        let mut code = Vec::new();
        if !set.put(letter, &mut code) {
            return Weight::foreign(letter);
        }
        let mut weight = Weight { len: code.len().min(4) as u8, ..Weight::default() };
        weight.bytes.iter_mut().zip(code).for_each(|(place, byte)| *place = byte);
        weight
    }

    /// Its bytes.
    pub(super) fn units(self) -> impl Iterator<Item = u8> {
        self.bytes.into_iter().take(self.len.into())
    }

    /// A number that only it has.
    pub(super) fn number(self) -> u32 {
        // Weights of four bytes begin with what no shorter one does.
        match self.len {
            4 => u32::from_be_bytes(self.bytes),
            len => u32::from(len) << 24 | u32::from_be_bytes(self.bytes) >> 8,
        }
    }
}

/// The weights of a collation, by character of the basic plane.
pub(super) struct Weights {
    of: Box<[Weight]>,
}

impl Weights {
    /// Those of a collation, read when they are first asked for.
    pub(super) fn of(collation: Collation) -> &'static Weights {
        static ALL: [OnceLock<Weights>; Collation::ALL.len()] =
            [const { OnceLock::new() }; Collation::ALL.len()];
        ALL[collation as usize].get_or_init(|| Weights::read(collation))
    }

    fn read(collation: Collation) -> Weights {
        let codes = Codes::of(collation.character_set());
        let table = tables::table(collation.name());
        let mut of = vec![Weight::default(); 0x1_0000].into_boxed_slice();
        for ((code, letter), weight) in codes.listed().iter().zip(table.chunks_exact(4)) {
            let preferred = char::from_u32(*letter).and_then(|letter| codes.code(letter));
            if let Some(place) = of.get_mut(*letter as usize)
                && preferred == Some(*code)
            {
                *place = Weight { bytes: [weight[1], weight[2], weight[3], 0], len: weight[0] };
            }
        }
        Weights { of }
    }

    /// That of a character.
    pub(super) fn weight(&self, letter: char) -> Weight {
        match self.of.get(u32::from(letter) as usize) {
            Some(weight) if weight.len > 0 => *weight,
            _ => Weight::foreign(letter),
        }
    }
}
