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

impl Alteration {
    /// Whether rows and indexes stay as they are and no foreign key or check comes, so that it takes no time whatever is in the table.
    pub fn is_instant(&self) -> bool {
        let mut indexes = self.added_indexes().chain(self.dropped_indexes());
        let keys =
            self.added_foreign_keys().next().is_some() || self.added_checks().next().is_some();
        indexes.next().is_none() && !keys && !self.converts() && !self.excludes()
    }

    /// Whether rows get other values.
    pub fn converts(&self) -> bool {
        !self.conversions.is_empty()
            || self.numbered.is_some()
            || !self.computed.is_empty()
            || self.moves
    }

    /// Whether nobody can use the table while it becomes another one: those who know where rows are and those who know where they will be cannot
    /// work side by side.
    pub fn excludes(&self) -> bool {
        self.rekeys() || self.before.physical_ids() != self.after.physical_ids()
    }

    /// The physical tables that only `of` has, and not `other`.
    pub fn physical_only(of: &TableInfo, other: &TableInfo) -> Vec<i64> {
        let known = other.physical_ids();
        of.physical_ids().into_iter().filter(|id| *id != 0 && !known.contains(id)).collect()
    }

    /// Whether rows are found by another handle than they were: those who know the old one and those who know the new one cannot work side
    /// by side.
    pub fn rekeys(&self) -> bool {
        self.before.handle_id() != self.after.handle_id()
    }
}
