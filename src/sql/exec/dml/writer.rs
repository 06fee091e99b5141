//! Writing rows of one table with their index entries.

use std::collections::BTreeMap;

use ahash::AHashMap;
use bytes::Bytes;
use parking_lot::Mutex;

use super::mirrored::Mirrored;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{IndexInfo, SchemaState, TableInfo, outside_selection};
use crate::sql::exec::ExecContext;
use crate::sql::plan::{AccessLock, Divided, RowRules, TargetTable};
use crate::sql::stats::TableDelta;
use crate::sql::table_codec::{self, IndexEntry, RowReader};
use crate::sql::types::{Datum, TimeZone};

/// Writes rows of a table into a transaction's buffer.
pub(super) struct TableWriter<'a> {
    pub(super) table: &'a TableInfo,
    pub(super) ctx: &'a ExecContext,
    mirrored: Mirrored,
    /// How its rows are divided.
    divided: Option<&'a Divided>,
    /// What became of the rows of each physical table, where there are several.
    counted: Mutex<BTreeMap<usize, TableDelta>>,
    /// What is said of every row.
    rules: Option<&'a RowRules>,
    /// Values in the store of the unique keys of the current chunk.
    stored: AHashMap<Bytes, Option<Bytes>>,
}

/// A row to be written, with everything that follows from it.
pub(super) struct NewRow {
    pub(super) values: Vec<Datum>,
    pub(super) handle: i64,
    /// Which of the physical tables it is in.
    place: usize,
    /// Entries of the indexes that writers add to, by position in the table.
    entries: Vec<(usize, IndexEntry)>,
}

/// A row that stands where another is to go.
pub(super) struct Conflict {
    /// Its handle.
    pub(super) handle: i64,
    /// Which of the physical tables it is in: that of the row which is to go there, as every unique key says where a row is.
    pub(super) place: usize,
    /// The two have the same value in this column, by which alone they are told apart.
    pub(super) column: Option<usize>,
    /// The name of the key that both have.
    pub(super) key: String,
    /// Error 1062 that tells of it.
    pub(super) error: SqlError,
}

impl<'a> TableWriter<'a> {
    pub(super) fn new(
        table: &'a TableInfo,
        rules: Option<&'a RowRules>,
        ctx: &'a ExecContext,
    ) -> TableWriter<'a> {
        let (mirrored, stored) = (Mirrored::of(table), AHashMap::new());
        let counted = Mutex::default();
        TableWriter { table, ctx, mirrored, divided: None, counted, rules, stored }
    }

    /// The writer of the table that a statement changes.
    pub(super) fn of(
        target: &'a TargetTable,
        rules: Option<&'a RowRules>,
        ctx: &'a ExecContext,
    ) -> TableWriter<'a> {
        let divided = target.divided.as_deref();
        TableWriter { divided, ..TableWriter::new(&target.table, rules, ctx) }
    }

    /// The physical table at a place.
    fn at(&self, place: usize) -> &'a TableInfo {
        self.divided.map_or(self.table, |divided| &*divided.partitions.tables()[place])
    }

    fn count(&self, place: usize, delta: TableDelta) {
        if self.divided.is_some() {
            self.counted.lock().entry(place).or_default().add(delta);
        }
    }

    /// What became of the rows of each physical table, by its id.
    pub(super) fn into_deltas(self) -> impl Iterator<Item = (i64, TableDelta)> {
        let divided = self.divided;
        self.counted
            .into_inner()
            .into_iter()
            .filter_map(move |(place, delta)| Some((divided?.partitions.tables()[place].id, delta)))
    }

    /// The place of a row that stands.
    fn place_of(&self, values: &[Datum]) -> SqlResult<usize> {
        match self.divided {
            Some(divided) => divided.partitions.place(values, &self.ctx.eval),
            None => Ok(0),
        }
    }

    /// The place of a new row: errors 1526 and 1748.
    fn new_place(&self, values: &[Datum]) -> SqlResult<usize> {
        let place = self.place_of(values)?;
        let selected = self.divided.and_then(|divided| divided.selected.as_ref());
        match selected.is_none_or(|selected| selected.contains(&place)) {
            true => Ok(place),
            false => Err(outside_selection()),
        }
    }

    /// Works out the entries of a new row; an error if the table's definition forbids it. The handle is the handle column's value where
    /// there is one.
    pub(super) fn prepare(&self, mut values: Vec<Datum>, hidden: i64) -> SqlResult<NewRow> {
        self.mirrored.fill(self.table, None, &mut values, &self.ctx.eval)?;
        self.prepared(values, hidden)
    }

    /// Works out the entries of a row that takes the place of an old one.
    pub(super) fn prepare_changed(
        &self,
        old: &[Datum],
        mut values: Vec<Datum>,
        hidden: i64,
    ) -> SqlResult<NewRow> {
        self.mirrored.fill(self.table, Some(old), &mut values, &self.ctx.eval)?;
        self.prepared(values, hidden)
    }

    fn prepared(&self, mut values: Vec<Datum>, hidden: i64) -> SqlResult<NewRow> {
        if let Some(rules) = self.rules {
            rules.generate(self.table, &mut values, &self.ctx.eval)?;
            rules.check(&values, &self.ctx.eval)?;
        }
        let handle = self.handle(&values, hidden)?;
        let place = self.new_place(&values)?;
        let mut entries = Vec::with_capacity(self.table.indexes.len());
        for (position, index) in self.table.indexes.iter().enumerate() {
            if table_codec::is_written(index.state) && index.fulltext.is_none() {
                let entry = self.entry(place, index, &values, handle)?;
                entries.push((position, entry));
            }
        }
        Ok(NewRow { values, handle, place, entries })
    }

    fn zone(&self) -> &TimeZone {
        &self.ctx.eval.time_zone
    }

    fn entry(
        &self,
        place: usize,
        index: &IndexInfo,
        row: &[Datum],
        handle: i64,
    ) -> SqlResult<IndexEntry> {
        table_codec::index_entry(self.at(place), index, row, handle, self.zone())
    }

    fn row_key(&self, place: usize, handle: i64) -> Bytes {
        table_codec::row_key(self.at(place).id, handle)
    }

    fn handle(&self, values: &[Datum], hidden: i64) -> SqlResult<i64> {
        let Some(offset) = self.table.handle_column else { return Ok(hidden) };
        let unsigned = table_codec::handle_is_unsigned(self.table);
        table_codec::handle_of(&values[offset], unsigned)
            .ok_or_else(|| SqlError::internal("a primary key that is not an integer"))
    }

    /// The keys of a row that no other row may have.
    pub(super) fn unique_keys(&self, row: &NewRow, keys: &mut Vec<Bytes>) {
        if self.table.handle_column.is_some() {
            keys.push(self.row_key(row.place, row.handle));
        }
        keys.extend(self.unique_entries(row).map(|(_, entry)| entry.key.clone()));
    }

    /// The entries of a row that no other row may have.
    fn unique_entries<'r>(
        &'r self,
        row: &'r NewRow,
    ) -> impl Iterator<Item = (&'r IndexInfo, &'r IndexEntry)> {
        let entries = row.entries.iter().map(|(at, entry)| (&self.table.indexes[*at], entry));
        entries.filter(|(index, entry)| entry.distinct && !index.skips_new_rows)
    }

    /// Asks for the unique keys of a chunk: locks them in a pessimistic transaction. In an optimistic one they are
    /// read if `eagerly`, and left to be checked at commit otherwise.
    pub(super) async fn fetch(&mut self, mut keys: Vec<Bytes>, eagerly: bool) -> SqlResult<()> {
        self.stored.clear();
        if keys.is_empty() {
            return Ok(());
        }
        // One order for all statements makes deadlocks rarer.
        keys.sort_unstable();
        keys.dedup();
        let txn = &self.ctx.txn;
        let values = if txn.is_pessimistic() {
            let options = self.ctx.lock_options(AccessLock::ForUpdate, true);
            txn.lock_keys(keys.clone(), options).await?
        } else if eagerly {
            txn.batch_get(keys.clone()).await?
        } else {
            return Ok(());
        };
        self.stored.extend(keys.into_iter().zip(values));
        Ok(())
    }

    /// Asks for more unique keys of the current chunk.
    pub(super) async fn fetch_more(&mut self, keys: Vec<Bytes>) -> SqlResult<()> {
        let known = std::mem::take(&mut self.stored);
        let fetched = self.fetch(keys, true).await;
        self.stored.extend(known);
        fetched
    }

    /// The keys of a row that goes away which no other row may have: whoever wants one of them waits until that is sure.
    pub(super) fn removed_unique_keys(
        &self,
        values: &[Datum],
        handle: i64,
        keys: &mut Vec<Bytes>,
    ) -> SqlResult<()> {
        let place = self.place_of(values)?;
        for index in self.table.indexes.iter().filter(|index| index.unique) {
            if table_codec::is_written(index.state) && !index.skips_new_rows {
                let entry = self.entry(place, index, values, handle)?;
                if entry.distinct {
                    keys.push(entry.key);
                }
            }
        }
        Ok(())
    }

    /// The unique keys that a changed row has and had not, and those that it had and has not.
    pub(super) fn changed_unique_keys(
        &self,
        old: &[Datum],
        old_handle: i64,
        new: &NewRow,
        keys: &mut Vec<Bytes>,
    ) -> SqlResult<()> {
        if self.table.handle_column.is_some() && new.handle != old_handle {
            keys.push(self.row_key(new.place, new.handle));
        }
        let place = self.place_of(old)?;
        for (at, entry) in &new.entries {
            let index = &self.table.indexes[*at];
            if !index.unique || index.skips_new_rows {
                continue;
            }
            let old_entry = self.entry(place, index, old, old_handle)?;
            if old_entry.key != entry.key {
                let both =
                    [(entry.distinct, entry.key.clone()), (old_entry.distinct, old_entry.key)];
                keys.extend(both.into_iter().filter_map(|(distinct, key)| distinct.then_some(key)));
            }
        }
        Ok(())
    }

    /// The value of a key that was fetched, under this transaction's own writes.
    fn current(&self, key: &Bytes) -> Option<Bytes> {
        match self.ctx.txn.buffered(key) {
            Some(own) => own,
            None => self.stored.get(key).cloned().flatten(),
        }
    }

    /// The first row in the way of a new one, the primary key's before those of other unique keys. `besides`: the handle of a row that is going away itself.
    pub(super) fn conflict(
        &self,
        row: &NewRow,
        besides: Option<i64>,
    ) -> SqlResult<Option<Conflict>> {
        if self.table.handle_column.is_some() && besides != Some(row.handle) {
            let key = self.row_key(row.place, row.handle);
            if self.current(&key).is_some() {
                let error = table_codec::duplicate_primary_key(self.table, row.handle);
                let column = self.table.handle_column;
                let key = "PRIMARY".to_owned();
                let (handle, place) = (row.handle, row.place);
                return Ok(Some(Conflict { handle, place, column, key, error }));
            }
        }
        let mut found: Option<(u8, &IndexInfo, i64)> = None;
        for (index, entry) in self.unique_entries(row) {
            let Some(value) = self.current(&entry.key) else { continue };
            let handle = table_codec::unique_handle(&value)?;
            let rank = self.table.unique_rank(index);
            if besides != Some(handle) && found.is_none_or(|(known, ..)| rank < known) {
                found = Some((rank, index, handle));
            }
        }
        Ok(found.map(|(_, index, handle)| {
            let error = table_codec::duplicate_index_entry(self.table, index, &row.values);
            let column = match &index.columns[..] {
                [only] => Some(only.offset),
                _ => None,
            };
            Conflict { handle, place: row.place, column, key: index.name.clone(), error }
        }))
    }

    /// A row as this transaction has written it; `None`: it has not, or as it was read.
    pub(super) fn buffered(
        &self,
        values: &[Datum],
        handle: i64,
    ) -> SqlResult<Option<Option<Vec<Datum>>>> {
        let key = self.row_key(self.place_of(values)?, handle);
        let Some(own) = self.ctx.txn.buffered(&key) else {
            return Ok(None);
        };
        let columns: Vec<usize> = (0..self.table.columns.len()).collect();
        let reader = RowReader::new(self.table, &columns, self.zone());
        own.map(|value| reader.read(handle, &value)).transpose().map(Some)
    }

    /// The values of a row that is in the way, or `None` if it has gone.
    pub(super) async fn read(&self, conflict: &Conflict) -> SqlResult<Option<Vec<Datum>>> {
        let handle = conflict.handle;
        let key = self.row_key(conflict.place, handle);
        let value = if let Some(own) = self.ctx.txn.buffered(&key) {
            own
        } else if self.ctx.txn.is_pessimistic() {
            let options = self.ctx.lock_options(AccessLock::ForUpdate, true);
            self.ctx.txn.lock_keys(vec![key], options).await?.pop().flatten()
        } else {
            self.ctx.txn.get(key).await?
        };
        let columns: Vec<usize> = (0..self.table.columns.len()).collect();
        value
            .map(|value| RowReader::new(self.table, &columns, self.zone()).read(handle, &value))
            .transpose()
    }

    /// Writes a new row in whose way nobody is (or, unfetched, is to be found at commit).
    pub(super) fn insert(&self, row: &NewRow) -> SqlResult<()> {
        let key = self.row_key(row.place, row.handle);
        self.count(row.place, TableDelta::inserted(1));
        self.put_new(key, table_codec::encode_row(self.table, &row.values, self.zone())?);
        for (position, entry) in &row.entries {
            if !self.table.indexes[*position].skips_new_rows {
                self.put_entry(entry);
            }
        }
        self.put_words(&row.values, row.handle);
        self.ctx.txn.check_size()
    }

    fn put_entry(&self, entry: &IndexEntry) {
        if entry.distinct {
            self.put_new(entry.key.clone(), entry.value.clone());
        } else {
            self.ctx.txn.put(entry.key.clone(), entry.value.clone());
        }
    }

    fn put_new(&self, key: Bytes, value: Bytes) {
        // A key this transaction has deleted may well exist in the store.
        if self.ctx.txn.buffered(&key).is_some() {
            self.ctx.txn.put(key, value);
        } else {
            self.ctx.txn.insert(key, value);
        }
    }

    /// Removes a row.
    pub(super) async fn delete(&self, values: &[Datum], handle: i64) -> SqlResult<()> {
        let place = self.place_of(values)?;
        self.ctx.txn.delete(self.row_key(place, handle));
        self.count(place, TableDelta::deleted(1));
        for index in &self.table.indexes {
            if index.fulltext.is_some() {
                self.remove_words(index, values, handle);
            } else if table_codec::removes_entries(index.state) {
                let entry = self.entry(place, index, values, handle)?;
                self.remove_entry(index, entry).await?;
            }
        }
        self.ctx.txn.check_size()
    }

    /// Removes an entry. While a unique index is being built, several rows may still have its key; then only the
    /// row's own entry goes.
    async fn remove_entry(&self, index: &IndexInfo, entry: IndexEntry) -> SqlResult<()> {
        if entry.distinct && index.state != SchemaState::Public {
            match self.ctx.txn.get(entry.key.clone()).await? {
                Some(value) if table_codec::same_handle(&value, &entry.value)? => {}
                _ => return Ok(()),
            }
        }
        self.ctx.txn.delete(entry.key);
        Ok(())
    }

    /// Turns an old row into a new one in whose way nobody is. Entries that stay are left alone.
    pub(super) async fn update(
        &self,
        old: &[Datum],
        old_handle: i64,
        new: &NewRow,
    ) -> SqlResult<()> {
        let txn = &self.ctx.txn;
        let place = self.place_of(old)?;
        let new_key = self.row_key(new.place, new.handle);
        let value = table_codec::encode_row(self.table, &new.values, self.zone())?;
        if old_handle == new.handle && place == new.place {
            self.count(place, TableDelta::changed(1));
            txn.put(new_key, value);
        } else {
            self.count(place, TableDelta::deleted(1));
            self.count(new.place, TableDelta::inserted(1));
            txn.delete(self.row_key(place, old_handle));
            self.put_new(new_key, value);
        }
        for (position, index) in self.table.indexes.iter().enumerate() {
            if index.fulltext.is_some() {
                self.change_words(index, (old, old_handle), (&new.values, new.handle));
                continue;
            }
            if !table_codec::removes_entries(index.state) {
                continue;
            }
            let old_entry = self.entry(place, index, old, old_handle)?;
            match new.entries.iter().find(|(at, _)| *at == position) {
                Some((_, entry)) if *entry == old_entry => {}
                Some((_, entry)) if entry.key == old_entry.key => {
                    txn.put(entry.key.clone(), entry.value.clone());
                }
                Some((_, entry)) => {
                    self.remove_entry(index, old_entry).await?;
                    // Nobody here sees such an index: that another row is in the way is no reason to refuse this one.
                    let is_taken = index.skips_new_rows
                        && entry.distinct
                        && txn.get(entry.key.clone()).await?.is_some();
                    if !is_taken {
                        self.put_entry(entry);
                    }
                }
                None => self.remove_entry(index, old_entry).await?,
            }
        }
        self.ctx.txn.check_size()
    }
}

/// A row that is ready to be written; `None`, with a warning, if a check forbids it and the statement says IGNORE.
pub(super) fn unless_forbidden(
    ctx: &ExecContext,
    prepared: SqlResult<NewRow>,
) -> SqlResult<Option<NewRow>> {
    const FORBIDDEN: &[u16] = &[
        errno::CHECK_CONSTRAINT_VIOLATED,
        errno::NO_PARTITION_FOR_GIVEN_VALUE,
        errno::ROW_DOES_NOT_MATCH_GIVEN_PARTITION_SET,
    ];
    match prepared {
        Err(error) if ctx.eval.ignore && FORBIDDEN.contains(&error.code) => {
            ctx.eval.warn(error.code, error.message);
            Ok(None)
        }
        prepared => prepared.map(Some),
    }
}
