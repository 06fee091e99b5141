//! A table's rows and index entries as keys and values.
//!
//! ```text
//! t <table> _r <handle>                                 → row format v2 of the columns, without the handle's
//! t <table> _i <index> <value>…           (distinct)    → <flags> <handle> [<restore row>]
//! t <table> _i <index> <value>… <handle>  (otherwise)   → <flags> [<restore row>]
//! ```
//!
//! An entry is *distinct* if its index is unique and none of its values is NULL: then no other row may have the same key.
//! The values in an index key are memcomparable. A string stands there as its collation's sort key, from which it
//! cannot always be read back; such values come again in the *restore row* (row format v2), unless the
//! index has only a prefix of them.
//!
//! The *handle* of a row is its integer primary key, or a hidden number. That of an unsigned key has its top bit
//! flipped, so that the order of handles is the order of keys in both cases.

use bytes::Bytes;

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{ColumnInfo, IndexColumn, IndexInfo, KeyPath, SchemaState, TableInfo};
use crate::sql::types::{Datum, FieldType, TimeZone, codec};
use crate::storage::codec::row::{RowEncoder, RowView};
pub use crate::storage::codec::table::{index_range, row_key, row_range, table_range};
use crate::storage::codec::{datum as part, table};

pub(in crate::sql) mod bounds;
mod fulltext;
mod values;

pub use fulltext::word_entries;
pub(crate) use fulltext::{word_collation, word_posting, word_prefix};

/// Flag of an index value: the handle follows.
const HAS_HANDLE: u8 = 1;
/// Flag of an index value: a restore row is at the end.
const HAS_RESTORE: u8 = 2;

/// The error for bytes that nobody here has written.
fn damaged(what: &str) -> SqlError {
    SqlError::internal(format!("a stored {what} is damaged"))
}

/// Whether handles are the values of an unsigned column.
pub(crate) fn handle_is_unsigned(table: &TableInfo) -> bool {
    table.handle_column.is_some_and(|offset| table.columns[offset].field_type.unsigned)
}

/// The handle of a number that fits the handle's type.
pub(crate) fn ordered_handle(number: i128, unsigned: bool) -> i64 {
    if unsigned { ((number as u64) ^ (1 << 63)).cast_signed() } else { number as i64 }
}

/// The handle of a value of the handle column.
pub(crate) fn handle_of(value: &Datum, unsigned: bool) -> Option<i64> {
    match value {
        Datum::Int(number) => Some(ordered_handle(i128::from(*number), unsigned)),
        Datum::UInt(number) => Some(ordered_handle(i128::from(*number), unsigned)),
        Datum::Null
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Bytes(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Member(_)
        | Datum::Json(_) => None,
    }
}

/// The value of the handle column.
pub(crate) fn handle_datum(handle: i64, unsigned: bool) -> Datum {
    if unsigned { Datum::UInt(handle.cast_unsigned() ^ (1 << 63)) } else { Datum::Int(handle) }
}

/// The key of a counter of a table: `a` for AUTO_INCREMENT, `r` for hidden row ids.
pub(crate) fn counter_key(table_id: i64, kind: u8) -> Bytes {
    let mut key = Vec::with_capacity(11);
    key.extend_from_slice(b"mI");
    key.extend_from_slice(&table_id.cast_unsigned().to_be_bytes());
    key.push(kind);
    key.into()
}

/// The handle in a row key.
pub fn decode_handle(key: &[u8]) -> SqlResult<i64> {
    table::decode_row_key(key).map(|(_, handle)| handle).map_err(SqlError::internal)
}

/// A row's value. `row` has one value for each column of the table.
pub fn encode_row(table: &TableInfo, row: &[Datum], zone: &TimeZone) -> SqlResult<Bytes> {
    let mut encoder = RowEncoder::new();
    for (offset, column) in table.columns.iter().enumerate() {
        if Some(offset) != table.handle_column && is_written(column.state) {
            push_column(&mut encoder, column, &row[offset], zone)?;
        }
    }
    let mut value = Vec::new();
    encoder.finish(&mut value);
    Ok(value.into())
}

/// Appends a column with its id and its length.
fn push_column(
    encoder: &mut RowEncoder,
    column: &ColumnInfo,
    value: &Datum,
    zone: &TimeZone,
) -> SqlResult<()> {
    let id = column.id as u32;
    if value.is_null() {
        encoder.push_null(id);
        return Ok(());
    }
    let mut done = Ok(());
    encoder.push_with(id, |out| {
        done = codec::encode_row_value(value, &column.field_type, zone, out);
    });
    done
}

/// How one wanted column is read from a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// It is the handle.
    Handle { unsigned: bool },
    /// It is stored under its id; rows from before the column have `origin`.
    Stored { id: u32, field_type: FieldType, origin: Option<Bytes> },
}

/// How the columns at these offsets are read. The offset after the last column is the hidden handle.
pub(crate) fn wanted_columns(table: &TableInfo, columns: &[usize]) -> Vec<Wanted> {
    RowReader::new(table, columns, &TimeZone::UTC).wanted
}

/// Reads wanted columns of rows, and only those.
pub struct RowReader {
    wanted: Vec<Wanted>,
    zone: TimeZone,
}

impl RowReader {
    /// A reader of the columns at these offsets. The offset after the last column is the hidden handle.
    pub fn new(table: &TableInfo, columns: &[usize], zone: &TimeZone) -> RowReader {
        let wanted = |offset: &usize| {
            if *offset >= table.columns.len() || Some(*offset) == table.handle_column {
                return Wanted::Handle { unsigned: handle_is_unsigned(table) };
            }
            let column = &table.columns[*offset];
            Wanted::Stored {
                id: column.id as u32,
                field_type: column.field_type.clone(),
                origin: column.origin.clone().map(Bytes::from),
            }
        };
        RowReader { wanted: columns.iter().map(wanted).collect(), zone: *zone }
    }

    /// A reader of these columns.
    pub(crate) fn of(wanted: Vec<Wanted>, zone: &TimeZone) -> RowReader {
        RowReader { wanted, zone: *zone }
    }

    /// The wanted columns of a row.
    pub fn read(&self, handle: i64, value: &Bytes) -> SqlResult<Vec<Datum>> {
        let view = RowView::parse(value).map_err(SqlError::internal)?;
        let mut row = Vec::with_capacity(self.wanted.len());
        for wanted in &self.wanted {
            row.push(match wanted {
                Wanted::Handle { unsigned } => handle_datum(handle, *unsigned),
                Wanted::Stored { id, field_type, origin } => match (view.get(*id), origin) {
                    (Some(Some(bytes)), _) => {
                        values::take_value(value, bytes, field_type, &self.zone)?
                    }
                    (None, Some(origin)) => {
                        values::take_value(origin, origin, field_type, &self.zone)?
                    }
                    (Some(None), _) | (None, None) => Datum::Null,
                },
            });
        }
        Ok(row)
    }
}

/// What rows from before a column have in it.
pub(crate) fn origin_value(column: &ColumnInfo, zone: &TimeZone) -> SqlResult<Datum> {
    match column.origin.clone().map(Bytes::from) {
        Some(origin) => values::take_value(&origin, &origin, &column.field_type, zone),
        None => Ok(Datum::Null),
    }
}

/// An entry of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// No other row may have this key.
    pub distinct: bool,
}

/// What the keys of an index start with.
pub(crate) fn index_prefix(table: i64, index: i64) -> Vec<u8> {
    table::index_prefix(table, index).to_vec()
}

/// Appends a value of an index's column to a key.
pub(crate) fn push_index_value(
    key: &mut Vec<u8>,
    value: &Datum,
    field_type: &FieldType,
    part: &IndexColumn,
    zone: &TimeZone,
) -> SqlResult<()> {
    let start = key.len();
    // Only strings have prefixes.
    if let (Some(length), Datum::Bytes(bytes)) = (part.prefix_len, value) {
        let cut = values::prefix(bytes, length as usize, field_type.is_binary_string());
        codec::encode_key_value(&Datum::Bytes(cut), field_type, zone, key)?;
    } else {
        codec::encode_key_value(value, field_type, zone, key)?;
    }
    if part.descending {
        part::invert(&mut key[start..]);
    }
    Ok(())
}

/// The key by which the rows with these values in these columns are found; `None`: there can be none. For [`KeyPath::Prefix`] it is
/// what the keys of their entries begin with, and is itself the key of none.
pub(crate) fn reference_key(
    table: &TableInfo,
    columns: &[usize],
    path: KeyPath,
    values: &[&Datum],
    zone: &TimeZone,
) -> SqlResult<Option<Bytes>> {
    let index = match path {
        KeyPath::Handle => {
            let handle = handle_of(values[0], handle_is_unsigned(table));
            return Ok(handle.map(|handle| row_key(table.id, handle)));
        }
        KeyPath::Unique(at) | KeyPath::Prefix(at) => &table.indexes[at],
    };
    let mut key = index_prefix(table.id, index.id);
    for ((offset, value), part) in columns.iter().zip(values).zip(&index.columns) {
        push_index_value(&mut key, value, &table.columns[*offset].field_type, part, zone)?;
    }
    Ok(Some(key.into()))
}

/// The entry of a row. `row` has one value for each column of the table.
pub fn index_entry(
    table: &TableInfo,
    index: &IndexInfo,
    row: &[Datum],
    handle: i64,
    zone: &TimeZone,
) -> SqlResult<IndexEntry> {
    let mut key = index_prefix(table.id, index.id);
    let mut distinct = index.unique;
    let mut restore: Option<RowEncoder> = None;
    for column in &index.columns {
        let info = &table.columns[column.offset];
        let value = &row[column.offset];
        distinct &= !value.is_null();
        push_index_value(&mut key, value, &info.field_type, column, zone)?;
        // A prefix is restored only where it is unique.
        if values::restores(value, &info.field_type)
            || (column.prefix_len.is_some() && !index.unique)
        {
            continue;
        }
        let encoder = restore.get_or_insert_with(RowEncoder::new);
        match (column.prefix_len, value) {
            // Nobody reads the column there, but a duplicate is to be shown.
            (Some(length), Datum::Bytes(bytes)) => {
                let cut =
                    values::prefix(bytes, length as usize, info.field_type.is_binary_string());
                push_column(encoder, info, &Datum::Bytes(cut), zone)?;
            }
            // All of any other value.
            _ => push_column(encoder, info, value, zone)?,
        }
    }
    if !distinct {
        part::put_int(&mut key, handle);
    }
    let mut value = vec![0];
    if distinct {
        value[0] |= HAS_HANDLE;
        value.extend_from_slice(&handle.to_be_bytes());
    }
    if let Some(mut restore) = restore {
        value[0] |= HAS_RESTORE;
        restore.finish(&mut value);
    }
    Ok(IndexEntry { key: key.into(), value: value.into(), distinct })
}

/// The handle in the value of a distinct entry.
pub(crate) fn unique_handle(value: &[u8]) -> SqlResult<i64> {
    match value.split_first() {
        Some((flags, rest)) if flags & HAS_HANDLE != 0 => rest
            .first_chunk::<8>()
            .map(|bytes| i64::from_be_bytes(*bytes))
            .ok_or_else(|| damaged("index value")),
        _ => Err(damaged("index value")),
    }
}

/// Whether two values of distinct entries point to the same row.
pub fn same_handle(a: &[u8], b: &[u8]) -> SqlResult<bool> {
    Ok(unique_handle(a)? == unique_handle(b)?)
}

/// The handle an entry points to.
pub(crate) fn entry_handle(index: &IndexInfo, key: &[u8], value: &[u8]) -> SqlResult<i64> {
    if value.first().is_some_and(|flags| flags & HAS_HANDLE != 0) {
        return unique_handle(value);
    }
    let (_, _, mut rest) = table::decode_index_key(key).map_err(SqlError::internal)?;
    for _ in &index.columns {
        part::skip_part(&mut rest).map_err(SqlError::internal)?;
    }
    match part::take_part(&mut rest).map_err(SqlError::internal)? {
        part::Part::Int(handle) => Ok(handle),
        _ => Err(damaged("index key")),
    }
}

/// Where a wanted column stands in an entry.
enum Place {
    /// It is the handle.
    Handle { unsigned: bool },
    /// It is this column of the index.
    Key { position: usize, id: u32, field_type: FieldType },
}

/// Reads wanted columns from the entries of an index that covers them.
pub struct IndexReader {
    index: IndexInfo,
    wanted: Vec<Place>,
    zone: TimeZone,
}

impl IndexReader {
    /// A reader of the columns at these offsets, all of which the index has (or the handle).
    pub fn new(
        table: &TableInfo,
        index: &IndexInfo,
        columns: &[usize],
        zone: &TimeZone,
    ) -> IndexReader {
        let place = |offset: &usize| {
            let in_key = index
                .columns
                .iter()
                .position(|column| column.offset == *offset && column.prefix_len.is_none());
            match in_key {
                Some(position) if *offset < table.columns.len() => Place::Key {
                    position,
                    id: table.columns[*offset].id as u32,
                    field_type: table.columns[*offset].field_type.clone(),
                },
                _ => Place::Handle { unsigned: handle_is_unsigned(table) },
            }
        };
        let wanted = columns.iter().map(place).collect();
        IndexReader { index: index.clone(), wanted, zone: *zone }
    }

    /// The handle and the wanted columns of an entry.
    pub fn read(&self, key: &[u8], value: &Bytes) -> SqlResult<(i64, Vec<Datum>)> {
        let (_, _, mut rest) = table::decode_index_key(key).map_err(SqlError::internal)?;
        let mut parts = Vec::with_capacity(self.index.columns.len());
        for _ in &self.index.columns {
            parts.push(part::skip_part(&mut rest).map_err(SqlError::internal)?);
        }
        let handle = entry_handle(&self.index, key, value)?;
        let restore = restore_row(value)?;
        let restore = restore.as_ref().map(|row| RowView::parse(row)).transpose();
        let restore = restore.map_err(SqlError::internal)?;
        let mut row = Vec::with_capacity(self.wanted.len());
        for place in &self.wanted {
            row.push(match place {
                Place::Handle { unsigned } => handle_datum(handle, *unsigned),
                Place::Key { position, id, field_type } => {
                    match restore.and_then(|view| view.get(*id)).flatten() {
                        Some(bytes) => values::take_value(value, bytes, field_type, &self.zone)?,
                        None => values::take_key(parts[*position], field_type, &self.zone)?,
                    }
                }
            });
        }
        Ok((handle, row))
    }
}

/// The row as it is told by the value of an entry, if that has one.
fn restore_row(value: &Bytes) -> SqlResult<Option<Bytes>> {
    let flags = *value.first().ok_or_else(|| damaged("index value"))?;
    if flags & HAS_RESTORE == 0 {
        return Ok(None);
    }
    let at = if flags & HAS_HANDLE == 0 { 1 } else { 9 };
    if value.len() < at {
        return Err(damaged("index value"));
    }
    Ok(Some(value.slice(at..)))
}

/// Whether writers add entries to an index in this state, or values to a column.
pub(crate) fn is_written(state: SchemaState) -> bool {
    state >= SchemaState::WriteOnly
}

/// Whether writers remove entries from an index in this state.
pub(crate) fn removes_entries(state: SchemaState) -> bool {
    state >= SchemaState::DeleteOnly
}

/// Error 1062 for a row's entry in a unique index.
pub fn duplicate_index_entry(table: &TableInfo, index: &IndexInfo, row: &[Datum]) -> SqlError {
    let values: Vec<String> = index
        .columns
        .iter()
        .map(|column| {
            let field_type = &table.columns[column.offset].field_type;
            match (column.prefix_len, &row[column.offset]) {
                (Some(length), Datum::Bytes(bytes)) => {
                    let cut = values::prefix(bytes, length as usize, field_type.is_binary_string());
                    values::shown(&Datum::Bytes(cut), field_type)
                }
                // All of any other value.
                (_, value) => values::shown(value, field_type),
            }
        })
        .collect();
    duplicate_entry(&values.join("-"), &table.name, &index.name)
}

/// The same from an entry: the values in its key, and its value, which has those that the key cannot show.
pub fn duplicate_key(
    table: &TableInfo,
    index: &IndexInfo,
    mut values: &[u8],
    entry: &Bytes,
    zone: &TimeZone,
) -> SqlResult<SqlError> {
    let restore = if entry.is_empty() { None } else { restore_row(entry)? };
    let restore = restore.as_ref().map(|row| RowView::parse(row)).transpose();
    let restore = restore.map_err(SqlError::internal)?;
    let mut shown = Vec::with_capacity(index.columns.len());
    for column in &index.columns {
        let info = &table.columns[column.offset];
        let bytes = part::skip_part(&mut values).map_err(SqlError::internal)?;
        let restored = restore.and_then(|view| view.get(info.id as u32)).flatten();
        let value = match restored {
            Some(bytes) => values::take_value(entry, bytes, &info.field_type, zone)?,
            None => values::take_key(bytes, &info.field_type, zone)?,
        };
        shown.push(values::shown(&value, &info.field_type));
    }
    Ok(duplicate_entry(&shown.join("-"), &table.name, &index.name))
}

/// Error 1062 for a row's clustered primary key.
pub fn duplicate_primary_key(table: &TableInfo, handle: i64) -> SqlError {
    let shown = handle_datum(handle, handle_is_unsigned(table)).to_text();
    duplicate_entry(&shown, &table.name, "PRIMARY")
}

/// Error 1062.
fn duplicate_entry(values: &str, table: &str, index: &str) -> SqlError {
    // MySQL cuts long values.
    let shown: String = values.chars().take(64).collect();
    SqlError::new(errno::DUP_ENTRY, format!("Duplicate entry '{shown}' for key '{table}.{index}'"))
}
