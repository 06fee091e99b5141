//! What a table's rows add up to.

use bytes::Bytes;

use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{IndexInfo, SchemaState, TableInfo};
use crate::sql::stats::{ColumnStats, Sketch, TableStats};
use crate::sql::table_codec::{self, RowReader};
use crate::sql::types::{Datum, FieldType, TimeZone, codec};
use crate::storage::codec::row::RowView;

/// Of so many rows one is taken to see how large its index entries are.
const INDEX_SAMPLE: u64 = 8;

/// Bytes of a handle.
const HANDLE_BYTES: u64 = 8;

/// Adds rows up, given one by one in any order.
pub(super) struct Collector<'a> {
    table: &'a TableInfo,
    /// Those that are complete.
    indexes: Vec<&'a IndexInfo>,
    reader: RowReader,
    rows: u64,
    bytes: u64,
    index_bytes: u64,
    columns: Vec<Column<'a>>,
    /// A value as its collation compares it.
    comparable: Vec<u8>,
}

struct Column<'a> {
    id: i64,
    field_type: &'a FieldType,
    /// No two rows have the same value, so there is nothing to estimate.
    unique: bool,
    is_handle: bool,
    nulls: u64,
    bytes: u64,
    values: Sketch,
}

impl<'a> Collector<'a> {
    pub(super) fn new(table: &'a TableInfo) -> Collector<'a> {
        let public = |index: &&IndexInfo| index.state == SchemaState::Public;
        let indexes: Vec<&IndexInfo> = table.indexes.iter().filter(public).collect();
        let offsets: Vec<usize> = (0..table.columns.len()).collect();
        let columns = table.columns.iter().enumerate().map(|(offset, column)| Column {
            id: column.id,
            field_type: &column.field_type,
            unique: table.handle_column == Some(offset)
                || indexes.iter().any(|index| is_unique(index, offset)),
            is_handle: table.handle_column == Some(offset),
            nulls: 0,
            bytes: 0,
            values: Sketch::default(),
        });
        Collector {
            table,
            columns: columns.collect(),
            indexes,
            reader: RowReader::new(table, &offsets, &TimeZone::UTC),
            rows: 0,
            bytes: 0,
            index_bytes: 0,
            comparable: Vec::new(),
        }
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row as it is stored.
    pub(super) fn add(&mut self, key: &[u8], value: &Bytes) -> SqlResult<()> {
        let handle = table_codec::decode_handle(key)?;
        let row = self.reader.read(handle, value)?;
        let view = RowView::parse(value).map_err(SqlError::internal)?;
        for (column, datum) in self.columns.iter_mut().zip(&row) {
            let stored = view.get(column.id as u32).flatten().map_or(0, |bytes| bytes.len() as u64);
            column.add(datum, stored, &mut self.comparable)?;
        }
        if self.rows.is_multiple_of(INDEX_SAMPLE) {
            for index in &self.indexes {
                if index.fulltext.is_some() {
                    let words = table_codec::word_entries(self.table, index, &row, handle);
                    let bytes = words.iter().map(|entry| entry.key.len() + entry.value.len());
                    self.index_bytes += bytes.sum::<usize>() as u64;
                    continue;
                }
                let entry =
                    table_codec::index_entry(self.table, index, &row, handle, &TimeZone::UTC)?;
                self.index_bytes += (entry.key.len() + entry.value.len()) as u64;
            }
        }
        self.rows += 1;
        self.bytes += (key.len() + value.len()) as u64;
        Ok(())
    }

    /// What all the rows come to. When they were read, the caller knows.
    pub(super) fn finish(self) -> TableStats {
        let rows = self.rows;
        let columns = self.columns.into_iter().map(|column| column.finish(rows)).collect();
        TableStats {
            rows,
            row_bytes: average(self.bytes, rows),
            index_bytes: average(self.index_bytes, rows.div_ceil(INDEX_SAMPLE)),
            columns,
            ..TableStats::empty(self.table.id)
        }
    }
}

impl Column<'_> {
    fn add(&mut self, value: &Datum, stored: u64, comparable: &mut Vec<u8>) -> SqlResult<()> {
        if value.is_null() {
            self.nulls += 1;
            return Ok(());
        }
        self.bytes += if self.is_handle { HANDLE_BYTES } else { stored };
        if !self.unique {
            comparable.clear();
            codec::encode_key_value(value, self.field_type, &TimeZone::UTC, comparable)?;
            self.values.add(comparable);
        }
        Ok(())
    }

    fn finish(self, rows: u64) -> ColumnStats {
        let values = rows - self.nulls;
        let distinct = if self.unique { values } else { self.values.count().min(values) };
        ColumnStats {
            column: self.id,
            distinct,
            nulls: self.nulls,
            bytes: average(self.bytes, values),
        }
    }
}

/// Whether an index lets no two rows have the same value in a column.
fn is_unique(index: &IndexInfo, offset: usize) -> bool {
    index.unique
        && matches!(index.columns.as_slice(), [only] if only.offset == offset && only.prefix_len.is_none())
}

fn average(total: u64, count: u64) -> u64 {
    match count {
        0 => 0,
        _ => (total + count / 2) / count,
    }
}
