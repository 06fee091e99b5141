//! `information_schema.VIEW_TABLE_USAGE`: which tables and views are read by which views.

use super::views::views;
use crate::sql::catalog::{DatabaseInfo, TableInfo, reads_of};
use crate::sql::system::asked::Asked;
use crate::sql::system::table::table;

/// A view, and what it reads.
type Usage<'a> = (&'a DatabaseInfo, &'a TableInfo, (String, String));

fn usages<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = Usage<'a>> {
    views(asked).flat_map(|(database, table, view)| {
        let query = view.query().ok();
        let mut read =
            query.map_or_else(Vec::new, |query| reads_of(&query, asked.sources.schema()));
        read.sort();
        read.dedup();
        read.into_iter().map(move |name| (database, table, name))
    })
}

table! {
    "VIEW_TABLE_USAGE": |asked| for (database, table, (used_database, used)) in usages(asked);
    VIEW_CATALOG: Varchar(64) NOT NULL = "def";
    VIEW_SCHEMA: Varchar(64) NOT NULL = database.name.as_str();
    VIEW_NAME: Varchar(64) NOT NULL = table.name.as_str();
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = used_database.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = used.as_str();
}
