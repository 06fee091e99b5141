//! Weights of `_general_ci`: a letter's upper case without accents.

use std::sync::OnceLock;

use super::tables::{self, Reader};

/// What all characters beyond the basic plane weigh.
const BEYOND: u16 = 0xFFFD;

/// The weight of a letter.
#[inline]
pub(super) fn weight(letter: char) -> u16 {
    match letter {
        'a'..='z' => letter as u16 - 0x20,
        '\0'..='\x7F' => letter as u16,
        _ => table().get(u32::from(letter) as usize).copied().unwrap_or(BEYOND),
    }
}

fn table() -> &'static [u16] {
    static TABLE: OnceLock<Box<[u16]>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut weights: Box<[u16]> = (0..=u16::MAX).collect();
        for pair in Reader::new(&tables::table("general")).shorts().chunks_exact(2) {
            weights[usize::from(pair[0])] = pair[1];
        }
        weights
    })
}

/// Base letters of U+00C0 to U+017F.
const LATIN_BASES: &str = "AAAAAA\u{c6}CEEEEIIII\u{d0}NOOOOO\u{d7}\u{d8}UUUUY\u{de}SAAAAAA\u{c6}CEEEEIIII\u{d0}NOOOOO\u{f7}\u{d8}UUUUY\u{de}Y\
AAAAAACCCCCCCCDD\u{110}\u{110}EEEEEEEEEEGGGGGGGGHH\u{126}\u{126}IIIIIIIII\u{49}\u{132}\u{132}JJKK\u{138}LLLLLL\u{13f}\u{13f}\u{141}\u{141}NNNNNN\u{149}\u{14a}\u{14a}OOOOOO\u{152}\u{152}RRRRRRSSSSSSSSTTTT\u{166}\u{166}UUUUUUUUUUUUWWYYYZZZZZZS";

/// The weight of a letter in tables that were made before the weights were MySQL's, which differ beyond Latin letters.
pub(super) fn old_weight(letter: char) -> u16 {
    let code = u32::from(letter);
    if code < 0x80 {
        return letter.to_ascii_uppercase() as u16;
    }
    let base = match code {
        0xC0..=0x17F => LATIN_BASES.chars().nth((code - 0xC0) as usize).unwrap_or(letter),
        _ => {
            let mut upper = letter.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => letter,
            }
        }
    };
    u16::try_from(u32::from(base)).unwrap_or(BEYOND)
}
