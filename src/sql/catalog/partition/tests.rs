//! Hashes, and keys of bounds.

use super::hash::{KeyHash, place};
use super::{BoundValue, KeyBounds};
use super::{number_key, values_key};
use crate::sql::types::{Datum, FieldType, TimeZone};

fn key_place(number: i64, count: usize) -> usize {
    let mut hash = KeyHash::new(false);
    hash.add(&Datum::Int(number), &FieldType::int(), &TimeZone::UTC).unwrap();
    place(hash.finish() as i64, count, false)
}

#[test]
fn linear_hashes_fold_what_is_too_much() {
    let all: Vec<usize> = (0..8).map(|hash| place(hash, 6, true)).collect();
    assert_eq!(all, [0, 1, 2, 3, 4, 5, 2, 3]);
    assert_eq!(place(-7, 4, false), 3);
}

#[test]
fn keys_spread_rows_as_in_mysql() {
    let mut counts = [0; 3];
    (1..9).for_each(|number| counts[key_place(number, 3)] += 1);
    assert_eq!(counts, [2, 3, 3]);
}

#[test]
fn keys_are_ordered_as_numbers() {
    let numbers =
        [None, Some(i128::from(i64::MIN)), Some(-1), Some(0), Some(1), Some(i128::from(u64::MAX))];
    let keys: Vec<Vec<u8>> = numbers.iter().map(|number| number_key(*number)).collect();
    assert!(keys.is_sorted());
    let max = values_key(&[BoundValue::Max]).unwrap();
    assert!(keys.iter().all(|key| *key < max && KeyBounds::behind(key.clone()) > *key));
}
