//! The keys that transactions see: rows, index entries and the schema, in TiDB's layout.
//!
//! ```text
//! t <table id> _r <handle>                        a row
//! t <table id> _i <index id> <values> [<handle>]  an index entry; the handle when values need not be unique
//! m <name> …                                      the schema
//! ```
//!
//! Ids and handles are memcomparable integers of eight bytes.

use bytes::Bytes;

use super::{Error, Result, bytes as memcomparable, number, take};

const TABLE: u8 = b't';
const SCHEMA: u8 = b'm';
const ROW: &[u8; 2] = b"_r";
const INDEX: &[u8; 2] = b"_i";
const TABLE_LEN: usize = 1 + 8;
/// How long a row's key is.
pub const ROW_KEY_LEN: usize = TABLE_LEN + 2 + 8;
const INDEX_PREFIX_LEN: usize = TABLE_LEN + 2 + 8;

/// What is stored under a schema name, as TiDB's type byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SchemaKind {
    /// One value.
    Value = b's' as isize,
    /// One field of a hash.
    Field = b'h' as isize,
}

/// What a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKey<'a> {
    /// A row.
    Row {
        /// Its table.
        table: i64,
        /// Its handle.
        handle: i64,
    },
    /// An index entry.
    Index {
        /// Its table.
        table: i64,
        /// Its index.
        index: i64,
        /// The flagged values, and the handle if the key has one.
        values: &'a [u8],
    },
}

fn put_table(out: &mut Vec<u8>, table: i64) {
    out.push(TABLE);
    number::put_i64(out, table);
}

fn row_prefix_with_room(table: i64) -> Vec<u8> {
    let mut key = Vec::with_capacity(ROW_KEY_LEN);
    put_table(&mut key, table);
    key.extend_from_slice(ROW);
    key
}

fn index_prefix_with_room(table: i64, index: i64, room: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(INDEX_PREFIX_LEN + room);
    put_table(&mut key, table);
    key.extend_from_slice(INDEX);
    number::put_i64(&mut key, index);
    key
}

/// What every key of a table starts with.
pub fn table_prefix(table: i64) -> Bytes {
    let mut key = Vec::with_capacity(TABLE_LEN);
    put_table(&mut key, table);
    key.into()
}

/// Every key of a table, rows and indexes: `[start, end)`.
pub fn table_range(table: i64) -> (Bytes, Bytes) {
    prefix_range(table_prefix(table))
}

/// What every row key of a table starts with.
pub fn row_prefix(table: i64) -> Bytes {
    row_prefix_with_room(table).into()
}

/// Every row of a table: `[start, end)`.
pub fn row_range(table: i64) -> (Bytes, Bytes) {
    prefix_range(row_prefix(table))
}

/// The key of a row.
pub fn row_key(table: i64, handle: i64) -> Bytes {
    let mut key = row_prefix_with_room(table);
    number::put_i64(&mut key, handle);
    key.into()
}

/// What every entry of an index starts with.
pub fn index_prefix(table: i64, index: i64) -> Bytes {
    index_prefix_with_room(table, index, 0).into()
}

/// Every entry of an index: `[start, end)`.
pub fn index_range(table: i64, index: i64) -> (Bytes, Bytes) {
    prefix_range(index_prefix(table, index))
}

/// The key of an index entry; `values` are flagged values (see [`super::datum`]), the handle among them if need be.
pub fn index_key(table: i64, index: i64, values: &[u8]) -> Bytes {
    let mut key = index_prefix_with_room(table, index, values.len());
    key.extend_from_slice(values);
    key.into()
}

/// The table and the handle of a row key.
pub fn decode_row_key(key: &[u8]) -> Result<(i64, i64)> {
    match decode_table_key(key)? {
        TableKey::Row { table, handle } => Ok((table, handle)),
        TableKey::Index { .. } => Err(Error::Malformed("row key")),
    }
}

/// The table, the index and the values of an index key.
pub fn decode_index_key(key: &[u8]) -> Result<(i64, i64, &[u8])> {
    match decode_table_key(key)? {
        TableKey::Index { table, index, values } => Ok((table, index, values)),
        TableKey::Row { .. } => Err(Error::Malformed("index key")),
    }
}

/// Takes the key of a row or an index entry apart.
pub fn decode_table_key(key: &[u8]) -> Result<TableKey<'_>> {
    let mut rest = key;
    let table = take_table(&mut rest)?;
    let kind: [u8; 2] = take(&mut rest, "table key")?;
    let id = number::take_i64(&mut rest)?;
    match &kind {
        ROW if rest.is_empty() => Ok(TableKey::Row { table, handle: id }),
        INDEX => Ok(TableKey::Index { table, index: id, values: rest }),
        _ => Err(Error::Malformed("table key")),
    }
}

/// The table a key belongs to, which may be cut anywhere behind the table id (region boundaries are).
pub fn table_of(key: &[u8]) -> Option<i64> {
    take_table(&mut &*key).ok()
}

fn take_table(input: &mut &[u8]) -> Result<i64> {
    match take(input, "table key")? {
        [TABLE] => number::take_i64(input),
        _ => Err(Error::Malformed("table key")),
    }
}

/// Every key of the schema: `[start, end)`.
pub fn schema_range() -> (Bytes, Bytes) {
    prefix_range(Bytes::from_static(&[SCHEMA]))
}

fn schema_prefix(name: &[u8], kind: SchemaKind) -> Vec<u8> {
    let mut key = vec![SCHEMA];
    memcomparable::put_bytes(&mut key, name);
    number::put_u64(&mut key, kind as u64);
    key
}

/// The key of a single value in the schema, such as a counter.
pub fn schema_key(name: &[u8]) -> Bytes {
    schema_prefix(name, SchemaKind::Value).into()
}

/// The key of a field of a schema hash, such as one table of a database.
pub fn schema_field_key(name: &[u8], field: &[u8]) -> Bytes {
    let mut key = schema_prefix(name, SchemaKind::Field);
    memcomparable::put_bytes(&mut key, field);
    key.into()
}

/// Every field of a schema hash, in the order of their names: `[start, end)`.
pub fn schema_field_range(name: &[u8]) -> (Bytes, Bytes) {
    prefix_range(schema_prefix(name, SchemaKind::Field).into())
}

/// The field of a key made by [`schema_field_key`].
pub fn decode_schema_field_key(key: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut rest = key;
    if take(&mut rest, "schema key")? != [SCHEMA] {
        return Err(Error::Malformed("schema key"));
    }
    let name = memcomparable::take_bytes(&mut rest)?;
    if number::take_u64(&mut rest)? != SchemaKind::Field as u64 {
        return Err(Error::Malformed("schema key"));
    }
    let field = memcomparable::take_bytes(&mut rest)?;
    if rest.is_empty() { Ok((name, field)) } else { Err(Error::Malformed("schema key")) }
}

/// The keys with a prefix: `[start, end)`. The end is empty, for no bound, when the prefix is all 255.
pub fn prefix_range(prefix: Bytes) -> (Bytes, Bytes) {
    let end = prefix_end(&prefix);
    (prefix, end)
}

/// The smallest key above all keys with a prefix; empty, for no bound, when the prefix is all 255.
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    let kept = prefix.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
    let mut end = prefix[..kept].to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end.into()
}
