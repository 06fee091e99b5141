//! Reading the schema: all of it at the start, and from then on what has changed.

use std::collections::{BTreeMap, BTreeSet};

use super::meta::{Changed, Meta, VersionChange};
use crate::common::SqlResult;
use crate::sql::catalog::{DatabaseInfo, InfoSchema, SchemaChange, TableInfo};
use crate::sql::kv::Transaction;
use crate::sql::system;

/// Reads everything there is: the version, and every database with its tables.
pub async fn load_schema(
    txn: &dyn Transaction,
) -> SqlResult<(i64, Vec<(DatabaseInfo, Vec<TableInfo>)>)> {
    let meta = Meta::new(txn);
    let version = meta.schema_version().await?;
    let mut databases = Vec::new();
    for database in meta.databases().await? {
        let tables = meta.tables(database.id).await?;
        databases.push((database, tables));
    }
    Ok((version, databases))
}

/// The schema as it is now, made from an older one by what has changed since, and those changes; `None` if that is the newest. What did not
/// change is neither read nor copied.
pub async fn load_schema_after(
    txn: &dyn Transaction,
    known: &InfoSchema,
) -> SqlResult<Option<(InfoSchema, Vec<VersionChange>)>> {
    let meta = Meta::new(txn);
    let version = meta.schema_version().await?;
    if version == known.version() {
        return Ok(None);
    }
    let changes = meta.changes_since(known.version()).await?;
    let gapless = changes.len() as i64 == version - known.version();
    let schema = match gapless {
        true => apply_changes(&meta, known, version, &changes).await?,
        false => None,
    };
    let schema = match schema {
        Some(schema) => schema,
        None => {
            let (version, databases) = load_schema(txn).await?;
            system::info_schema(version, databases)
        }
    };
    Ok(Some((schema, changes)))
}

/// `None` if something has changed of which it cannot be said what it is.
async fn apply_changes(
    meta: &Meta<'_>,
    known: &InfoSchema,
    version: i64,
    changes: &[VersionChange],
) -> SqlResult<Option<InfoSchema>> {
    let mut tables = BTreeSet::new();
    let mut databases = BTreeMap::new();
    for changed in changes.iter().flat_map(|change| &change.changed) {
        match *changed {
            Changed::Table(database, table) => {
                tables.insert((database, table));
            }
            Changed::Other(id) => {
                let stored = meta.database_by_id(id).await?;
                if stored.is_some() || known.databases().any(|database| database.id == id) {
                    databases.insert(id, stored);
                } else if let Some((database, _)) = known.table_by_id(id) {
                    tables.insert((database.id, id));
                } else {
                    return Ok(None);
                }
            }
        }
    }
    let mut edits = Vec::new();
    let known_name = |id: i64| {
        let known = known.databases().find(|database| database.id == id);
        known.map(|database| database.name.clone())
    };
    let names: BTreeMap<i64, String> = databases
        .iter()
        .filter_map(|(id, stored)| Some((*id, stored.as_ref()?.name.clone())))
        .collect();
    for (id, stored) in databases {
        match stored {
            Some(database) => edits.push(SchemaChange::PutDatabase(database)),
            None => edits.extend(known_name(id).map(|name| SchemaChange::RemoveDatabase { name })),
        }
    }
    let ids: Vec<(i64, i64)> = tables.into_iter().collect();
    let stored = meta.tables_by_id(&ids).await?;
    // What has gone first: something else may have its name by now.
    for (_, id) in ids.iter().zip(&stored).filter(|(_, stored)| stored.is_none()).map(|(id, _)| id)
    {
        edits.push(match known.table_by_id(*id) {
            Some((database, table)) => SchemaChange::RemoveTable {
                database: database.name.clone(),
                table: table.name.clone(),
            },
            None => SchemaChange::Forget { table: *id },
        });
    }
    for (&(database, _), table) in ids.iter().zip(stored) {
        let name = names.get(&database).cloned().or_else(|| known_name(database));
        let put = |(database, table)| SchemaChange::PutTable { database, table };
        edits.extend(name.zip(table).map(put));
    }
    Ok(Some(known.edit(version, edits)))
}
