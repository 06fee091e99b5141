//! Reading lock and commit records: a kind byte, fixed fields, then tagged optional ones.
//!
//! Numbers and byte strings are the codec's variable-length ones. A record that does not decode is corruption,
//! never a default.

use bytes::Bytes;

use crate::common::Timestamp;
use crate::storage::codec::varint;
use crate::storage::engine::{Error, Result};

/// Takes a record apart, from the front.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of a record; `what` names it in errors.
    pub(super) fn new(record: &'a [u8], what: &'static str) -> Fields<'a> {
        Fields { rest: record, what }
    }

    /// The error of a record that does not decode.
    pub(super) fn corrupt(&self) -> Error {
        Error::Corruption(format!("malformed {} record", self.what))
    }

    /// The next byte, or none at the end.
    pub(super) fn tag(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Result<u64> {
        varint::take_uvarint(&mut self.rest).map_err(|_| self.corrupt())
    }

    /// The next timestamp.
    pub(super) fn timestamp(&mut self) -> Result<Timestamp> {
        self.number().map(Timestamp)
    }

    /// The next byte string.
    pub(super) fn bytes(&mut self) -> Result<Bytes> {
        match varint::take_compact_bytes(&mut self.rest) {
            Ok(bytes) => Ok(Bytes::copy_from_slice(bytes)),
            Err(_) => Err(self.corrupt()),
        }
    }
}
