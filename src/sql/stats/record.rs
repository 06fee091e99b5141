//! The records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is known of a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStats {
    /// The table.
    pub table: i64,
    /// How many rows it has, as far as reported.
    pub rows: u64,
    /// Rows inserted, changed or deleted since it was last analyzed.
    pub modified: u64,
    /// The snapshot that was read when it was last analyzed; 0: it never was, and `columns` is empty.
    pub analyzed_ts: u64,
    /// When the record was last written: milliseconds since 1970 by the timestamp oracle.
    pub updated_ms: u64,
    /// Bytes of a row's key and value, on average; 0 if it was never analyzed or was empty then.
    pub row_bytes: u64,
    /// Bytes of a row's index entries taken together, on average.
    pub index_bytes: u64,
    /// By column, in the table's order.
    pub columns: Vec<ColumnStats>,
}

/// How a column's values were spread when the table was last analyzed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnStats {
    /// The column's id.
    pub column: i64,
    /// How many different values it has, NULL not counted; by an estimate with an error of a few percent.
    pub distinct: u64,
    /// Rows in which it is NULL.
    pub nulls: u64,
    /// Bytes of a value, on average, in the row's encoding.
    pub bytes: u64,
}

/// What transactions did to a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableDelta {
    /// Rows inserted less rows deleted.
    pub rows: i64,
    /// Rows inserted, changed or deleted.
    pub modified: u64,
}

impl TableDelta {
    /// Rows were inserted.
    pub fn inserted(rows: u64) -> TableDelta {
        TableDelta { rows: rows.cast_signed(), modified: rows }
    }

    /// Rows were changed.
    pub fn changed(rows: u64) -> TableDelta {
        TableDelta { rows: 0, modified: rows }
    }

    /// Rows were deleted.
    pub fn deleted(rows: u64) -> TableDelta {
        TableDelta { rows: rows.cast_signed().saturating_neg(), modified: rows }
    }

    /// Adds what was done later.
    pub fn add(&mut self, later: TableDelta) {
        self.rows = self.rows.saturating_add(later.rows);
        self.modified = self.modified.saturating_add(later.modified);
    }
}

/// What transactions did, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deltas(BTreeMap<i64, TableDelta>);

impl Deltas {
    /// Adds what was done to one table.
    pub fn add(&mut self, table: i64, delta: TableDelta) {
        if delta != TableDelta::default() {
            self.0.entry(table).or_default().add(delta);
        }
    }

    /// Adds all that was done later.
    pub fn merge(&mut self, later: &Deltas) {
        for (table, delta) in later.iter() {
            self.add(table, delta);
        }
    }

    /// What was done to one table.
    pub fn of(&self, table: i64) -> TableDelta {
        self.0.get(&table).copied().unwrap_or_default()
    }

    /// Takes out what was done to one table.
    pub fn take(&mut self, table: i64) -> Deltas {
        Deltas(self.0.remove_entry(&table).into_iter().collect())
    }

    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By table.
    pub fn iter(&self) -> impl Iterator<Item = (i64, TableDelta)> + '_ {
        self.0.iter().map(|(table, delta)| (*table, *delta))
    }
}

impl TableStats {
    /// Of a table that is new and empty.
    pub fn empty(table: i64) -> TableStats {
        TableStats { table, ..TableStats::default() }
    }

    /// Adds what transactions did. There are never fewer than no rows.
    pub fn apply(&mut self, delta: TableDelta) {
        self.rows = self.rows.saturating_add_signed(delta.rows);
        self.modified = self.modified.saturating_add(delta.modified);
    }

    /// Takes over what was found in a snapshot, and keeps what was reported since the record was `before`, when the
    /// reading began.
    pub fn analyzed(&mut self, found: TableStats, before: &TableStats) {
        let rows = i64::try_from(i128::from(self.rows) - i128::from(before.rows)).unwrap_or(0);
        let modified = self.modified.saturating_sub(before.modified);
        *self = found;
        self.modified = 0;
        self.apply(TableDelta { rows, modified });
    }

    /// How a column's values are spread, if the table was analyzed since it has the column.
    pub fn column(&self, id: i64) -> Option<&ColumnStats> {
        self.columns.iter().find(|column| column.column == id)
    }
}
