//! What several tables tell of foreign keys.

use super::asked::Asked;
use super::schema_facts::index_parts;
use crate::sql::catalog::{CheckInfo, DatabaseInfo, ForeignKey, KeyPath, SchemaState, TableInfo};

/// A foreign key with its table.
#[derive(Clone, Copy)]
pub(super) struct Foreign<'a> {
    pub(super) database: &'a DatabaseInfo,
    pub(super) table: &'a TableInfo,
    pub(super) key: &'a ForeignKey,
}

/// The foreign keys of the tables that are asked for, by name.
pub(super) fn foreign_keys<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = Foreign<'a>> + 'a {
    asked.tables().flat_map(|(database, table)| {
        let public = |key: &&ForeignKey| key.state == SchemaState::Public;
        let mut keys: Vec<&ForeignKey> = table.foreign_keys.iter().filter(public).collect();
        keys.sort_by_key(|key| key.name.to_lowercase());
        keys.into_iter().map(move |key| Foreign { database, table, key })
    })
}

/// The name of the unique key that a foreign key refers to, if it is one.
pub(super) fn unique_key<'a>(asked: &'a Asked<'a>, foreign: &Foreign<'_>) -> Option<&'a str> {
    let key = foreign.key;
    let parent = asked.sources.schema().table(&key.parent_database, &key.parent_table)?;
    match key.parent_path(parent)? {
        KeyPath::Handle => Some("PRIMARY"),
        KeyPath::Unique(at) => Some(&parent.indexes[at].name),
        KeyPath::Prefix(_) => None,
    }
}

/// The checks of the tables that are asked for.
pub(super) fn checks<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo, &'a CheckInfo)> + 'a {
    let of_table = |(database, table): (&'a DatabaseInfo, &'a TableInfo)| {
        table.public_checks().map(move |check| (database, table, check))
    };
    asked.tables().flat_map(of_table)
}

/// A constraint of a table: a unique key, a foreign key or a check.
pub(super) struct Constraint<'a> {
    pub(super) database: &'a DatabaseInfo,
    pub(super) table: &'a TableInfo,
    pub(super) name: &'a str,
    pub(super) kind: &'static str,
    /// Whether anybody looks.
    pub(super) enforced: bool,
}

/// The constraints of the tables that are asked for.
pub(super) fn constraints<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = Constraint<'a>> + 'a {
    let first = index_parts(asked).filter(|part| part.unique && part.position == 1);
    let unique = first.map(|part| Constraint {
        database: part.database,
        table: part.table,
        name: part.index,
        kind: if part.index == "PRIMARY" { "PRIMARY KEY" } else { "UNIQUE" },
        enforced: true,
    });
    let foreign = foreign_keys(asked).map(|Foreign { database, table, key }| Constraint {
        database,
        table,
        name: &key.name,
        kind: "FOREIGN KEY",
        enforced: true,
    });
    let check = checks(asked).map(|(database, table, check)| Constraint {
        database,
        table,
        name: &check.name,
        kind: "CHECK",
        enforced: check.enforced,
    });
    unique.chain(foreign).chain(check)
}

/// A column of a constraint.
pub(super) struct KeyColumn<'a> {
    pub(super) database: &'a DatabaseInfo,
    pub(super) table: &'a TableInfo,
    pub(super) constraint: &'a str,
    pub(super) column: &'a str,
    /// From 1.
    pub(super) position: u64,
    /// Of a foreign key: itself, and the column that is referred to.
    pub(super) parent: Option<(&'a ForeignKey, &'a str)>,
}

/// The columns of unique keys, then those of foreign keys.
pub(super) fn key_columns<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = KeyColumn<'a>> + 'a {
    let unique = index_parts(asked).filter(|part| part.unique).map(|part| KeyColumn {
        database: part.database,
        table: part.table,
        constraint: part.index,
        column: &part.column.name,
        position: part.position,
        parent: None,
    });
    let foreign = foreign_keys(asked).flat_map(|Foreign { database, table, key }| {
        let pairs = key.column_names(table).zip(&key.parent_columns).zip(1..);
        pairs.map(move |((column, parent), position)| KeyColumn {
            database,
            table,
            constraint: &key.name,
            column,
            position,
            parent: Some((key, parent.as_str())),
        })
    });
    unique.chain(foreign)
}
