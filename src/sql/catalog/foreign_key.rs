//! Foreign keys: which rows of another table the rows of a table need.
//!
//! A foreign key belongs to the table that refers (the child). The table it refers to (the parent) is kept by name: with
//! `foreign_key_checks` off it need not be there yet, and the key takes effect when it comes. What the two tables must have in common is
//! worked out here, without a store: the parent's key that finds a row, and the child's that finds those which refer to it.

use serde::{Deserialize, Serialize};

use super::build::check_name;
use super::build_index::{free_name, whole_part};
use super::{ColumnInfo, IndexInfo, SchemaState, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{ForeignKeyDefinition, IndexNotes, ReferentialAction};
use crate::sql::types::{Collation, FieldType};

/// A foreign key, as its table has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Unique among those of the table.
    pub id: i64,
    /// Unique in the database; compared without case.
    pub name: String,
    /// The ids of the columns that refer.
    pub columns: Vec<i64>,
    /// The database of the table they refer to.
    pub parent_database: String,
    /// The table they refer to.
    pub parent_table: String,
    /// Its columns.
    pub parent_columns: Vec<String>,
    /// What becomes of rows whose parent goes.
    pub on_delete: ReferentialAction,
    /// What becomes of rows whose parent's key changes.
    pub on_update: ReferentialAction,
    /// How far it has come: in *write-only* nothing is written that it forbids, and nothing is done by its actions.
    pub state: SchemaState,
}

/// How rows are found by the columns of a foreign key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPath {
    /// The column is the row's handle.
    Handle,
    /// They are all of a unique index, at this position in the table.
    Unique(usize),
    /// An index at this position begins with them.
    Prefix(usize),
}

impl KeyPath {
    /// How a table's rows are found by these columns, whole and in this order: by an index for which `fits` holds, a unique one of nothing
    /// else before others.
    pub fn find(
        table: &TableInfo,
        columns: &[i64],
        fits: impl Fn(&IndexInfo) -> bool,
    ) -> Option<KeyPath> {
        if columns.len() == 1 && table.handle_id() == Some(columns[0]) {
            return Some(KeyPath::Handle);
        }
        let begins = |index: &IndexInfo| {
            let parts = index.columns.iter().take(columns.len());
            index.fulltext.is_none()
                && index.columns.len() >= columns.len()
                && parts
                    .zip(columns)
                    .all(|(part, id)| part.column == *id && part.prefix_len.is_none())
        };
        let indexes = table.indexes.iter().enumerate();
        let found = indexes.filter(|(_, index)| fits(index) && begins(index));
        let path = |(at, index): (usize, &IndexInfo)| match index.unique
            && index.columns.len() == columns.len()
        {
            true => KeyPath::Unique(at),
            false => KeyPath::Prefix(at),
        };
        found.map(path).min_by_key(|path| !matches!(path, KeyPath::Unique(_)))
    }
}

/// Whether statements read an index.
pub(super) fn is_public(index: &IndexInfo) -> bool {
    index.state == SchemaState::Public
}

impl ForeignKey {
    /// Whether it refers to this table.
    pub fn refers_to(&self, database: &str, table: &str) -> bool {
        same(&self.parent_database, database) && same(&self.parent_table, table)
    }

    /// The action, if its keys are in the state to have one: until then nothing may be done that would need any.
    pub fn action(&self, action: ReferentialAction) -> ReferentialAction {
        match self.state {
            SchemaState::Public => action,
            _ => ReferentialAction::Restrict,
        }
    }

    /// The ids of the parent's columns; the name of one that it does not have.
    pub fn parent_ids(&self, parent: &TableInfo) -> Result<Vec<i64>, &str> {
        let mut ids = Vec::with_capacity(self.parent_columns.len());
        for name in &self.parent_columns {
            let mut columns = parent.visible_columns().iter();
            match columns.find(|column| same(&column.name, name)) {
                Some(column) => ids.push(column.id),
                None => return Err(name),
            }
        }
        Ok(ids)
    }

    /// How the parent's rows are found by its columns.
    pub fn parent_path(&self, parent: &TableInfo) -> Option<KeyPath> {
        KeyPath::find(parent, &self.parent_ids(parent).ok()?, is_public)
    }

    /// How the rows that refer are found. While it is not public its index may be one that is complete, and not public either.
    pub fn child_path(&self, child: &TableInfo) -> Option<KeyPath> {
        let complete = |index: &IndexInfo| index.state == SchemaState::Reorganization;
        KeyPath::find(child, &self.columns, is_public).or_else(|| match self.state {
            SchemaState::Public => None,
            _ => KeyPath::find(child, &self.columns, complete),
        })
    }

    /// The column of the child with this id.
    fn column(child: &TableInfo, id: i64) -> Option<&ColumnInfo> {
        child.columns.iter().find(|column| column.id == id)
    }

    /// The names of the columns that refer.
    pub fn column_names<'t>(&'t self, child: &'t TableInfo) -> impl Iterator<Item = &'t str> {
        let name = |id: &i64| ForeignKey::column(child, *id).map(|column| column.name.as_str());
        self.columns.iter().filter_map(name)
    }

    /// As SHOW CREATE TABLE has it. `database` is the child's.
    pub fn text(&self, database: &str, child: &TableInfo) -> String {
        let quoted: Vec<String> = self.column_names(child).map(quote_name).collect();
        let parents: Vec<String> =
            self.parent_columns.iter().map(|name| quote_name(name)).collect();
        let mut parent = quote_name(&self.parent_table);
        if !same(&self.parent_database, database) {
            parent = format!("{}.{parent}", quote_name(&self.parent_database));
        }
        format!(
            "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {parent} ({}){}{}",
            quote_name(&self.name),
            quoted.join(", "),
            parents.join(", "),
            rule_text(" ON DELETE", self.on_delete),
            rule_text(" ON UPDATE", self.on_update),
        )
    }

    /// Error 1452.
    pub fn no_parent(&self, database: &str, child: &TableInfo) -> SqlError {
        self.failure(
            errno::NO_REFERENCED_ROW_2,
            "Cannot add or update a child row",
            database,
            child,
        )
    }

    /// Error 1451.
    pub fn has_children(&self, database: &str, child: &TableInfo) -> SqlError {
        let what = "Cannot delete or update a parent row";
        self.failure(errno::ROW_IS_REFERENCED_2, what, database, child)
    }

    fn failure(&self, code: u16, what: &str, database: &str, child: &TableInfo) -> SqlError {
        let (schema, table) = (quote_name(database), quote_name(&child.name));
        let text = self.text(database, child);
        let message = format!("{what}: a foreign key constraint fails ({schema}.{table}, {text})");
        SqlError::new(code, message)
    }

    /// What of its parent is not as it must be: errors 3734, 3780 and 1822. Collations may differ if `unchecked`.
    pub fn check_parent(
        &self,
        child: &TableInfo,
        parent: &TableInfo,
        unchecked: bool,
    ) -> SqlResult<()> {
        let ids = self.parent_ids(parent).map_err(|missing| {
            let message = format!(
                "Failed to add the foreign key constraint. Missing column '{missing}' for constraint '{}' in the referenced \
                 table '{}'",
                self.name, self.parent_table
            );
            SqlError::new(errno::FK_NO_COLUMN_PARENT, message)
        })?;
        for (own, other) in self.columns.iter().zip(&ids) {
            let own = ForeignKey::column(child, *own);
            let other = ForeignKey::column(parent, *other);
            let (Some(own), Some(other)) = (own, other) else { continue };
            if !can_refer(&own.field_type, &other.field_type, unchecked) {
                let message = format!(
                    "Referencing column '{}' and referenced column '{}' in foreign key constraint '{}' are incompatible.",
                    own.name, other.name, self.name
                );
                return Err(SqlError::new(errno::FK_INCOMPATIBLE_COLUMNS, message));
            }
        }
        match KeyPath::find(parent, &ids, is_public) {
            Some(_) => Ok(()),
            None => Err(SqlError::new(
                errno::FK_NO_INDEX_PARENT,
                format!(
                    "Failed to add the foreign key constraint. Missing index for constraint '{}' in the referenced table '{}'",
                    self.name, self.parent_table
                ),
            )),
        }
    }

    /// What of its own table is not as it must be: errors 1828 and 1830.
    pub(super) fn check_columns(&self, before: &TableInfo, child: &TableInfo) -> SqlResult<()> {
        let sets_null = [self.on_delete, self.on_update].contains(&ReferentialAction::SetNull);
        for id in &self.columns {
            let name = || ForeignKey::column(before, *id).map_or("", |column| &column.name);
            let Some(column) = ForeignKey::column(child, *id) else {
                let message = format!(
                    "Cannot drop column '{}': needed in a foreign key constraint '{}'",
                    name(),
                    self.name
                );
                return Err(SqlError::new(errno::FK_COLUMN_CANNOT_DROP, message));
            };
            if sets_null && column.field_type.not_null {
                let message = format!(
                    "Column '{}' cannot be NOT NULL: needed in a foreign key constraint '{}' SET NULL",
                    column.name, self.name
                );
                return Err(SqlError::new(errno::FK_COLUMN_NOT_NULL, message));
            }
        }
        Ok(())
    }
}

fn rule_text(when: &str, action: ReferentialAction) -> String {
    match action {
        ReferentialAction::NoAction => String::new(),
        action => format!("{when} {}", action_text(action)),
    }
}

/// An action as SQL writes it.
pub fn action_text(action: ReferentialAction) -> &'static str {
    match action {
        ReferentialAction::NoAction => "NO ACTION",
        ReferentialAction::Restrict => "RESTRICT",
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
    }
}

fn same(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || left.to_lowercase() == right.to_lowercase()
}

/// Whether a column of one type can refer to one of the other: strings of the same collation, whatever their length; anything else of the same kind.
pub fn can_refer(child: &FieldType, parent: &FieldType, any_collation: bool) -> bool {
    if child.kind.is_string() && parent.kind.is_string() {
        let binary = |field_type: &FieldType| field_type.collation == Collation::Binary;
        return match any_collation {
            true => binary(child) == binary(parent),
            false => child.collation == parent.collation,
        };
    }
    child.kind == parent.kind && child.unsigned == parent.unsigned
}

/// Adds the foreign key that was written to a table, with an index for it if there is none. `database` is the table's. Whether the parent is
/// as it must be is the worker's to look at, as it may change until then.
pub(super) fn add_foreign_key(
    table: &mut TableInfo,
    database: &str,
    definition: &ForeignKeyDefinition,
) -> SqlResult<ForeignKey> {
    check_definition(definition)?;
    let mut columns = Vec::with_capacity(definition.columns.len());
    for name in &definition.columns {
        let column = table.visible_columns().iter().find(|column| same(&column.name, name));
        let Some(column) = column else {
            let message = format!("Key column '{name}' doesn't exist in table");
            return Err(SqlError::new(errno::KEY_COLUMN_DOES_NOT_EXIST, message));
        };
        if columns.contains(&column.id) {
            let message = format!("Duplicate column name '{name}'");
            return Err(SqlError::new(errno::DUP_FIELDNAME, message));
        }
        columns.push(column.id);
    }
    let name = match &definition.name {
        Some(name) => name.clone(),
        None => generated_name(table),
    };
    check_name(&name)?;
    if table.foreign_keys.iter().any(|known| same(&known.name, &name)) {
        return Err(duplicate_name(&name));
    }
    let parent = &definition.parent;
    let key = ForeignKey {
        id: table.foreign_keys.iter().map(|known| known.id).max().unwrap_or(0) + 1,
        name,
        columns,
        parent_database: parent.database.clone().unwrap_or_else(|| database.to_owned()),
        parent_table: parent.name.clone(),
        parent_columns: definition.parent_columns.clone(),
        on_delete: definition.on_delete,
        on_update: definition.on_update,
        state: SchemaState::Public,
    };
    key.check_columns(table, table)?;
    let rules = [key.on_delete, key.on_update];
    if rules.contains(&ReferentialAction::SetDefault) {
        return Err(SqlError::new(errno::CANNOT_ADD_FOREIGN, "Cannot add foreign key constraint"));
    }
    if KeyPath::find(table, &key.columns, is_public).is_none() {
        add_index(table, &key, definition)?;
    }
    table.foreign_keys.push(key.clone());
    Ok(key)
}

/// Error 1239.
fn check_definition(definition: &ForeignKeyDefinition) -> SqlResult<()> {
    if definition.columns.len() == definition.parent_columns.len() {
        return Ok(());
    }
    let name = definition.name.as_deref().unwrap_or("foreign key without name");
    Err(SqlError::new(
        errno::WRONG_FK_DEF,
        format!(
            "Incorrect foreign key definition for '{name}': Key reference and table reference don't match"
        ),
    ))
}

/// Error 1826.
pub fn duplicate_name(name: &str) -> SqlError {
    let message = format!("Duplicate foreign key constraint name '{name}'");
    SqlError::new(errno::FK_DUP_NAME, message)
}

/// The next of the names that MySQL gives.
fn generated_name(table: &TableInfo) -> String {
    let start = format!("{}_ibfk_", table.name.to_lowercase());
    let number = |key: &ForeignKey| {
        key.name.to_lowercase().strip_prefix(&start).and_then(|rest| rest.parse::<u64>().ok())
    };
    let last = table.foreign_keys.iter().filter_map(number).max().unwrap_or(0);
    format!("{}_ibfk_{}", table.name, last + 1)
}

fn add_index(
    table: &mut TableInfo,
    key: &ForeignKey,
    definition: &ForeignKeyDefinition,
) -> SqlResult<()> {
    let mut columns = Vec::with_capacity(key.columns.len());
    for id in &key.columns {
        if let Some(column) = ForeignKey::column(table, *id) {
            columns.push(whole_part(column)?);
        }
    }
    let wanted = definition.name.as_ref().or(definition.index_name.as_ref());
    let name = free_name(wanted.unwrap_or(&definition.columns[0]), &table.indexes);
    table.max_index_id += 1;
    table.indexes.push(IndexInfo {
        id: table.max_index_id,
        name,
        columns,
        unique: false,
        primary: false,
        notes: IndexNotes::default(),
        skips_new_rows: false,
        generated: true,
        fulltext: None,
        invisible: false,
        state: SchemaState::Public,
    });
    Ok(())
}

/// Takes indexes away that were only made for foreign keys, where another one serves them.
pub(super) fn drop_needless_indexes(table: &mut TableInfo) {
    let needless = |index: &IndexInfo| {
        let columns: Vec<i64> = index.columns.iter().map(|part| part.column).collect();
        let other = |other: &IndexInfo| is_public(other) && other.id != index.id;
        index.generated
            && table.indexes.iter().any(|known| !known.generated && other(known))
            && KeyPath::find(table, &columns, |known| other(known) && !known.generated).is_some()
    };
    let ids: Vec<i64> =
        table.indexes.iter().filter(|index| needless(index)).map(|index| index.id).collect();
    table.indexes.retain(|index| !ids.contains(&index.id));
}
