//! Weights by Unicode's collation algorithm.
//!
//! A letter has elements of up to three levels: of what letter it is, of its accents, of its case. What a table does not list
//! has weights that follow from its code. MySQL takes no contractions from Unicode's table, and no letter is ignored for being
//! punctuation. In the older tables there is one level only, and nothing beyond the basic plane in that of 4.0.0.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::tables::{self, Reader};

/// How many pages of 256 characters there may be.
const PAGES: usize = 0x1100;

/// Where weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V400,
    V520,
    V900,
}

/// The weights of one version.
pub(super) struct Table {
    version: Version,
    /// Of each page of 256 characters where its entries begin, plus one; zero: it has none.
    pages: Box<[u16]>,
    /// Of each character in those pages how many elements it has, plus one, in the upper 8 bits, and where they begin.
    entries: Box<[u32]>,
    elements: Box<[u16]>,
    /// Numbers of each letter's weights up to each level, made when they are first asked for.
    classes: [OnceLock<Box<[u32]>>; 3],
}

/// From here on classes are characters that no table lists.
const UNLISTED: u32 = 0x0100_0000;

/// From here on classes are weights of several elements.
const SEVERAL: u32 = 0x0200_0000;

impl Table {
    pub(super) fn of(version: Version) -> &'static Table {
        static TABLES: [OnceLock<Table>; 3] = [const { OnceLock::new() }; 3];
        let name = match version {
            Version::V400 => "uca400",
            Version::V520 => "uca520",
            Version::V900 => "uca900",
        };
        TABLES[version as usize].get_or_init(|| Table::read(version, &tables::table(name)))
    }

    fn read(version: Version, table: &[u8]) -> Table {
        let mut reader = Reader::new(table);
        let count = reader.short();
        let mut pages = vec![0; PAGES].into_boxed_slice();
        for place in 1..=count {
            pages[usize::from(reader.short())] = place;
        }
        let entries = (0..usize::from(count) * 256).map(|_| reader.long()).collect();
        let elements = reader.shorts().into();
        Table { version, pages, entries, elements, classes: Default::default() }
    }

    /// Weights of an element.
    fn width(&self) -> usize {
        if self.version == Version::V900 { 3 } else { 1 }
    }

    /// The weight of a space, with which texts go on in collations that pad.
    pub(super) fn space(&self) -> u16 {
        self.listed(' ').and_then(|elements| elements.first().copied()).unwrap_or(0)
    }

    fn entry(&self, letter: char) -> Option<usize> {
        let code = u32::from(letter) as usize;
        let page = usize::from(self.pages[code >> 8]);
        let place = (page.checked_sub(1)? << 8) + (code & 0xFF);
        (self.entries[place] != 0).then_some(place)
    }

    /// The elements of a letter that the table lists.
    fn listed(&self, letter: char) -> Option<&[u16]> {
        let entry = self.entries[self.entry(letter)?];
        let (count, start) = ((entry >> 24) as usize - 1, (entry & 0x00FF_FFFF) as usize);
        self.elements.get(start..start + count * self.width())
    }

    /// The two weights of the first level of a letter that is not listed.
    fn implicit(&self, letter: char) -> [u16; 2] {
        let code = u32::from(letter);
        let second = (code & 0x7FFF | 0x8000) as u16;
        let base = match self.version {
            Version::V400 => match code {
                0x3400..=0x4DB5 => 0xFB80,
                0x4E00..=0x9FA5 => 0xFB40,
                _ => 0xFBC0,
            },
            Version::V520 => match code {
                0x3400..=0x4DB5 | 0x2_0000..=0x2_A6D6 | 0x2_A700..=0x2_B734 => 0xFB80,
                0x4E00..=0x9FC3 | 0xFA0E..=0xFA29 => 0xFB40,
                _ => 0xFBC0,
            },
            Version::V900 => match code {
                // Tangut is counted from its beginning.
                0x1_7000..=0x1_8AFF => return [0xFB00, ((code - 0x1_7000) | 0x8000) as u16],
                0x3400..=0x4DB5
                | 0x2_0000..=0x2_A6D6
                | 0x2_A700..=0x2_B734
                | 0x2_B740..=0x2_B81D
                | 0x2_B820..=0x2_CEA1 => 0xFB80,
                0x4E00..=0x9FD5 | 0xFA0E..=0xFA29 => 0xFB40,
                _ => 0xFBC0,
            },
        };
        [base + (code >> 15) as u16, second]
    }

    /// The weights of a text on a level, from 0.
    pub(super) fn weights<'t>(
        &'t self,
        text: impl Iterator<Item = char> + 't,
        level: usize,
    ) -> impl Iterator<Item = u16> + 't {
        let jamo = self.version == Version::V900;
        let letters = text.flat_map(move |letter| {
            let (parts, count) = if jamo { parts(letter) } else { ([letter; 3], 1) };
            parts.into_iter().take(count)
        });
        letters.flat_map(move |letter| self.of_letter(letter, level)).filter(|weight| *weight != 0)
    }

    fn of_letter(&self, letter: char, level: usize) -> impl Iterator<Item = u16> {
        let beyond = self.version == Version::V400 && u32::from(letter) > 0xFFFF;
        let listed = if beyond { None } else { self.listed(letter) };
        let (computed, count) = match (listed, level) {
            (Some(_), _) => ([0; 2], 0),
            (None, _) if beyond => ([0xFFFD, 0], 1),
            (None, 0) => (self.implicit(letter), 2),
            (None, 1) => ([0x20, 0], 1),
            (None, _) => ([0x02, 0], 1),
        };
        let stored = listed.unwrap_or_default().iter().skip(level).step_by(self.width()).copied();
        stored.chain(computed.into_iter().take(count))
    }

    /// A number that letters of equal weights up to a level share, and no others.
    pub(super) fn class(&self, letter: char, levels: usize) -> u32 {
        match self.entry(letter) {
            Some(entry) => {
                self.classes[levels - 1].get_or_init(|| self.make_classes(levels))[entry]
            }
            None if self.version == Version::V400 && u32::from(letter) > 0xFFFF => 0xFFFD,
            None => UNLISTED | u32::from(letter),
        }
    }

    fn make_classes(&self, levels: usize) -> Box<[u32]> {
        let mut numbers: HashMap<Vec<u16>, u32> = HashMap::new();
        let mut classes = vec![0; self.entries.len()].into_boxed_slice();
        for (page, place) in self.pages.iter().enumerate().filter(|(_, place)| **place > 0) {
            for low in 0..256 {
                let entry = ((usize::from(*place) - 1) << 8) + low;
                let Some(letter) = char::from_u32((page << 8 | low) as u32) else { continue };
                if self.entries[entry] == 0 {
                    continue;
                }
                let mut weights: Vec<u16> = Vec::new();
                for level in 0..levels {
                    weights.extend(self.of_letter(letter, level).filter(|weight| *weight != 0));
                    weights.push(0);
                }
                classes[entry] = match weights[..] {
                    [0] => 0,
                    [single, 0] => u32::from(single),
                    _ => {
                        let next = SEVERAL + numbers.len() as u32;
                        *numbers.entry(weights).or_insert(next)
                    }
                };
            }
        }
        classes
    }
}

/// A syllable of Hangul as the letters it is written with; any other letter as itself.
fn parts(letter: char) -> ([char; 3], usize) {
    const FIRST: u32 = 0xAC00;
    const LAST: u32 = 0xD7A3;
    let code = u32::from(letter);
    if !(FIRST..=LAST).contains(&code) {
        return ([letter; 3], 1);
    }
    let at = code - FIRST;
    let part = |code: u32| char::from_u32(code).unwrap_or(letter);
    let (lead, vowel, tail) = (0x1100 + at / 588, 0x1161 + at % 588 / 28, 0x11A7 + at % 28);
    ([part(lead), part(vowel), part(tail)], if at.is_multiple_of(28) { 2 } else { 3 })
}
