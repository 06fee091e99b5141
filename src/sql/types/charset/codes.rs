//! Characters by code, of the sets that have a table (made by `scripts/collations.py`).

use std::sync::OnceLock;

use super::super::collation::tables::{self, Reader};
use super::Charset;

/// A code that the set has, or has not.
const NONE: u32 = u32::MAX;

/// U+FFFD, which tables have where a code means nothing.
const REPLACEMENT: u32 = 0xFFFD;

/// The codes of a set.
pub(in crate::sql::types) struct Codes {
    /// The character of each code of one or two bytes.
    letters: Box<[u32]>,
    /// That of each longer code, by code.
    longer: Vec<(u32, u32)>,
    /// The code of each character of the basic plane.
    codes: Box<[u32]>,
    /// The characters that have one, as the table lists them.
    listed: Vec<(u32, u32)>,
}

impl Codes {
    /// Those of a set, read when they are first asked for.
    pub(in crate::sql::types) fn of(set: Charset) -> &'static Codes {
        static ALL: [OnceLock<Codes>; Charset::ALL.len()] =
            [const { OnceLock::new() }; Charset::ALL.len()];
        ALL[set as usize].get_or_init(|| Codes::read(&tables::table(set.name())))
    }

    fn read(table: &[u8]) -> Codes {
        let mut reader = Reader::new(table);
        let mut pairs = || -> Vec<(u32, u32)> {
            let count = reader.long();
            let codes: Vec<u32> = (0..count).map(|_| reader.long()).collect();
            let pairs = codes.into_iter().map(|code| (code, reader.long()));
            // What stands for characters that are none is none.
            pairs.filter(|(_, letter)| *letter != REPLACEMENT).collect()
        };
        let (both_ways, written) = (pairs(), pairs());
        let mut letters = vec![NONE; 0x1_0000].into_boxed_slice();
        let mut codes = letters.clone();
        let mut longer = Vec::new();
        for (code, letter) in &both_ways {
            match letters.get_mut(*code as usize) {
                Some(place) => *place = *letter,
                None => longer.push((*code, *letter)),
            }
        }
        for (code, letter) in both_ways.iter().chain(&written) {
            if let Some(place) = codes.get_mut(*letter as usize) {
                *place = *code;
            }
        }
        Codes { letters, longer, codes, listed: both_ways }
    }

    /// Code and character of each, by code.
    pub(in crate::sql::types) fn listed(&self) -> &[(u32, u32)] {
        &self.listed
    }

    /// The code of a character.
    pub(in crate::sql::types) fn code(&self, letter: char) -> Option<u32> {
        self.codes.get(u32::from(letter) as usize).copied().filter(|code| *code != NONE)
    }

    /// Appends a character; `false`: there is none.
    pub(super) fn put(&self, letter: char, out: &mut Vec<u8>) -> bool {
        let Some(code) = self.code(letter) else { return false };
        let bytes = code.to_be_bytes();
        out.extend_from_slice(
            &bytes[bytes.iter().take(3).take_while(|byte| **byte == 0).count()..],
        );
        true
    }

    /// The first character of bytes and how many it takes.
    pub(super) fn letter(&self, bytes: &[u8]) -> Option<(char, usize)> {
        let mut code = 0;
        for (at, byte) in bytes.iter().take(3).enumerate() {
            code = code << 8 | u32::from(*byte);
            // A zero begins nothing longer.
            let found = match self.letters.get(code as usize) {
                Some(letter) => *letter,
                None => {
                    let place = self.longer.binary_search_by_key(&code, |(code, _)| *code);
                    place.map_or(NONE, |place| self.longer[place].1)
                }
            };
            if let Some(letter) = char::from_u32(found) {
                return Some((letter, at + 1));
            }
            if code == 0 {
                return None;
            }
        }
        None
    }
}
