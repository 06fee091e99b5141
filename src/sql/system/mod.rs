//! What the database tells of itself: the tables of `information_schema`, `mysql` and `performance_schema`, and SHOW.
//!
//! A table is one file: its columns, each with its name, its type and what it shows of a row ([`table`]), and where the rows
//! come from. SHOW picks columns of the same tables by name ([`show()`]). What is not in the schema comes through
//! [`Sources`], which the session fills: nothing here asks anybody else. To add a table is to add its file, and its name to
//! the list of its database.

mod asked;
mod foreign_facts;
mod grant_facts;
mod information_schema;
mod mysql;
mod performance_schema;
mod schema_facts;
mod show;
mod sources;
mod table;
#[cfg(test)]
mod tests;

pub use asked::Asked;
pub use show::{Shown, show};
pub use sources::{
    Account, ActorFacts, Digest, HeldTable, SessionFacts, SlowStatement, Sources, WaitingChange,
};
pub use table::{Rows, Table};

use crate::sql::catalog::{DatabaseInfo, InfoSchema, SYSTEM_DATABASES, SchemaState, TableInfo};

/// The tables of [`SYSTEM_DATABASES`], in their order.
static DATABASES: [&[&Table]; SYSTEM_DATABASES.len()] =
    [information_schema::TABLES, mysql::TABLES, performance_schema::TABLES];

/// Ids of tables of one database are so far from those of the next.
const STRIDE: i64 = 1000;

/// A computed table by its name, in any case.
pub fn table(database: &str, name: &str) -> Option<&'static Table> {
    let at = SYSTEM_DATABASES.iter().position(|known| known.eq_ignore_ascii_case(database))?;
    DATABASES[at].iter().copied().find(|table| table.name.eq_ignore_ascii_case(name))
}

/// A snapshot of the schema: these databases, and the computed ones, which are always there.
pub fn info_schema(version: i64, stored: Vec<(DatabaseInfo, Vec<TableInfo>)>) -> InfoSchema {
    let mut all = databases();
    all.extend(stored);
    InfoSchema::new(version, all)
}

/// The computed databases with their tables. Ids are negative: no row is stored.
fn databases() -> Vec<(DatabaseInfo, Vec<TableInfo>)> {
    let build = |((name, tables), position): ((&str, &&[&Table]), i64)| {
        let info = DatabaseInfo {
            id: -position,
            name: name.to_owned(),
            charset: table::COLLATION.charset().to_owned(),
            collation: table::COLLATION.name().to_owned(),
            state: SchemaState::Public,
        };
        let ids = (0..).map(|at| -STRIDE * position - at);
        let tables = tables.iter().zip(ids).map(|(table, id)| table.info(id));
        (info, tables.collect())
    };
    SYSTEM_DATABASES.into_iter().zip(&DATABASES).zip(1..).map(build).collect()
}
