//! Many versions of each key: what Percolator keeps in the three data column families, and how it is read.
//!
//! | family    | key                          | value                                             |
//! |-----------|------------------------------|---------------------------------------------------|
//! | `lock`    | data key                     | [`Lock`]: who is about to change the key          |
//! | `write`   | data key + inverted commit ts| [`Write`]: what was committed, and by whom        |
//! | `default` | data key + inverted start ts | values too long for their lock and commit records |
//!
//! A *data key* is `z` and the memcomparable user key. Timestamps are inverted, so a key's newest version comes
//! first, and "the newest version at or below `ts`" is one seek.
//!
//! Everything here reads through a [`Reader`](super::engine::Reader) and decides nothing about time: a timestamp
//! comes with every call. [`get`] reads the lock family before the write family, and that order is what makes it correct on a
//! live engine as well as on a snapshot: a transaction that commits between the two reads took its commit
//! timestamp after the reader took `ts`, so its version is above `ts` and is skipped.

mod error;
mod gc;
mod get;
mod hot;
pub(in crate::storage) mod key;
mod lock;
mod range;
mod reader;
mod record;
mod room;
mod scan;
#[cfg(test)]
mod tests;
mod write;

pub use error::{Error, Result};
pub use gc::{Garbage, GarbageLimits, collect_key, find_garbage};
pub use get::{batch_get, get};
pub use hot::{HotBudget, HotVersions};
pub use lock::{Lock, Sight, check_read};
pub use range::KeyRange;
pub use reader::{MvccReader, TxnRecord};
pub use room::{Room, is_cut};
pub use scan::{ScanOptions, Scanner};
pub use write::{SHORT_VALUE_MAX, Write, WriteKind};
