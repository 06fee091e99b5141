//! Timestamps of the oracle: 46 bits of physical milliseconds and 18 bits of logical counter.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bits of the logical counter, as in TiDB's timestamp oracle.
const LOGICAL_BITS: u32 = 18;

/// A point in the cluster's order of transactions, handed out by the timestamp oracle.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Before every transaction.
    pub const ZERO: Timestamp = Timestamp(0);
    /// After every transaction; a read at `MAX` sees whatever is committed when it arrives.
    pub const MAX: Timestamp = Timestamp(u64::MAX);

    /// Composes a timestamp from Unix milliseconds and the logical counter.
    pub fn compose(physical_ms: u64, logical: u64) -> Timestamp {
        debug_assert!(logical < 1 << LOGICAL_BITS, "the logical part has 18 bits");
        Timestamp((physical_ms << LOGICAL_BITS) | logical)
    }

    /// The Unix time in milliseconds at which the oracle handed it out.
    pub fn physical_ms(self) -> u64 {
        self.0 >> LOGICAL_BITS
    }

    /// The counter that orders timestamps of one millisecond.
    pub fn logical(self) -> u64 {
        self.0 & ((1 << LOGICAL_BITS) - 1)
    }

    /// The next timestamp. There is none after `MAX`: it stands for "whatever is there", and nobody counts from it.
    pub fn next(self) -> Timestamp {
        Timestamp(self.0.checked_add(1).expect("no timestamp comes after MAX"))
    }

    /// The timestamp before this one; `ZERO` stays.
    pub fn prev(self) -> Timestamp {
        Timestamp(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Timestamp {
    fn from(ts: u64) -> Self {
        Timestamp(ts)
    }
}
