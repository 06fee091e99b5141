//! What foreign keys tie a table that is changed to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Divided, RowRules};
use crate::common::SqlResult;
use crate::sql::catalog::{DatabaseInfo, ForeignKey, InfoSchema, KeyPath, TableInfo};
use crate::sql::parser::ast::ReferentialAction;

/// The table that a foreign key refers to, and how its rows are found.
#[derive(Clone, Debug, PartialEq)]
pub struct Parent {
    /// The table.
    pub table: Arc<TableInfo>,
    /// Where the columns are that are referred to.
    pub columns: Vec<usize>,
    /// By what they are found.
    pub path: KeyPath,
}

/// A foreign key with both of its tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The key.
    pub key: ForeignKey,
    /// The database of the table that refers.
    pub database: String,
    /// That table.
    pub child: Arc<TableInfo>,
    /// Where its columns are.
    pub columns: Vec<usize>,
    /// How the rows that refer are found.
    pub path: Option<KeyPath>,
    /// What it refers to; `None`: it is not there, or has no key that it could be found by.
    pub parent: Option<Parent>,
    /// What the table that refers says of its rows, if the key changes them.
    pub rules: Option<Arc<RowRules>>,
}

/// A table with its foreign keys and those that refer to it, by the names of their databases and their own, which is InnoDB's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    /// Its own.
    pub parents: Vec<Reference>,
    /// Those of others, and of itself.
    pub children: Vec<Reference>,
}

/// The foreign keys that a change of a table has to do with: its own, those that refer to it, and so on for the tables that are changed with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relations {
    tables: BTreeMap<i64, Related>,
}

impl Relations {
    /// Of a table of this schema; `None` if it has nothing to do with any.
    fn of(
        schema: &InfoSchema,
        database: &str,
        table: &Arc<TableInfo>,
    ) -> SqlResult<Option<Arc<Relations>>> {
        if !schema.has_foreign_keys() || table.is_temporary() {
            return Ok(None);
        }
        let mut relations = Relations::default();
        relations.add(schema, database, table)?;
        let related = relations.tables.get(&table.id);
        let alone =
            related.is_none_or(|related| related.parents.is_empty() && related.children.is_empty());
        Ok((!alone).then(|| Arc::new(relations)))
    }

    fn add(
        &mut self,
        schema: &InfoSchema,
        database: &str,
        table: &Arc<TableInfo>,
    ) -> SqlResult<()> {
        if self.tables.contains_key(&table.id) {
            return Ok(());
        }
        let own = table.foreign_keys.iter();
        let mut parents: Vec<Reference> = own
            .map(|key| Reference::new(schema, database, table, key))
            .collect::<SqlResult<_>>()?;
        let mut children = Vec::new();
        for (home, child) in schema.children(database, &table.name) {
            let to_this = |key: &&ForeignKey| key.refers_to(database, &table.name);
            for key in child.foreign_keys.iter().filter(to_this) {
                children.push(Reference::new(schema, &home.name, child, key)?);
            }
        }
        let order =
            |reference: &Reference| (reference.database.clone(), reference.key.name.clone());
        parents.sort_by_key(order);
        children.sort_by_key(order);
        let changed: Vec<(String, Arc<TableInfo>)> = children
            .iter()
            .filter(|reference| reference.changes_child())
            .map(|reference| (reference.database.clone(), reference.child.clone()))
            .collect();
        self.tables.insert(table.id, Related { parents, children });
        for (database, child) in changed {
            self.add(schema, &database, &child)?;
        }
        Ok(())
    }

    /// The keys of a table that is changed.
    pub fn table(&self, id: i64) -> Option<&Related> {
        self.tables.get(&id)
    }

    /// The tables that may be changed.
    pub fn changed(&self) -> impl Iterator<Item = i64> {
        self.tables.keys().copied()
    }

    /// All tables that are looked at.
    pub fn seen(&self) -> impl Iterator<Item = i64> {
        let references = self.tables.values().flat_map(|r| r.parents.iter().chain(&r.children));
        references.flat_map(|reference| {
            let parent = reference.parent.as_ref().map(|parent| parent.table.id);
            parent.into_iter().chain([reference.child.id])
        })
    }
}

impl Reference {
    fn new(
        schema: &InfoSchema,
        database: &str,
        child: &Arc<TableInfo>,
        key: &ForeignKey,
    ) -> SqlResult<Reference> {
        let mut reference = Reference {
            key: key.clone(),
            database: database.to_owned(),
            child: child.clone(),
            columns: places(child, &key.columns),
            path: key.child_path(child),
            parent: parent(schema, key),
            rules: None,
        };
        if reference.changes_child() {
            reference.rules = RowRules::of(child)?;
        }
        Ok(reference)
    }

    /// Whether the rows that refer change with what they refer to.
    fn changes_child(&self) -> bool {
        let rules = [self.key.on_delete, self.key.on_update];
        let changes = |rule: ReferentialAction| {
            matches!(rule, ReferentialAction::Cascade | ReferentialAction::SetNull)
        };
        rules.into_iter().any(changes)
    }
}

fn parent(schema: &InfoSchema, key: &ForeignKey) -> Option<Parent> {
    let table = schema.table(&key.parent_database, &key.parent_table)?;
    let ids = key.parent_ids(table).ok()?;
    let path = key.parent_path(table)?;
    Some(Parent { table: table.clone(), columns: places(table, &ids), path })
}

/// Where the columns with these ids are.
fn places(table: &TableInfo, ids: &[i64]) -> Vec<usize> {
    let place = |id: &i64| table.columns.iter().position(|column| column.id == *id);
    ids.iter().filter_map(place).collect()
}

/// A table that DML changes, with its database's name.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetTable {
    /// Database.
    pub database: String,
    /// Table.
    pub table: Arc<TableInfo>,
    /// What foreign keys tie it to; `None`: nothing.
    pub relations: Option<Arc<Relations>>,
    /// What its definition says of every row; `None`: nothing.
    pub rules: Option<Arc<RowRules>>,
    /// How its rows are divided; `None`: they are not.
    pub divided: Option<Arc<Divided>>,
    /// What the statement's changes of it fire; `None`: nothing.
    pub triggers: Option<Arc<super::Triggers>>,
}

impl TargetTable {
    /// A table that is to change.
    pub fn new(
        schema: &InfoSchema,
        database: String,
        table: Arc<TableInfo>,
    ) -> SqlResult<TargetTable> {
        let home = schema.database(&database).map(|info: &Arc<DatabaseInfo>| info.name.clone());
        let relations = Relations::of(schema, home.as_ref().unwrap_or(&database), &table)?;
        let rules = RowRules::of(&table)?;
        let divided = Divided::of(&table, None)?;
        Ok(TargetTable { database, table, relations, rules, divided, triggers: None })
    }

    /// The same, whose rows may only be in these partitions, if any are named.
    pub fn in_partitions(mut self, names: &[String]) -> SqlResult<TargetTable> {
        if !names.is_empty() {
            let selected = self.table.selected_partitions(names)?;
            self.divided = Divided::of(&self.table, Some(selected))?;
        }
        Ok(self)
    }
}
