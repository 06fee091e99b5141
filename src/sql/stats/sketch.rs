//! How many different values there are, in little memory.

use std::collections::BTreeSet;

/// Up to so many different values are counted one by one.
const EXACT: usize = 1024;

/// Bits of a hash that choose a register.
const INDEX_BITS: u32 = 14;

/// Registers; with 16,384 of them the standard error is 0.8 %.
const REGISTERS: usize = 1 << INDEX_BITS;

/// The longest run of zeros behind those bits, and one more.
const LAST_RANK: usize = (u64::BITS - INDEX_BITS) as usize + 1;

/// Counts different values: exactly while they are few, then by a HyperLogLog.
///
/// Only hashes are kept, so memory is bounded by 16 KiB. The hash has no seed: the same values give the same estimate on every node.
#[derive(Clone, Debug)]
pub(crate) struct Sketch(Counting);

#[derive(Clone, Debug)]
enum Counting {
    /// The hashes of all values.
    Few(BTreeSet<u64>),
    /// By register the longest run of zeros that was seen, and one more.
    Many(Box<[u8]>),
}

impl Default for Sketch {
    fn default() -> Sketch {
        Sketch(Counting::Few(BTreeSet::new()))
    }
}

impl Sketch {
    /// Adds a value by its bytes, which are to be equal for equal values.
    pub(crate) fn add(&mut self, value: &[u8]) {
        let hash = hash(value);
        match &mut self.0 {
            Counting::Few(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT {
                    let mut registers = vec![0; REGISTERS].into_boxed_slice();
                    hashes.iter().for_each(|hash| note(&mut registers, *hash));
                    self.0 = Counting::Many(registers);
                }
            }
            Counting::Many(registers) => note(registers, hash),
        }
    }

    /// How many different values were added.
    pub(crate) fn count(&self) -> u64 {
        match &self.0 {
            Counting::Few(hashes) => hashes.len() as u64,
            Counting::Many(registers) => estimate(registers),
        }
    }
}

fn note(registers: &mut [u8], hash: u64) {
    let register = (hash >> (u64::BITS - INDEX_BITS)) as usize;
    // The bit behind the others ends a run that would be longer than the hash.
    let rest = (hash << INDEX_BITS) | (1 << (INDEX_BITS - 1));
    let rank = rest.leading_zeros() as u8 + 1;
    registers[register] = registers[register].max(rank);
}

/// The estimate from how many registers hold which rank, by Ertl's formula, which needs no correction for small or
/// middling counts.
fn estimate(registers: &[u8]) -> u64 {
    let mut holding = [0.0_f64; LAST_RANK + 1];
    registers.iter().for_each(|rank| holding[usize::from(*rank)] += 1.0);
    let count = registers.len() as f64;
    let mut sum = count * tau(1.0 - holding[LAST_RANK] / count);
    for holding in holding[1..LAST_RANK].iter().rev() {
        sum = 0.5 * (sum + holding);
    }
    sum += count * sigma(holding[0] / count);
    (count * count / (2.0 * std::f64::consts::LN_2 * sum)).round() as u64
}

/// What empty registers, this part of all, add to the sum.
fn sigma(part: f64) -> f64 {
    let (mut power, mut weight, mut sum) = (part, 1.0, part);
    loop {
        power *= power;
        let next = sum + power * weight;
        if next == sum || !next.is_finite() {
            return next;
        }
        weight += weight;
        sum = next;
    }
}

/// What registers that cannot grow add to the sum, if this part of all can.
fn tau(part: f64) -> f64 {
    if part == 0.0 || part == 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (part, 1.0, 1.0 - part);
    loop {
        root = root.sqrt();
        weight *= 0.5;
        let next = sum - (1.0 - root).powi(2) * weight;
        if next == sum {
            return next / 3.0;
        }
        sum = next;
    }
}

/// FNV-1a, and then the bits mixed so that the upper ones, which choose the register, depend on all.
fn hash(value: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in value {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(values: impl Iterator<Item = u64>) -> u64 {
        let mut sketch = Sketch::default();
        values.for_each(|value| sketch.add(&value.to_be_bytes()));
        sketch.count()
    }

    #[test]
    fn few_values_are_counted_exactly() {
        assert_eq!(counted(std::iter::empty()), 0);
        for count in [1, 7, 100, EXACT as u64] {
            assert_eq!(counted((0..count).chain(0..count)), count);
        }
    }

    #[test]
    fn many_values_are_counted_within_three_percent() {
        // In between is where the plain estimate is furthest off.
        for count in [1_025, 2_000, 10_000, 39_247, 60_000, 300_000] {
            let found = counted(0..count) as f64;
            let error = (found / count as f64 - 1.0).abs();
            assert!(error < 0.03, "{found} instead of {count}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_values_are_counted_within_four_percent(
            first in any::<u64>(), step in 1_u64..1_000_000, count in 1_u64..50_000, times in 1_u64..3,
        ) {
            let all = (0..times * count).map(|n| first.wrapping_add((n % count).wrapping_mul(step)));
            let found = counted(all) as f64;
            prop_assert!((found / count as f64 - 1.0).abs() < 0.04, "{} instead of {}", found, count);
        }

        #[test]
        fn the_order_of_values_does_not_matter(mut values in prop::collection::vec(any::<u64>(), 0..3_000)) {
            let one = counted(values.iter().copied());
            values.reverse();
            prop_assert_eq!(one, counted(values.iter().copied()));
        }
    }
}
