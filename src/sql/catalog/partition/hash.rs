//! The hash of KEY partitions.

use crate::common::SqlResult;
use crate::sql::types::{Datum, FieldType, TimeZone, TypeKind, codec};

/// Two running numbers, as MySQL's `hash_sort` has them.
pub(super) struct KeyHash {
    first: u64,
    second: u64,
    /// ALGORITHM = 1: numbers are hashed by their bytes.
    old: bool,
}

impl KeyHash {
    pub(super) fn new(old: bool) -> KeyHash {
        KeyHash { first: 1, second: 4, old }
    }

    /// Takes a column's value in. Integers give what they give in MySQL; other types are hashed by their keys, so that values that are equal
    /// in their collation are in one partition.
    pub(super) fn add(
        &mut self,
        value: &Datum,
        field_type: &FieldType,
        zone: &TimeZone,
    ) -> SqlResult<()> {
        let width = match field_type.kind {
            TypeKind::TinyInt => 1,
            TypeKind::SmallInt => 2,
            TypeKind::MediumInt => 3,
            TypeKind::Int => 4,
            TypeKind::BigInt => 8,
            // Whatever else there is is hashed by its key.
            _ => 0,
        };
        let number = match value {
            Datum::Null => {
                self.first ^= (self.first << 1) | 1;
                return Ok(());
            }
            Datum::Int(number) if width > 0 => number.cast_unsigned(),
            Datum::UInt(number) if width > 0 => *number,
            // By its key, of whatever type it is.
            _ => {
                let mut key = Vec::new();
                codec::encode_key_value(value, field_type, zone, &mut key)?;
                self.bytes(&key);
                return Ok(());
            }
        };
        let bytes = number.to_le_bytes();
        match self.old {
            true => self.bytes(&bytes[..width]),
            false => self.letters(&bytes[..width]),
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> u64 {
        // MySQL keeps 32 bits of it.
        self.first & u64::from(u32::MAX)
    }

    fn byte(&mut self, byte: u8) {
        let mixed = (self.first & 63).wrapping_add(self.second).wrapping_mul(u64::from(byte));
        self.first ^= mixed.wrapping_add(self.first << 8);
        self.second = self.second.wrapping_add(3);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    /// Bytes as letters of latin1_swedish_ci, which numbers have for a collation there.
    fn letters(&mut self, bytes: &[u8]) {
        let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        for byte in &bytes[..end] {
            self.byte(swedish(*byte));
        }
    }
}

/// The weight of a letter in latin1_swedish_ci.
fn swedish(letter: u8) -> u8 {
    const UPPER: &[u8; 32] = b"AAAA\\[\\CEEEEIIIIDNOOOO]\xd7\xd8UUUYY\xde\xdf";
    match letter {
        b'a'..=b'z' => letter - 32,
        0xc0..=0xdf => UPPER[usize::from(letter - 0xc0)],
        0xf7 | 0xff => letter,
        0xe0..=0xfe => UPPER[usize::from(letter - 0xe0)],
        other => other,
    }
}

/// Which of `count` a hash falls to.
pub(super) fn place(hash: i64, count: usize, linear: bool) -> usize {
    if !linear {
        return (hash % count as i64).unsigned_abs() as usize;
    }
    let mask = (count.next_power_of_two() - 1) as i64;
    let at = (hash & mask) as usize;
    if at < count {
        return at;
    }
    (hash & (((mask + 1) >> 1) - 1)) as usize
}
