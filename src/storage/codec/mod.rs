//! How values become bytes.
//!
//! Everything here is a primitive: which column is encoded how is decided above, in the sql floor. The parts,
//! from the inside out:
//!
//! - [`number`], [`bytes`] and [`decimal`]: *memcomparable* encodings, whose order as byte strings is the order of
//!   the values. They are prefix-free, so a concatenation of them is memcomparable too.
//! - [`varint`]: variable-length integers, for places where order does not matter.
//! - [`datum`]: memcomparable values behind a flag byte that says which kind follows; index keys are made of these.
//! - [`row`]: row values, from which one column can be read without decoding the others.
//! - [`table`]: the keys of rows, index entries and the schema, as transactions see them (*user keys*).
//! - [`mvcc`]: user keys with a timestamp, as the engine sees them (*encoded keys*).
//! - [`keys`]: the store's whole key space: local data, and user data under its prefix.
//!
//! The formats are TiDB's and TiKV's where those have one. Encoders append to a buffer of the caller. Decoders
//! take a `&mut &[u8]` and move it past what they read; whatever the bytes are, they answer with an [`Error`]
//! rather than panic. The bytes are drawn in `docs/architecture/storage-layout.md`.

pub mod bytes;
pub mod datum;
pub mod decimal;
pub mod keys;
pub mod mvcc;
pub mod number;
pub mod row;
pub mod table;
#[cfg(test)]
mod tests;
pub mod varint;

/// A result of a decoder.
pub type Result<T> = std::result::Result<T, Error>;

/// Bytes that no encoder made: corruption on disk or a message from a broken peer. The reader gives up on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end before the value does.
    #[error("encoded {0} is cut short")]
    Truncated(&'static str),
    /// The bytes cannot be a value of this kind.
    #[error("malformed {0}")]
    Malformed(&'static str),
}

/// The first `N` bytes of the input, which moves past them.
fn take<const N: usize>(input: &mut &[u8], what: &'static str) -> Result<[u8; N]> {
    let (head, rest) = input.split_first_chunk().ok_or(Error::Truncated(what))?;
    *input = rest;
    Ok(*head)
}
