//! What foreign keys have to do with changes of the schema: what of other tables is looked at before a change, and what is
//! changed with it.
//!
//! All of it happens in the transaction of a job's step, so that it holds when the change does: whoever changed one of the tables meanwhile has
//! made another version of the schema, and the step is taken again.

use std::collections::BTreeMap;

use super::meta::{Changed as Element, Meta};
use super::step::{Changed, StepError, StepResult, reject};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    Alteration, ColumnInfo, DatabaseInfo, ForeignKey, KeyPath, SchemaState, TableInfo,
    duplicate_name, index_needed, no_foreign_keys,
};
use crate::sql::types::FieldType;

/// The database and the table that a key refers to, if it is there; `own` if it is the key's own.
async fn parent_of(
    meta: &Meta<'_>,
    key: &ForeignKey,
    (database, own): (&DatabaseInfo, &TableInfo),
) -> SqlResult<Option<(DatabaseInfo, TableInfo)>> {
    if key.refers_to(&database.name, &own.name) {
        return Ok(Some((database.clone(), own.clone())));
    }
    let Some(home) = meta.database(&key.parent_database).await? else { return Ok(None) };
    let parent = meta.table(home.id, &key.parent_table).await?;
    let parent = parent.filter(|parent| parent.state == SchemaState::Public);
    Ok(parent.map(|parent| (home, parent)))
}

/// Checks foreign keys that come to a table: errors 1824, 1826, and those of [`ForeignKey::check_parent`].
pub(super) async fn check_added(
    meta: &Meta<'_>,
    (database, table): (&DatabaseInfo, &TableInfo),
    keys: &[ForeignKey],
    unchecked: bool,
) -> StepResult<()> {
    for key in keys {
        let named = meta.foreign_key_of(database.id, &key.name).await?;
        if named.is_some_and(|other| other.id != table.id) {
            return Err(StepError::Rejected(duplicate_name(&key.name)));
        }
        match parent_of(meta, key, (database, table)).await? {
            Some((_, parent)) => {
                if parent.partitioning.is_some() {
                    return Err(StepError::Rejected(no_foreign_keys()));
                }
                key.check_parent(table, &parent, unchecked).map_err(StepError::Rejected)?;
            }
            None if unchecked => {}
            None => {
                let name = &key.parent_table;
                let message = format!("Failed to open the referenced table '{name}'");
                return reject(errno::FK_CANNOT_OPEN_PARENT, message);
            }
        }
    }
    Ok(())
}

/// The tables that keys refer to, but for their own: those who write them have to know of the keys.
pub(super) async fn parents(
    meta: &Meta<'_>,
    (database, table): (&DatabaseInfo, &TableInfo),
    keys: impl Iterator<Item = &ForeignKey>,
) -> SqlResult<Changed> {
    let mut found = Vec::new();
    for key in keys {
        if let Some((home, parent)) = parent_of(meta, key, (database, table)).await?
            && parent.id != table.id
            && !found.contains(&Element::Table(home.id, parent.id))
        {
            found.push(Element::Table(home.id, parent.id));
        }
    }
    Ok(found)
}

/// Checks a table that comes, and to which keys refer already.
pub(super) async fn check_new_parent(
    meta: &Meta<'_>,
    database: &DatabaseInfo,
    table: &TableInfo,
    unchecked: bool,
) -> StepResult<()> {
    if unchecked {
        return Ok(());
    }
    for (_, child) in meta.children(&database.name, &table.name).await? {
        for key in keys_to(&child, &database.name, table) {
            key.check_parent(&child, table, unchecked).map_err(StepError::Rejected)?;
        }
    }
    Ok(())
}

/// The keys of a table that refer to another.
fn keys_to<'c>(
    child: &'c TableInfo,
    database: &'c str,
    parent: &'c TableInfo,
) -> impl Iterator<Item = &'c ForeignKey> {
    child.foreign_keys.iter().filter(move |key| key.refers_to(database, &parent.name))
}

/// Error 3730 for tables that are to go while others refer to them. `whole`: all tables of their databases go.
pub(super) async fn check_dropped(
    meta: &Meta<'_>,
    going: &[(DatabaseInfo, TableInfo)],
) -> StepResult<()> {
    for (database, table) in going {
        for (_, child) in meta.children(&database.name, &table.name).await? {
            if going.iter().any(|(_, other)| other.id == child.id) {
                continue;
            }
            if let Some(key) = keys_to(&child, &database.name, table).next() {
                let message = format!(
                    "Cannot drop table '{}' referenced by a foreign key constraint '{}' on table '{}'.",
                    table.name, key.name, child.name
                );
                return reject(errno::FK_CANNOT_DROP_PARENT, message);
            }
        }
    }
    Ok(())
}

/// Error 1701 for a table that is to be emptied while another refers to it.
pub(super) async fn check_truncated(
    meta: &Meta<'_>,
    database: &DatabaseInfo,
    table: &TableInfo,
) -> StepResult<()> {
    for (home, child) in meta.children(&database.name, &table.name).await? {
        if child.id == table.id {
            continue;
        }
        if let Some(key) = keys_to(&child, &database.name, table).next() {
            let message = format!(
                "Cannot truncate a table referenced in a foreign key constraint (`{}`.`{}`, CONSTRAINT `{}`)",
                home.name, child.name, key.name
            );
            return reject(errno::TRUNCATE_ILLEGAL_FK, message);
        }
    }
    Ok(())
}

/// Checks what an alteration does to keys of the table and to keys that refer to it: errors 1832, 1833, 1829 and 1553.
pub(super) async fn check_alteration(
    meta: &Meta<'_>,
    database: &DatabaseInfo,
    alteration: &Alteration,
    unchecked: bool,
) -> StepResult<()> {
    let Alteration { before, after, .. } = alteration;
    let added: Vec<ForeignKey> = alteration.added_foreign_keys().cloned().collect();
    check_added(meta, (database, after), &added, unchecked).await?;
    let kept = before.foreign_keys.iter();
    let kept = kept.filter(|key| after.foreign_keys.iter().any(|known| known.id == key.id));
    for (key, id) in kept.flat_map(|key| key.columns.iter().map(move |id| (key, *id))) {
        if let Some(name) = changed_column(alteration, id).filter(|_| !unchecked) {
            let message = format!(
                "Cannot change column '{name}': used in a foreign key constraint '{}'",
                key.name
            );
            return reject(errno::FK_COLUMN_CANNOT_CHANGE, message);
        }
    }
    for (home, child) in meta.children(&database.name, &before.name).await? {
        // Of its own keys those count that it will have.
        let child = if child.id == before.id { after.clone() } else { child };
        for key in keys_to(&child, &database.name, before) {
            if added.contains(key) {
                continue;
            }
            let place = (home.name.as_str(), child.name.as_str());
            check_parent_columns(alteration, key, place, unchecked)?;
        }
    }
    Ok(())
}

/// Error 1822 or 3780 unless the parent has such a key, of such types.
fn check_parent_columns(
    alteration: &Alteration,
    key: &ForeignKey,
    (database, child): (&str, &str),
    unchecked: bool,
) -> StepResult<()> {
    let Ok(ids) = key.parent_ids(&alteration.before) else { return Ok(()) };
    let name = &key.name;
    for (id, column) in ids.iter().zip(&key.parent_columns) {
        let after = alteration.column_after(*id);
        if !alteration.after.columns.iter().any(|known| known.id == after) {
            let message = format!(
                "Cannot drop column '{column}': needed in a foreign key constraint '{name}' of table '{child}'"
            );
            return reject(errno::FK_COLUMN_CANNOT_DROP_CHILD, message);
        }
        if let Some(column) = changed_column(alteration, *id).filter(|_| !unchecked) {
            let message = format!(
                "Cannot change column '{column}': used in a foreign key constraint '{name}' of table '{database}.{child}'"
            );
            return reject(errno::FK_COLUMN_CANNOT_CHANGE_CHILD, message);
        }
    }
    let is_public = |index: &crate::sql::catalog::IndexInfo| index.state == SchemaState::Public;
    let had = KeyPath::find(&alteration.before, &ids, is_public).is_some();
    let after: Vec<i64> = ids.iter().map(|id| alteration.column_after(*id)).collect();
    match KeyPath::find(&alteration.after, &after, is_public) {
        None if had && !unchecked => {
            Err(StepError::Rejected(index_needed(&alteration.before, &ids)))
        }
        _ => Ok(()),
    }
}

/// The name of a column whose values will be others.
fn changed_column(alteration: &Alteration, id: i64) -> Option<&str> {
    let find = |table: &TableInfo, id: i64| -> Option<FieldType> {
        let found = table.columns.iter().find(|column| column.id == id);
        found.map(|column: &ColumnInfo| column.field_type.clone())
    };
    let old = find(&alteration.before, id)?;
    let new = find(&alteration.after, alteration.column_after(id))?;
    let longer = old.kind == new.kind && old.kind.is_string() && old.length <= new.length;
    let like = FieldType {
        not_null: old.not_null,
        zerofill: old.zerofill,
        length: if longer || old.kind.is_integer() { old.length } else { new.length },
        members: old.members.clone(),
        ..new
    };
    let known = alteration.before.columns.iter().find(|column| column.id == id);
    known.filter(|_| like != old).map(|column| column.name.as_str())
}

/// Database and name of a table.
pub(super) type Place<'n> = (&'n str, &'n str);

/// Has keys that refer to a table, and its own, follow the names of it and its columns, where an alteration goes over from one
/// definition to the other (`forward`), or back.
pub(super) async fn follow_alteration(
    meta: &Meta<'_>,
    alteration: &Alteration,
    forward: bool,
    home: &str,
    table: &mut TableInfo,
) -> SqlResult<Changed> {
    let before = (home, alteration.before.name.as_str());
    let moved = alteration.moves_to.as_deref().unwrap_or(home);
    let after = (moved, alteration.after.name.as_str());
    let (from, to, places) = match forward {
        true => (&alteration.before, &alteration.after, (before, after)),
        false => (&alteration.after, &alteration.before, (after, before)),
    };
    let mut columns = BTreeMap::new();
    for old in &from.columns {
        let follows = |id: i64| match forward {
            true => alteration.column_after(old.id) == id,
            false => alteration.column_after(id) == old.id,
        };
        if let Some(new) = to.columns.iter().find(|new| follows(new.id) && new.name != old.name) {
            columns.insert(old.name.to_lowercase(), new.name.clone());
        }
    }
    // A key that comes with the alteration was written with the names that the columns will have.
    let comes: Vec<i64> = alteration.added_foreign_keys().map(|key| key.id).collect();
    follow(meta, places, &columns, &comes, table).await
}

/// The same where nothing changes but the table's name, or its database.
pub(super) async fn follow_name(
    meta: &Meta<'_>,
    places: (Place<'_>, Place<'_>),
    table: &mut TableInfo,
) -> SqlResult<Changed> {
    follow(meta, places, &BTreeMap::new(), &[], table).await
}

/// Writes a key anew in the table that it belongs to.
async fn follow(
    meta: &Meta<'_>,
    (from, to): (Place<'_>, Place<'_>),
    columns: &BTreeMap<String, String>,
    comes: &[i64],
    table: &mut TableInfo,
) -> SqlResult<Changed> {
    if from == to && columns.is_empty() {
        return Ok(Vec::new());
    }
    if from.1 != to.1 {
        table.rename_checks(from.1, to.1);
    }
    for key in &mut table.foreign_keys {
        rename_generated(key, from.1, to.1);
        if key.refers_to(from.0, from.1) {
            let columns = if comes.contains(&key.id) { &BTreeMap::new() } else { columns };
            refer_to(key, to, columns);
        }
    }
    let mut changed = Vec::new();
    for (home, mut child) in meta.children(from.0, from.1).await? {
        if child.id == table.id {
            continue;
        }
        for key in child.foreign_keys.iter_mut().filter(|key| key.refers_to(from.0, from.1)) {
            refer_to(key, to, columns);
        }
        child.version = table.version;
        meta.put_table(home.id, &child)?;
        changed.push(Element::Table(home.id, child.id));
    }
    Ok(changed)
}

/// Has a key refer to a table by the names that this and its columns have now.
fn refer_to(key: &mut ForeignKey, to: Place<'_>, columns: &BTreeMap<String, String>) {
    to.0.clone_into(&mut key.parent_database);
    to.1.clone_into(&mut key.parent_table);
    for name in &mut key.parent_columns {
        if let Some(new) = columns.get(&name.to_lowercase()) {
            name.clone_from(new);
        }
    }
}

/// A name that was made out of the table's is made out of its new one.
fn rename_generated(key: &mut ForeignKey, from: &str, to: &str) {
    let start = format!("{from}_ibfk_");
    if let Some(number) = key.name.strip_prefix(&start)
        && number.parse::<u64>().is_ok()
    {
        key.name = format!("{to}_ibfk_{number}");
    }
}

/// Error 1452 of a row that has no parent.
pub(super) fn orphan(key: &ForeignKey, database: &str, table: &TableInfo) -> SqlError {
    key.no_parent(database, table)
}
