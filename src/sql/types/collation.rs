//! How strings compare.

mod general;
mod list;
pub(super) mod tables;
#[cfg(test)]
mod tests;
mod uca;
mod weights;

use std::borrow::Cow;
use std::cmp::Ordering;

pub use self::list::Collation;
use self::list::Rules;
use self::uca::{Table, Version};
use self::weights::{Weight, Weights};
use super::{Charset, padding, utf8};
use crate::common::{SqlError, SqlResult, errno};

impl Collation {
    /// The name of the character set it belongs to.
    pub const fn charset(self) -> &'static str {
        self.character_set().name()
    }

    /// The collation of that name, in any case; error 1273 if there is none, 1235 if it is one of MySQL's that is not ours.
    pub fn by_name(name: &str) -> SqlResult<Collation> {
        let lower = name.to_ascii_lowercase();
        let wanted = match lower.strip_prefix("utf8_") {
            // The old name of what has three bytes at most.
            Some(rest) => format!("utf8mb3_{rest}"),
            None => lower,
        };
        match Collation::ALL.iter().find(|one| one.name() == wanted) {
            Some(found) => Ok(*found),
            None if list::is_known_elsewhere(&wanted) => {
                Err(SqlError::unsupported(format!("COLLATE {wanted}")))
            }
            None => {
                Err(SqlError::new(errno::UNKNOWN_COLLATION, format!("Unknown collation: '{name}'")))
            }
        }
    }

    /// The collation with that number in the protocol.
    pub fn by_id(id: u16) -> Option<Collation> {
        Collation::ALL.iter().find(|one| one.id() == id).copied()
    }

    /// The default collation of a character set; error 1115 if there is none of that name.
    pub fn of_charset(name: &str) -> SqlResult<Collation> {
        Charset::by_name(name).map(Charset::default_collation)
    }

    /// What CHARACTER SET and COLLATE together ask for. Error 1253 if they disagree.
    pub fn of_both(charset: &str, collation: &str) -> SqlResult<Collation> {
        let (set, found) = (Charset::by_name(charset)?, Collation::by_name(collation)?);
        if found.character_set() == set { Ok(found) } else { Err(found.mismatch(set)) }
    }

    /// Error 1253: it is none of a character set's.
    pub fn mismatch(self, set: Charset) -> SqlError {
        SqlError::new(
            errno::COLLATION_CHARSET_MISMATCH,
            format!("COLLATION '{}' is not valid for CHARACTER SET '{}'", self.name(), set.name()),
        )
    }

    /// Whether it is that of its character set's texts that say none.
    pub fn is_default(self) -> bool {
        self.character_set().default_collation() == self
    }

    /// Whether the shorter of two texts goes on with spaces.
    pub fn pads(self) -> bool {
        !matches!(self.rules(), Rules::Bytes | Rules::Exact | Rules::Uca900(_))
    }

    /// Whether upper and lower case are the same.
    pub fn ignores_case(self) -> bool {
        match self.rules() {
            Rules::Bytes | Rules::Exact | Rules::Points | Rules::Codes => false,
            Rules::General | Rules::OldGeneral | Rules::Uca400 | Rules::Uca520 => true,
            Rules::Uca900(levels) => levels < 3,
            Rules::Weights => self.name().ends_with("_ci"),
        }
    }

    /// Whether different letters may be the same.
    pub fn folds(self) -> bool {
        !self.is_of_codes()
    }

    /// Whether it compares nothing but codes: `_bin` and bytes.
    pub fn is_of_codes(self) -> bool {
        matches!(self.rules(), Rules::Bytes | Rules::Exact | Rules::Points | Rules::Codes)
    }

    /// Whether the bytes of strings compare as the strings do.
    #[inline]
    pub fn compares_bytes(self) -> bool {
        matches!(self.rules(), Rules::Bytes | Rules::Exact)
    }

    /// How SORTLEN of `information_schema.COLLATIONS` has it: bytes of a weight beside bytes of a character.
    pub fn sort_length(self) -> u64 {
        match self.rules() {
            Rules::Uca400 | Rules::Uca520 => 8,
            Rules::Uca900(1) => 0,
            Rules::Uca900(levels) => 8 * u64::from(levels),
            _ => 1,
        }
    }

    /// Bytes whose order as bytes is the collation's order of the strings, and which are equal when the strings are.
    pub fn sort_key(self, text: &[u8]) -> Cow<'_, [u8]> {
        let mut key = Vec::with_capacity(text.len() * 2 + 2);
        match self.rules() {
            Rules::Bytes | Rules::Exact => return Cow::Borrowed(text),
            Rules::Points => padding::put_key(text.iter().copied(), b' ', &mut key),
            Rules::General => {
                let weights = utf8(text);
                padding::put_key(weights.chars().map(general::weight), u16::from(b' '), &mut key);
            }
            Rules::OldGeneral => {
                let weights = utf8(text);
                padding::put_key(
                    weights.chars().map(general::old_weight),
                    u16::from(b' '),
                    &mut key,
                );
            }
            Rules::Uca400 | Rules::Uca520 => {
                let table = self.table();
                let text = utf8(text);
                padding::put_key(table.weights(text.chars(), 0), table.space(), &mut key);
            }
            Rules::Uca900(levels) => {
                let text = utf8(text);
                self.put_levels(&text, levels, &mut key);
            }
            Rules::Codes | Rules::Weights => {
                let text = utf8(text);
                let units = text.chars().flat_map(|letter| self.weight(letter).units());
                padding::put_key(units, self.space(), &mut key);
            }
        }
        Cow::Owned(key)
    }

    /// The weights of a text, level by level, with a zero between them.
    fn put_levels(self, text: &str, levels: u8, key: &mut Vec<u8>) {
        let table = self.table();
        for level in 0..usize::from(levels) {
            if level > 0 {
                key.extend_from_slice(&[0, 0]);
            }
            for weight in table.weights(text.chars(), level) {
                key.extend_from_slice(&weight.to_be_bytes());
            }
        }
    }

    /// What WEIGHT_STRING() says of a text.
    pub fn weight_string(self, text: &[u8]) -> Vec<u8> {
        let text = utf8(text);
        let mut weights = Vec::with_capacity(text.len() * 2);
        let mut put = |weight: u16| weights.extend_from_slice(&weight.to_be_bytes());
        match self.rules() {
            Rules::Bytes => return text.into_owned().into_bytes(),
            Rules::General | Rules::OldGeneral => text.chars().map(general::weight).for_each(put),
            Rules::Uca400 | Rules::Uca520 => self.table().weights(text.chars(), 0).for_each(put),
            Rules::Uca900(levels) => self.put_levels(&text, levels, &mut weights),
            // Three bytes of the code.
            Rules::Exact | Rules::Points => {
                let wide = self.character_set().max_bytes() > 3;
                for letter in text.chars() {
                    put((u32::from(letter) >> 16) as u16);
                    put(u32::from(letter) as u16);
                }
                let at = |index: usize| if wide { !index.is_multiple_of(4) } else { index % 4 > 1 };
                let mut index = 0;
                weights.retain(|_| {
                    index += 1;
                    at(index - 1)
                });
            }
            Rules::Codes | Rules::Weights => {
                weights.extend(text.chars().flat_map(|letter| self.weight(letter).units()));
            }
        }
        weights
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
        match self.rules() {
            Rules::Bytes | Rules::Exact => true,
            Rules::Points => text.last() != Some(&b' ') && text.iter().all(|byte| *byte >= b' '),
            _ => false,
        }
    }

    /// The text of a sort key that gives it back.
    pub fn restore(self, mut key: Vec<u8>) -> Vec<u8> {
        if self.rules() == Rules::Points {
            // The end.
            key.pop();
        }
        key
    }

    /// Compares two strings.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        if left == right {
            return Ordering::Equal;
        }
        match self.rules() {
            Rules::Bytes | Rules::Exact => left.cmp(right),
            Rules::Points => {
                let shared = left.len().min(right.len());
                left[..shared].cmp(&right[..shared]).then_with(|| {
                    padding::compare(
                        left[shared..].iter().copied(),
                        right[shared..].iter().copied(),
                        b' ',
                    )
                })
            }
            rules => self.compare_weights(rules, &utf8(left), &utf8(right)),
        }
    }

    fn compare_weights(self, rules: Rules, left: &str, right: &str) -> Ordering {
        let space = u16::from(b' ');
        match rules {
            Rules::General => {
                let (left, right) = (left.chars(), right.chars());
                padding::compare(left.map(general::weight), right.map(general::weight), space)
            }
            Rules::OldGeneral => {
                let (left, right) = (left.chars(), right.chars());
                padding::compare(
                    left.map(general::old_weight),
                    right.map(general::old_weight),
                    space,
                )
            }
            Rules::Uca400 | Rules::Uca520 => {
                let table = self.table();
                let weights = |text| table.weights(str::chars(text), 0);
                padding::compare(weights(left), weights(right), table.space())
            }
            Rules::Uca900(levels) => {
                let table = self.table();
                let order = |level| {
                    table.weights(left.chars(), level).cmp(table.weights(right.chars(), level))
                };
                (0..usize::from(levels))
                    .map(order)
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            }
            Rules::Codes | Rules::Weights => {
                let units = |text| str::chars(text).flat_map(|letter| self.weight(letter).units());
                padding::compare(units(left), units(right), self.space())
            }
            Rules::Bytes | Rules::Exact | Rules::Points => left.cmp(right),
        }
    }

    /// A letter as the collation sees it, for matching letter by letter (LIKE, LOCATE).
    pub fn fold(self, letter: char) -> u32 {
        match self.rules() {
            Rules::Bytes | Rules::Exact | Rules::Points | Rules::Codes => u32::from(letter),
            Rules::General => u32::from(general::weight(letter)),
            Rules::OldGeneral => u32::from(general::old_weight(letter)),
            Rules::Uca400 | Rules::Uca520 => self.table().class(letter, 1),
            Rules::Uca900(levels) => self.table().class(letter, levels.into()),
            Rules::Weights => self.weight(letter).number(),
        }
    }

    /// The table of weights of a collation by Unicode's algorithm.
    fn table(self) -> &'static Table {
        Table::of(match self.rules() {
            Rules::Uca400 => Version::V400,
            Rules::Uca520 => Version::V520,
            _ => Version::V900,
        })
    }

    /// The weight of a letter in a collation of a set that is none of Unicode's.
    fn weight(self, letter: char) -> Weight {
        match self.rules() {
            Rules::Weights => Weights::of(self).weight(letter),
            _ => Weight::of_code(self.character_set(), letter),
        }
    }

    fn space(self) -> u8 {
        self.weight(' ').units().next().unwrap_or(b' ')
    }
}
