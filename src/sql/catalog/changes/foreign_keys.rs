//! ADD FOREIGN KEY, DROP FOREIGN KEY and DROP CONSTRAINT.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, cannot_drop, checks, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build_index::check_drop;
use crate::sql::catalog::foreign_key::{KeyPath, add_foreign_key, is_public};
use crate::sql::catalog::{ForeignKey, TableInfo};
use crate::sql::parser::ast::ForeignKeyDefinition;

/// ADD FOREIGN KEY.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddForeignKey {
    /// The table's database.
    pub database: String,
    /// What.
    pub definition: ForeignKeyDefinition,
}

impl AddForeignKey {
    /// Database and name of the table that is referred to.
    pub fn parent(&self) -> (&str, &str) {
        let parent = &self.definition.parent;
        (parent.database.as_ref().unwrap_or(&self.database), &parent.name)
    }
}

impl Change for AddForeignKey {
    fn turn(&self) -> Turn {
        Turn::AddForeignKeys
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let (before, after) = (&alteration.before, &mut alteration.after);
        let mut key = add_foreign_key(after, &self.database, &self.definition)?;
        // One that goes in the same statement keeps its number.
        let taken = before.foreign_keys.iter().chain(&after.foreign_keys);
        key.id = taken.map(|known| known.id).max().unwrap_or(0) + 1;
        after.foreign_keys.pop();
        after.foreign_keys.push(key);
        Ok(())
    }
}

/// DROP FOREIGN KEY, and DROP CONSTRAINT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropConstraint {
    /// Its name.
    pub name: String,
    /// It may be of any kind.
    pub any: bool,
}

impl Change for DropConstraint {
    fn turn(&self) -> Turn {
        Turn::DropConstraints
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let table = &mut alteration.after;
        let named = |key: &ForeignKey| same_name(&key.name, &self.name);
        if self.any
            && let Some(position) = checks::position(table, &self.name)
        {
            if checks::is_other_constraint(table, &self.name) {
                let message = format!(
                    "Table has multiple constraints with the name '{}'. Please use constraint specific 'DROP' clause.",
                    self.name
                );
                return Err(SqlError::new(errno::MULTIPLE_CONSTRAINTS_WITH_SAME_NAME, message));
            }
            table.checks.remove(position);
            return Ok(());
        }
        if let Some(position) = table.foreign_keys.iter().position(named) {
            table.foreign_keys.remove(position);
            return Ok(());
        }
        if !self.any {
            return Err(cannot_drop(&self.name));
        }
        let position = table
            .indexes
            .iter()
            .position(|index| index.unique && same_name(&index.name, &self.name));
        match position {
            Some(position) => {
                check_drop(table, &self.name)?;
                table.indexes.remove(position);
                Ok(())
            }
            None if same_name(&self.name, "PRIMARY") => check_drop(table, &self.name),
            None => Err(SqlError::new(
                errno::CONSTRAINT_NOT_FOUND,
                format!("Constraint '{}' does not exist.", self.name),
            )),
        }
    }
}

impl Alteration {
    /// The foreign keys that come.
    pub fn added_foreign_keys(&self) -> impl Iterator<Item = &ForeignKey> {
        keys_beyond(&self.after, &self.before)
    }

    /// The foreign keys that go.
    pub fn dropped_foreign_keys(&self) -> impl Iterator<Item = &ForeignKey> {
        keys_beyond(&self.before, &self.after)
    }

    /// The id of the column that takes a column's place, or its own.
    pub(in crate::sql) fn column_after(&self, id: i64) -> i64 {
        let mut conversions = self.conversions.iter();
        conversions.find(|(from, _)| *from == id).map_or(id, |(_, to)| *to)
    }

    /// Foreign keys go on with columns that are converted.
    pub(super) fn follow_conversions(&mut self) {
        let mut keys = std::mem::take(&mut self.after.foreign_keys);
        for column in keys.iter_mut().flat_map(|key| &mut key.columns) {
            *column = self.column_after(*column);
        }
        self.after.foreign_keys = keys;
    }

    /// What foreign keys of the table need and would not have any more: errors 1828, 1830 and 1553.
    pub(super) fn check_foreign_keys(&self) -> SqlResult<()> {
        for key in &self.after.foreign_keys {
            key.check_columns(&self.before, &self.after)?;
            if KeyPath::find(&self.after, &key.columns, is_public).is_none() {
                return Err(index_needed(&self.before, &key.columns));
            }
        }
        Ok(())
    }
}

/// Error 1553 of the index by which these columns were found.
pub(in crate::sql) fn index_needed(before: &TableInfo, columns: &[i64]) -> SqlError {
    let name = match KeyPath::find(before, columns, is_public) {
        Some(KeyPath::Unique(at) | KeyPath::Prefix(at)) => before.indexes[at].name.as_str(),
        Some(KeyPath::Handle) | None => "PRIMARY",
    };
    let message = format!("Cannot drop index '{name}': needed in a foreign key constraint");
    SqlError::new(errno::DROP_INDEX_FK, message)
}

fn keys_beyond<'t>(
    table: &'t TableInfo,
    other: &'t TableInfo,
) -> impl Iterator<Item = &'t ForeignKey> {
    let known = |key: &ForeignKey| other.foreign_keys.iter().any(|known| known.id == key.id);
    table.foreign_keys.iter().filter(move |key| !known(key))
}
