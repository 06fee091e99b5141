//! The entries of FULLTEXT indexes: one for each word of a row.
//!
//! ```text
//! t <table> _i <index> <key of the word> <handle>  → <how often the row has it, 4 bytes>
//! ```

use bytes::Bytes;

use super::{IndexEntry, damaged, index_prefix};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::fulltext::{Term, word_counts};
use crate::sql::types::{Collation, Datum};
use crate::storage::codec::{datum as part, table};

/// Bytes of a group of a memcomparable string, and of the group with its marker.
const GROUP: usize = 8;

/// The collation that tells words of an index apart.
pub(crate) fn word_collation(table: &TableInfo, index: &IndexInfo) -> Collation {
    let first = index.columns.first();
    first.map_or(Collation::Utf8mb4Bin, |part| table.columns[part.offset].field_type.collation)
}

/// The entries of a row, which has one value for each column of the table; none for an index of another kind.
pub fn word_entries(
    table: &TableInfo,
    index: &IndexInfo,
    row: &[Datum],
    handle: i64,
) -> Vec<IndexEntry> {
    let Some(parser) = index.fulltext else { return Vec::new() };
    let texts = index.columns.iter().filter_map(|part| {
        if let Datum::Bytes(text) = &row[part.offset] { Some(&text[..]) } else { None }
    });
    let counts = word_counts(parser, word_collation(table, index), texts);
    let prefix = index_prefix(table.id, index.id);
    let entry = |(word, count): (Vec<u8>, u32)| {
        let mut key = prefix.clone();
        part::put_bytes(&mut key, &word);
        part::put_int(&mut key, handle);
        let value = Bytes::copy_from_slice(&count.to_be_bytes());
        IndexEntry { key: key.into(), value, distinct: false }
    };
    counts.into_iter().map(entry).collect()
}

/// What the keys of the entries of a word begin with.
pub(crate) fn word_prefix(table: &TableInfo, index: &IndexInfo, term: &Term) -> Bytes {
    let mut key = index_prefix(table.id, index.id);
    part::put_bytes(&mut key, &term.key);
    if term.prefix {
        // The last group is filled up, which those of longer words are not.
        key.truncate(key.len() - (GROUP - term.key.len() % GROUP) - 1);
    }
    key.into()
}

/// The row of an entry, and how often it has the word.
pub(crate) fn word_posting(key: &[u8], value: &[u8]) -> SqlResult<(i64, u32)> {
    let (_, _, mut rest) = table::decode_index_key(key).map_err(SqlError::internal)?;
    part::skip_part(&mut rest).map_err(SqlError::internal)?;
    let part::Part::Int(handle) = part::take_part(&mut rest).map_err(SqlError::internal)? else {
        return Err(damaged("index key"));
    };
    let count = value.first_chunk::<4>().ok_or_else(|| damaged("index value"))?;
    Ok((handle, u32::from_be_bytes(*count)))
}
