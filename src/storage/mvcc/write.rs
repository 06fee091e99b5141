//! The commit record.

use bytes::Bytes;

use super::record::Fields;
use crate::common::Timestamp;
use crate::storage::codec::varint::{put_compact_bytes, put_uvarint};
use crate::storage::engine;

/// Values up to this length stand in the lock and commit records; longer ones in the `default` family.
pub const SHORT_VALUE_MAX: usize = 255;

/// What a transaction did to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// Put a value.
    Put,
    /// Deleted the key.
    Delete,
    /// Only locked it.
    Lock,
    /// Nothing: it was rolled back. Stands at the transaction's start timestamp and stops a late prewrite.
    Rollback,
}

/// A commit record, or a rollback's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What was done.
    pub kind: WriteKind,
    /// The transaction.
    pub start_ts: Timestamp,
    /// The value of a `Put`, when it is short enough to stand here.
    pub short_value: Option<Bytes>,
    /// Besides this commit, the transaction whose *start* timestamp equals this record's commit timestamp was
    /// rolled back on this key. (Both records would stand at one place; asynchronous commits draw
    /// timestamps that may coincide with another transaction's start.)
    pub has_overlapped_rollback: bool,
}

/// Whether a record decides what a reader sees, a value put or deleted; told without decoding it.
pub(super) fn is_value(record: &[u8]) -> bool {
    matches!(record.first(), Some(b'P' | b'D'))
}

const SHORT_VALUE: u8 = b'v';
const OVERLAPPED_ROLLBACK: u8 = b'R';

impl Write {
    /// A record of a commit.
    pub fn new(kind: WriteKind, start_ts: Timestamp, short_value: Option<Bytes>) -> Write {
        Write { kind, start_ts, short_value, has_overlapped_rollback: false }
    }

    /// The record that says `start_ts` was rolled back.
    pub fn rollback(start_ts: Timestamp) -> Write {
        Write::new(WriteKind::Rollback, start_ts, None)
    }

    /// The record as the `write` family stores it.
    pub fn encode(&self) -> Vec<u8> {
        let short = self.short_value.as_ref().map_or(0, |value| value.len() + 3);
        let mut out = Vec::with_capacity(12 + short);
        out.push(match self.kind {
            WriteKind::Put => b'P',
            WriteKind::Delete => b'D',
            WriteKind::Lock => b'L',
            WriteKind::Rollback => b'R',
        });
        put_uvarint(&mut out, self.start_ts.0);
        if let Some(value) = &self.short_value {
            out.push(SHORT_VALUE);
            put_compact_bytes(&mut out, value);
        }
        if self.has_overlapped_rollback {
            out.push(OVERLAPPED_ROLLBACK);
        }
        out
    }

    /// Reads a record back.
    pub fn decode(record: &[u8]) -> engine::Result<Write> {
        let mut fields = Fields::new(record, "commit");
        let kind = match fields.tag() {
            Some(b'P') => WriteKind::Put,
            Some(b'D') => WriteKind::Delete,
            Some(b'L') => WriteKind::Lock,
            Some(b'R') => WriteKind::Rollback,
            _ => return Err(fields.corrupt()),
        };
        let mut write = Write::new(kind, fields.timestamp()?, None);
        while let Some(tag) = fields.tag() {
            match tag {
                SHORT_VALUE => write.short_value = Some(fields.bytes()?),
                OVERLAPPED_ROLLBACK => write.has_overlapped_rollback = true,
                _ => return Err(fields.corrupt()),
            }
        }
        Ok(write)
    }
}
