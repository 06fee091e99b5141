//! How strings compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::padding;
use crate::common::{SqlError, SqlResult, errno};

/// How strings compare. `Binary` is bytes, not characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Collation {
    /// Bytes.
    Binary,
    /// By code point, the shorter string padded with spaces: the default, as in TiDB.
    #[default]
    Utf8mb4Bin,
    /// By code point, nothing ignored.
    Utf8mb4_0900Bin,
    /// Ignoring case and accents, the shorter string padded with spaces.
    Utf8mb4GeneralCi,
}

impl Collation {
    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Collation::Binary => "binary",
            Collation::Utf8mb4Bin => "utf8mb4_bin",
            Collation::Utf8mb4_0900Bin => "utf8mb4_0900_bin",
            Collation::Utf8mb4GeneralCi => "utf8mb4_general_ci",
        }
    }

    /// The character set it belongs to.
    pub fn charset(self) -> &'static str {
        match self {
            Collation::Binary => "binary",
            _ => "utf8mb4",
        }
    }

    /// Its number in the protocol.
    pub fn id(self) -> u16 {
        match self {
            Collation::Binary => 63,
            Collation::Utf8mb4Bin => 46,
            Collation::Utf8mb4_0900Bin => 309,
            Collation::Utf8mb4GeneralCi => 45,
        }
    }

    /// The collation of that name, in any case; error 1273 if there is none. Names of the same rules in other
    /// character sets (`utf8_bin`, `ascii_bin`, `latin1_bin`) stand for those of utf8mb4; of the collations by the
    /// Unicode algorithm `utf8mb4_0900_ai_ci` and `utf8mb4_unicode_ci` are taken as `utf8mb4_general_ci`.
    pub fn by_name(name: &str) -> SqlResult<Collation> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "binary" => Collation::Binary,
            "utf8mb4_bin" | "utf8_bin" | "utf8mb3_bin" | "ascii_bin" | "latin1_bin" => {
                Collation::Utf8mb4Bin
            }
            "utf8mb4_0900_bin" => Collation::Utf8mb4_0900Bin,
            "utf8mb4_general_ci"
            | "utf8_general_ci"
            | "utf8mb3_general_ci"
            | "utf8mb4_0900_ai_ci"
            | "utf8mb4_unicode_ci"
            | "utf8_unicode_ci"
            | "utf8mb4_unicode_520_ci"
            | "latin1_swedish_ci" => Collation::Utf8mb4GeneralCi,
            _ => {
                return Err(SqlError::new(
                    errno::UNKNOWN_COLLATION,
                    format!("Unknown collation: '{name}'"),
                ));
            }
        })
    }

    /// Error 1235 for a character set, or a collation of one, that texts are not really kept or converted in: bytes of it
    /// are not those of UTF-8.
    pub fn refuse_foreign(name: &str) -> SqlResult<()> {
        let lower = name.to_ascii_lowercase();
        let charset = lower.split('_').next().unwrap_or_default();
        if matches!(charset, "latin1" | "ascii") {
            return Err(SqlError::unsupported(format!("CHARACTER SET {charset}")));
        }
        Ok(())
    }

    /// The default collation of a character set; error 1115 if there is none of that name.
    pub fn of_charset(name: &str) -> SqlResult<Collation> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "binary" => Collation::Binary,
            "utf8mb4" | "utf8" | "utf8mb3" | "ascii" | "latin1" => Collation::Utf8mb4Bin,
            _ => {
                return Err(SqlError::new(
                    errno::UNKNOWN_CHARACTER_SET,
                    format!("Unknown character set: '{name}'"),
                ));
            }
        })
    }

    /// Bytes whose order as bytes is the collation's order of the strings, and which are equal when the strings are.
    pub fn sort_key(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Collation::Binary | Collation::Utf8mb4_0900Bin => Cow::Borrowed(text),
            Collation::Utf8mb4Bin => {
                let mut key = Vec::with_capacity(text.len() + 1);
                padding::put_key(text.iter().copied(), &mut key);
                Cow::Owned(key)
            }
            Collation::Utf8mb4GeneralCi => {
                let text = String::from_utf8_lossy(text);
                let mut key = Vec::with_capacity(text.len() * 2 + 2);
                padding::put_key(text.chars().map(general_weight), &mut key);
                Cow::Owned(key)
            }
        }
    }

    /// Calls `use_key` with the sort key; that of a short text without anything unusual in it takes no allocation.
    pub fn with_sort_key<R>(self, text: &[u8], use_key: impl FnOnce(&[u8]) -> R) -> R {
        let mut short = [b' '; 64];
        if self == Collation::Utf8mb4Bin && text.len() < short.len() && self.restores(text) {
            short[..text.len()].copy_from_slice(text);
            return use_key(&short[..=text.len()]);
        }
        use_key(&self.sort_key(text))
    }

    /// Whether the sort key of a text gives it back, by [`Collation::restore`].
    pub fn restores(self, text: &[u8]) -> bool {
        match self {
            Collation::Binary | Collation::Utf8mb4_0900Bin => true,
            Collation::Utf8mb4Bin => {
                text.last() != Some(&b' ') && text.iter().all(|byte| *byte >= b' ')
            }
            Collation::Utf8mb4GeneralCi => false,
        }
    }

    /// The text of a sort key that gives it back.
    pub fn restore(self, mut key: Vec<u8>) -> Vec<u8> {
        if self == Collation::Utf8mb4Bin {
            // The end.
            key.pop();
        }
        key
    }

    /// Compares two strings.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            _ if left == right => Ordering::Equal,
            Collation::Utf8mb4GeneralCi => {
                let (left, right) = (String::from_utf8_lossy(left), String::from_utf8_lossy(right));
                padding::compare(
                    left.chars().map(general_weight),
                    right.chars().map(general_weight),
                )
            }
            Collation::Utf8mb4Bin => {
                let shared = left.len().min(right.len());
                left[..shared].cmp(&right[..shared]).then_with(|| {
                    padding::compare(
                        left[shared..].iter().copied(),
                        right[shared..].iter().copied(),
                    )
                })
            }
            _ => left.cmp(right),
        }
    }

    /// Whether upper and lower case are the same.
    pub fn ignores_case(self) -> bool {
        self == Collation::Utf8mb4GeneralCi
    }

    /// A letter as the collation sees it, for matching letter by letter (LIKE, LOCATE).
    pub fn fold(self, letter: char) -> u32 {
        if self.ignores_case() { u32::from(general_weight(letter)) } else { u32::from(letter) }
    }
}

/// Base letters of U+00C0 to U+017F.
const LATIN_BASES: &str = "AAAAAA\u{c6}CEEEEIIII\u{d0}NOOOOO\u{d7}\u{d8}UUUUY\u{de}SAAAAAA\u{c6}CEEEEIIII\u{d0}NOOOOO\u{f7}\u{d8}UUUUY\u{de}Y\
AAAAAACCCCCCCCDD\u{110}\u{110}EEEEEEEEEEGGGGGGGGHH\u{126}\u{126}IIIIIIIII\u{49}\u{132}\u{132}JJKK\u{138}LLLLLL\u{13f}\u{13f}\u{141}\u{141}NNNNNN\u{149}\u{14a}\u{14a}OOOOOO\u{152}\u{152}RRRRRRSSSSSSSSTTTT\u{166}\u{166}UUUUUUUUUUUUWWYYYZZZZZZS";

/// The weight of a letter in `utf8mb4_general_ci`: its upper case without accents; all beyond the BMP are one.
fn general_weight(letter: char) -> u16 {
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
    u16::try_from(u32::from(base)).unwrap_or(0xFFFD)
}
