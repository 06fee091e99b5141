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
        one.flatten().into_iter().chain(all.into_iter().flatten()).map(|info| &**info)
    }

    /// The tables with their databases, by name.
    pub(super) fn tables(&'a self) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo)> + 'a {
        let schema = self.sources.schema();
        self.databases().flat_map(move |info| {
            let one = self.table.map(|name| schema.table(&info.name, name));
            let all = self.table.is_none().then(|| schema.tables(&info.name));
            let tables = one.flatten().into_iter().chain(all.into_iter().flatten());
            tables.map(move |table| (info, &**table))
        })
    }
}
