//! What FROM makes visible, and what may be read of it.

use std::sync::Arc;

use super::{Named, Walk};
use crate::common::{SqlError, SqlResult};
use crate::sql::accounts::{Privilege, Privileges};
use crate::sql::catalog::{INFORMATION_SCHEMA, TableInfo};
use crate::sql::parser::ast::ObjectName;

/// Tables of performance_schema that everybody reads, as in MySQL.
const FOR_ALL: &[&str] = &[
    "global_status",
    "global_variables",
    "persisted_variables",
    "processlist",
    "session_account_connect_attrs",
    "session_connect_attrs",
    "session_status",
    "session_variables",
];

/// What one query sees.
#[derive(Default)]
pub(super) struct Frame<'a> {
    pub(super) sources: Vec<Source>,
    /// The names of what it selects.
    pub(super) aliases: Vec<&'a str>,
}

/// A table that a query sees.
pub(super) struct Source {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) alias: String,
    /// `None`: it is no stored table, or there is none.
    pub(super) table: Option<Arc<TableInfo>>,
    /// All of it may be read.
    pub(super) open: bool,
}

/// Names are compared without case.
pub(super) fn same(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || left.to_lowercase() == right.to_lowercase()
}

impl Source {
    pub(super) fn is_named(&self, database: Option<&str>, table: &str) -> bool {
        same(&self.alias, table) && database.is_none_or(|database| same(database, &self.database))
    }

    pub(super) fn has(&self, column: &str) -> bool {
        let columns = self.table.as_ref().map(|table| table.visible_columns());
        columns.is_some_and(|columns| columns.iter().any(|one| same(&one.name, column)))
    }
}

impl Walk<'_> {
    /// A table as a query sees it, without asking whether it may.
    pub(super) fn source(&self, name: &ObjectName, alias: Option<&str>) -> Source {
        let alias = alias.unwrap_or(&name.name).to_owned();
        let nameless = |alias| {
            let (database, name) = (String::new(), name.name.clone());
            Source { database, name, alias, table: None, open: true }
        };
        let is_common =
            name.database.is_none() && self.common.iter().any(|common| same(common, &name.name));
        let Some(Named { database, name }) = self.named(name).filter(|_| !is_common) else {
            return nameless(alias);
        };
        if let Some(table) = self.checker.temporary.get(&database, &name) {
            let table = Some(table.clone());
            return Source { database, name, alias, table, open: true };
        }
        let for_all = database.eq_ignore_ascii_case(INFORMATION_SCHEMA)
            || database.eq_ignore_ascii_case("performance_schema")
                && FOR_ALL.iter().any(|known| known.eq_ignore_ascii_case(&name));
        let may = self.rights().table(&database, &name).contains(Privilege::Select);
        let table = self.checker.schema.table(&database, &name).cloned();
        Source { database, name, alias, table, open: for_all || may }
    }

    /// Error 1142 unless all of a table, or some of its columns, may be read.
    pub(super) fn may_read_some(&self, source: &Source) -> SqlResult<()> {
        let select = Privileges::from(Privilege::Select);
        if source.open || self.rights().some_column(&source.database, &source.name).meets(select) {
            return Ok(());
        }
        Err(self.who().no_table("SELECT", &source.name))
    }

    /// Error 1143 unless a column of a table may be read.
    pub(super) fn may_read(&self, source: &Source, column: &str) -> SqlResult<()> {
        if source.open {
            return Ok(());
        }
        self.may(source, column, Privilege::Select)
    }

    /// Error 1143 unless it has a privilege on a table or on this column of it.
    pub(super) fn may(&self, source: &Source, column: &str, wanted: Privilege) -> SqlResult<()> {
        let Source { database, name, .. } = source;
        let has = source.table.as_ref().is_some_and(|table| table.is_temporary())
            || self.rights().table(database, name).contains(wanted)
            || self.rights().column(database, name, column).contains(wanted);
        if has { Ok(()) } else { Err(self.who().no_column(wanted.text(), column, name)) }
    }

    /// Error 1142 unless every column of a table may be read.
    pub(super) fn may_read_all(&self, source: &Source) -> SqlResult<()> {
        if source.open {
            return Ok(());
        }
        let denied = |_: SqlError| self.who().no_table("SELECT", &source.name);
        match &source.table {
            Some(table) => table
                .visible_columns()
                .iter()
                .try_for_each(|column| self.may_read(source, &column.name))
                .map_err(denied),
            None => Ok(()),
        }
    }

    /// A column by its name: of the nearest query that has one.
    pub(super) fn column(
        &self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> SqlResult<()> {
        for (at, frame) in self.frames.iter().rev().enumerate() {
            let by_alias = at == 0 && self.aliases && table.is_none();
            if by_alias && frame.aliases.iter().any(|alias| same(alias, name)) {
                return Ok(());
            }
            let mut found = false;
            for source in &frame.sources {
                let fits = table.is_none_or(|table| source.is_named(database, table));
                if fits && source.has(name) {
                    found = true;
                    self.may_read(source, name)?;
                }
            }
            if found {
                return Ok(());
            }
        }
        Ok(())
    }
}
