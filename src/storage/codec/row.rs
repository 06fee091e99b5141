//! Row values: TiDB's row format, version 2.
//!
//! ```text
//! 128        the version
//! flags      bit 0: large
//! u16, u16   how many columns have a value, and how many are NULL
//! ids        of the columns with a value, then of those that are NULL, each ascending; u8 each (large: u32)
//! offsets    of the end of each value; u16 each (large: u32)
//! values     one behind the other
//! ```
//!
//! Integers are little-endian. A column that is not in the row at all was added to the table later: it has its
//! original default. [`RowView`] finds a column by binary search and copies nothing.

use super::{Error, Result};

const VERSION: u8 = 128;
const LARGE: u8 = 1;
const HEADER_LEN: usize = 6;

/// Encodes rows. Keep one, and its buffers serve all rows.
#[derive(Debug, Default)]
pub struct RowEncoder {
    /// Column id, and where in `values` its value is.
    columns: Vec<(u32, Option<(u32, u32)>)>,
    values: Vec<u8>,
}

impl RowEncoder {
    /// An encoder without columns.
    pub fn new() -> RowEncoder {
        RowEncoder::default()
    }

    /// Adds a column that is NULL. Columns may come in any order, each once.
    pub fn push_null(&mut self, column: u32) {
        self.columns.push((column, None));
    }

    /// Adds a column with a value.
    pub fn push(&mut self, column: u32, value: &[u8]) {
        self.push_with(column, |out| out.extend_from_slice(value));
    }

    /// Adds a column whose value `write` appends to the buffer it is given.
    pub fn push_with(&mut self, column: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.values.len() as u32;
        write(&mut self.values);
        self.columns.push((column, Some((start, self.values.len() as u32))));
    }

    /// Appends the row, and starts the next one.
    ///
    /// # Panics
    ///
    /// When a column was added twice, or there are more than 65,535.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        // NULL columns go behind the others, each part ascending.
        self.columns.sort_unstable_by_key(|(id, value)| (value.is_none(), *id));
        let present = self.columns.partition_point(|(_, value)| value.is_some());
        let (values, nulls) = self.columns.split_at(present);
        let count =
            |part: &[_]| u16::try_from(part.len()).expect("a table has under 65,536 columns");
        let ascending = |part: &[(u32, _)]| part.is_sorted_by(|a, b| a.0 < b.0);
        assert!(ascending(values) && ascending(nulls), "each column comes once");

        let ids = || self.columns.iter().map(|(id, _)| *id);
        let large =
            ids().any(|id| id > u32::from(u8::MAX)) || self.values.len() > usize::from(u16::MAX);
        out.reserve(HEADER_LEN + self.columns.len() * 8 + self.values.len());
        out.extend_from_slice(&[VERSION, if large { LARGE } else { 0 }]);
        out.extend_from_slice(&count(values).to_le_bytes());
        out.extend_from_slice(&count(nulls).to_le_bytes());
        for id in ids() {
            if large { out.extend_from_slice(&id.to_le_bytes()) } else { out.push(id as u8) }
        }
        let spans = || values.iter().filter_map(|(_, span)| *span);
        let mut end = 0;
        for (from, to) in spans() {
            end += to - from;
            if large {
                out.extend_from_slice(&end.to_le_bytes());
            } else {
                out.extend_from_slice(&(end as u16).to_le_bytes());
            }
        }
        for (from, to) in spans() {
            out.extend_from_slice(&self.values[from as usize..to as usize]);
        }
        self.columns.clear();
        self.values.clear();
    }
}

/// A row from columns and their values (`None`: NULL), in any order.
///
/// # Panics
///
/// As [`RowEncoder::finish`].
pub fn encode_row<'a>(columns: impl IntoIterator<Item = (u32, Option<&'a [u8]>)>) -> Vec<u8> {
    let mut encoder = RowEncoder::new();
    for (column, value) in columns {
        match value {
            Some(value) => encoder.push(column, value),
            None => encoder.push_null(column),
        }
    }
    let mut row = Vec::new();
    encoder.finish(&mut row);
    row
}

/// An encoded row, looked at in place.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    large: bool,
    value_ids: &'a [u8],
    null_ids: &'a [u8],
    offsets: &'a [u8],
    values: &'a [u8],
}

impl<'a> RowView<'a> {
    /// Checks the whole frame, so that no later read can fail.
    pub fn parse(row: &'a [u8]) -> Result<RowView<'a>> {
        let (header, rest) =
            row.split_first_chunk::<HEADER_LEN>().ok_or(Error::Truncated("row"))?;
        let [VERSION, flags, values @ .., nulls_low, nulls_high] = *header else {
            return Err(Error::Malformed("row version"));
        };
        if flags & !LARGE != 0 {
            return Err(Error::Malformed("row flags"));
        }
        let large = flags & LARGE != 0;
        let (id_width, offset_width) = if large { (4, 4) } else { (1, 2) };
        let value_count = usize::from(u16::from_le_bytes(values));
        let null_count = usize::from(u16::from_le_bytes([nulls_low, nulls_high]));
        let cut = |rest: &'a [u8], len| rest.split_at_checked(len).ok_or(Error::Truncated("row"));
        let (value_ids, rest) = cut(rest, value_count * id_width)?;
        let (null_ids, rest) = cut(rest, null_count * id_width)?;
        let (offsets, values) = cut(rest, value_count * offset_width)?;
        let view = RowView { large, value_ids, null_ids, offsets, values };
        view.check(value_count, null_count)?;
        Ok(view)
    }

    fn check(&self, value_count: usize, null_count: usize) -> Result<()> {
        let ascending = |ids, count| {
            (1..count).all(|position| self.id(ids, position - 1) < self.id(ids, position))
        };
        if !ascending(self.value_ids, value_count) || !ascending(self.null_ids, null_count) {
            return Err(Error::Malformed("row columns"));
        }
        let mut last = 0;
        for position in 0..value_count {
            let end = self.end(position);
            if end < last {
                return Err(Error::Malformed("row offsets"));
            }
            last = end;
        }
        if last == self.values.len() { Ok(()) } else { Err(Error::Malformed("row length")) }
    }

    /// The value of a column: `None` when the row does not know the column, `Some(None)` when it is NULL.
    pub fn get(&self, column: u32) -> Option<Option<&'a [u8]>> {
        if let Some(position) = self.position(self.value_ids, column) {
            return Some(Some(self.value(position)));
        }
        self.position(self.null_ids, column).map(|_| None)
    }

    /// The columns with a value, ascending.
    pub fn values(&self) -> impl Iterator<Item = (u32, &'a [u8])> {
        let view = *self;
        (0..view.count(view.value_ids))
            .map(move |position| (view.id(view.value_ids, position), view.value(position)))
    }

    /// The columns that are NULL, ascending.
    pub fn nulls(&self) -> impl Iterator<Item = u32> {
        let view = *self;
        (0..view.count(view.null_ids)).map(move |position| view.id(view.null_ids, position))
    }

    fn count(&self, ids: &[u8]) -> usize {
        if self.large { ids.len() / 4 } else { ids.len() }
    }

    fn position(&self, ids: &[u8], column: u32) -> Option<usize> {
        if !self.large {
            return ids.binary_search(&u8::try_from(column).ok()?).ok();
        }
        ids.as_chunks::<4>().0.binary_search_by_key(&column, |id| u32::from_le_bytes(*id)).ok()
    }

    fn id(&self, ids: &[u8], position: usize) -> u32 {
        if !self.large {
            return u32::from(ids[position]);
        }
        u32::from_le_bytes(ids.as_chunks::<4>().0[position])
    }

    /// Where the value at a position ends.
    fn end(&self, position: usize) -> usize {
        if !self.large {
            return usize::from(u16::from_le_bytes(self.offsets.as_chunks::<2>().0[position]));
        }
        u32::from_le_bytes(self.offsets.as_chunks::<4>().0[position]) as usize
    }

    fn value(&self, position: usize) -> &'a [u8] {
        let start = if position == 0 { 0 } else { self.end(position - 1) };
        &self.values[start..self.end(position)]
    }
}

/// Appends a signed integer in as few of 1, 2, 4 or 8 bytes as hold it, little-endian.
pub fn put_compact_i64(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = i8::try_from(value) {
        out.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.extend_from_slice(&value.to_le_bytes());
    } else {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends an unsigned integer in as few of 1, 2, 4 or 8 bytes as hold it, little-endian.
pub fn put_compact_u64(out: &mut Vec<u8>, value: u64) {
    if let Ok(value) = u8::try_from(value) {
        out.push(value);
    } else if let Ok(value) = u16::try_from(value) {
        out.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.extend_from_slice(&value.to_le_bytes());
    } else {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Reads the whole of a value written by [`put_compact_i64`].
pub fn compact_i64(value: &[u8]) -> Result<i64> {
    match *value {
        [a] => Ok(i64::from(a as i8)),
        [a, b] => Ok(i64::from(i16::from_le_bytes([a, b]))),
        [a, b, c, d] => Ok(i64::from(i32::from_le_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Ok(i64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => Err(Error::Malformed("integer length")),
    }
}

/// Reads the whole of a value written by [`put_compact_u64`].
pub fn compact_u64(value: &[u8]) -> Result<u64> {
    match *value {
        [a] => Ok(u64::from(a)),
        [a, b] => Ok(u64::from(u16::from_le_bytes([a, b]))),
        [a, b, c, d] => Ok(u64::from(u32::from_le_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => Err(Error::Malformed("integer length")),
    }
}
