//! What comes and what goes by an alteration: the difference of the table as it is and as it is to be, by ids.

use super::Alteration;
use crate::sql::catalog::{ColumnInfo, IndexInfo, TableInfo};

impl Alteration {
    /// The columns that come.
    pub fn added_columns(&self) -> impl Iterator<Item = &ColumnInfo> {
        columns_beyond(&self.after, &self.before)
    }

    /// The columns that go.
    pub fn dropped_columns(&self) -> impl Iterator<Item = &ColumnInfo> {
        columns_beyond(&self.before, &self.after)
    }

    /// The indexes that come.
    pub fn added_indexes(&self) -> impl Iterator<Item = &IndexInfo> {
        indexes_beyond(&self.after, &self.before)
    }

    /// The indexes that go.
    pub fn dropped_indexes(&self) -> impl Iterator<Item = &IndexInfo> {
        indexes_beyond(&self.before, &self.after)
    }
}

fn columns_beyond<'t>(
    table: &'t TableInfo,
    other: &'t TableInfo,
) -> impl Iterator<Item = &'t ColumnInfo> {
    let known = |column: &ColumnInfo| other.columns.iter().any(|known| known.id == column.id);
    table.columns.iter().filter(move |column| !known(column))
}

fn indexes_beyond<'t>(
    table: &'t TableInfo,
    other: &'t TableInfo,
) -> impl Iterator<Item = &'t IndexInfo> {
    let known = |index: &IndexInfo| other.indexes.iter().any(|known| known.id == index.id);
    table.indexes.iter().filter(move |index| !known(index))
}
