//! The entries of FULLTEXT indexes that rows have. They are written with the row, so that index and table agree in every snapshot.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::writer::TableWriter;
use crate::sql::catalog::IndexInfo;
use crate::sql::table_codec;
use crate::sql::types::Datum;

impl TableWriter<'_> {
    /// Adds the words of a new row.
    pub(super) fn put_words(&self, row: &[Datum], handle: i64) {
        let indexes = self.table.indexes.iter().filter(|index| index.fulltext.is_some());
        for index in indexes.filter(|index| table_codec::is_written(index.state)) {
            for entry in table_codec::word_entries(self.table, index, row, handle) {
                self.ctx.txn.put(entry.key, entry.value);
            }
        }
    }

    /// Removes the words of a row.
    pub(super) fn remove_words(&self, index: &IndexInfo, row: &[Datum], handle: i64) {
        if table_codec::removes_entries(index.state) {
            for entry in table_codec::word_entries(self.table, index, row, handle) {
                self.ctx.txn.delete(entry.key);
            }
        }
    }

    /// Turns the words of an old row into those of a new one. Entries that stay are left alone.
    pub(super) fn change_words(
        &self,
        index: &IndexInfo,
        (old, old_handle): (&[Datum], i64),
        (new, handle): (&[Datum], i64),
    ) {
        let same = |offset: usize| old[offset] == new[offset];
        if old_handle == handle && index.columns.iter().all(|part| same(part.offset)) {
            return;
        }
        let entries = |row: &[Datum], handle: i64| -> BTreeMap<Bytes, Bytes> {
            let entries = table_codec::word_entries(self.table, index, row, handle);
            entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
        };
        let written = table_codec::is_written(index.state);
        let new = if written { entries(new, handle) } else { BTreeMap::new() };
        if table_codec::removes_entries(index.state) {
            let old = entries(old, old_handle);
            for key in old.keys().filter(|key| !new.contains_key(*key)) {
                self.ctx.txn.delete(key.clone());
            }
            for (key, value) in new.into_iter().filter(|(key, value)| old.get(key) != Some(value)) {
                self.ctx.txn.put(key, value);
            }
        }
    }
}
