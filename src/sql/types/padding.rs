//! Comparing texts of which the shorter one is padded with spaces, and keys in that order.
//!
//! Where texts end does not matter then, but what follows does: `'a\t'` is less than `'a'`, for a tab is less than the space
//! that `'a'` goes on with. In a key
//!
//! - spaces at the end are left out, and the end is a space, so that a text is less than any longer one that goes on with
//!   something above the space;
//! - a unit below the space goes to below the end, with the spaces before it: `LOW`, how many they are, the unit;
//! - everything else stands as it is.

use std::cmp::Ordering;

/// Below every unit that stands in a key as it is.
const LOW: u8 = 1;

/// What a padded text consists of: a byte, or a letter's weight.
pub(super) trait Unit: Copy + Ord {
    /// Appends it so that bytes compare as units.
    fn put(self, key: &mut Vec<u8>);
    /// The unit below every one that stands as it is.
    fn low() -> Self;
}

impl Unit for u8 {
    fn put(self, key: &mut Vec<u8>) {
        key.push(self);
    }

    fn low() -> u8 {
        LOW
    }
}

impl Unit for u16 {
    fn put(self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_be_bytes());
    }

    fn low() -> u16 {
        u16::from(LOW)
    }
}

/// Compares two texts, the shorter one padded with what a space weighs.
pub(super) fn compare<U: Unit>(
    mut left: impl Iterator<Item = U>,
    mut right: impl Iterator<Item = U>,
    space: U,
) -> Ordering {
    loop {
        let (left, right) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => (left.unwrap_or(space), right.unwrap_or(space)),
        };
        if left != right {
            return left.cmp(&right);
        }
    }
}

/// Appends the key of a text.
pub(super) fn put_key<U: Unit>(text: impl Iterator<Item = U>, space: U, key: &mut Vec<u8>) {
    let mut spaces = 0_usize;
    for unit in text {
        match unit.cmp(&space) {
            Ordering::Equal => spaces += 1,
            Ordering::Less => {
                U::low().put(key);
                put_count(std::mem::take(&mut spaces), key);
                unit.put(key);
            }
            Ordering::Greater => {
                for _ in 0..std::mem::take(&mut spaces) {
                    space.put(key);
                }
                unit.put(key);
            }
        }
    }
    space.put(key);
}

/// Appends a count so that bytes compare as counts.
fn put_count(mut count: usize, key: &mut Vec<u8>) {
    while let Some(less) = count.checked_sub(255) {
        key.push(255);
        count = less;
    }
    key.push(count as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &[u8]) -> Vec<u8> {
        let mut key = Vec::new();
        put_key(text.iter().copied(), b' ', &mut key);
        key
    }

    proptest! {
        #[test]
        fn keys_are_ordered_as_the_texts(
            a in proptest::collection::vec(prop_oneof![Just(b' '), Just(b'\t'), Just(0_u8), Just(b'!'), Just(b'a')], 0..6),
            b in proptest::collection::vec(prop_oneof![Just(b' '), Just(b'\t'), Just(0_u8), Just(b'!'), Just(b'a')], 0..6),
        ) {
            let order = compare(a.iter().copied(), b.iter().copied(), b' ');
            prop_assert_eq!(key(&a).cmp(&key(&b)), order);
            let wide = |text: &[u8]| {
                let mut key = Vec::new();
                put_key(text.iter().map(|byte| u16::from(*byte)), 32, &mut key);
                key
            };
            prop_assert_eq!(wide(&a).cmp(&wide(&b)), order);
        }

        #[test]
        fn runs_of_spaces_are_counted(a in 0_usize..600, b in 0_usize..600) {
            let text = |spaces: usize| [vec![b' '; spaces], vec![b'\t']].concat();
            let order = compare(text(a).into_iter(), text(b).into_iter(), b' ');
            prop_assert_eq!(key(&text(a)).cmp(&key(&text(b))), order);
        }
    }
}
