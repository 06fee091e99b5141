//! What is asked of a table: where its facts come from, and which of its rows are wanted.

use super::sources::Sources;
use crate::sql::catalog::{DatabaseInfo, TableInfo};

/// Whom to ask, and for what. A table that tells of the schema heeds the names; others show all they have.
pub struct Asked<'a> {
    /// The world outside.
    pub sources: &'a dyn Sources,
    /// Only this database.
    pub database: Option<&'a str>,
    /// Only the table of this name.
    pub table: Option<&'a str>,
    /// Of a statement's text no more than so many characters.
    pub text_limit: usize,
}

impl<'a> Asked<'a> {
    /// All rows.
    pub fn all(sources: &'a dyn Sources) -> Asked<'a> {
        Asked { sources, database: None, table: None, text_limit: usize::MAX }
    }

    /// The databases, by name.
    pub(super) fn databases(&'a self) -> impl Iterator<Item = &'a DatabaseInfo> + 'a {
        let schema = self.sources.schema();
        let one = self.database.map(|name| schema.database(name));
        let all = self.database.is_none().then(|| schema.databases());
        let found = one.flatten().into_iter().chain(all.into_iter().flatten()).map(|info| &**info);
        found.filter(|info| self.sees_database(info))
    }

    /// Whether a database is there for whoever asks.
    fn sees_database(&self, info: &DatabaseInfo) -> bool {
        let rights = self.sources.rights();
        rights.is_everything() || for_all(info) || rights.sees_database(&info.name)
    }

    /// Whether a table is.
    fn sees_table(&self, info: &DatabaseInfo, table: &TableInfo) -> bool {
        let rights = self.sources.rights();
        rights.is_everything() || for_all(info) || rights.sees_table(&info.name, &table.name)
    }

    /// Whether a column is.
    pub(super) fn sees_column(&self, info: &DatabaseInfo, table: &TableInfo, name: &str) -> bool {
        let rights = self.sources.rights();
        rights.is_everything() || for_all(info) || rights.sees_column(&info.name, &table.name, name)
    }

    /// The tables with their databases, by name.
    pub(super) fn tables(&'a self) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo)> + 'a {
        let schema = self.sources.schema();
        self.databases().flat_map(move |info| {
            let one = self.table.map(|name| schema.table(&info.name, name));
            let all = self.table.is_none().then(|| schema.tables(&info.name));
            let tables = one.flatten().into_iter().chain(all.into_iter().flatten());
            let tables = tables.filter(move |table| self.sees_table(info, table));
            tables.map(move |table| (info, &**table))
        })
    }
}

/// Of the computed databases all but `mysql` are there for everybody.
fn for_all(info: &DatabaseInfo) -> bool {
    info.id < 0 && info.name != "mysql"
}
