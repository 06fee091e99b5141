//! ADD INDEX and DROP INDEX.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build_index::{PRIMARY, build_index, check_drop, index_order};
use crate::sql::catalog::expression_index::hide_expressions;
use crate::sql::catalog::{ColumnInfo, DefaultValue, SchemaState};
use crate::sql::parser::ast::IndexDefinition;
use crate::sql::types::{TimeZone, codec};

/// ADD INDEX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddIndex {
    /// What.
    pub definition: IndexDefinition,
    /// IF NOT EXISTS: a note if the name is taken.
    pub if_not_exists: bool,
}

impl Change for AddIndex {
    fn turn(&self) -> Turn {
        Turn::AddIndexes
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        if self.definition.primary && self.definition.parts.iter().all(|part| part.expr.is_none()) {
            return self.add_primary(alteration);
        }
        let known = &alteration.after.indexes;
        let named = self.definition.name.as_ref().filter(|_| self.if_not_exists);
        if let Some(name) = named.filter(|name| known.iter().any(|i| same_name(&i.name, name))) {
            alteration.notes.push((errno::DUP_KEYNAME, format!("Duplicate key name '{name}'")));
            return Ok(());
        }
        let last = alteration.after.max_column_id;
        let known = alteration.after.indexes.clone();
        let definition = hide_expressions(&mut alteration.after, &known, &self.definition)?;
        let hidden = last + 1..=alteration.after.max_column_id;
        alteration.computed.extend(hidden);
        let mut index = build_index(&alteration.after, &known, &definition)?;
        index.id = alteration.next_index_id();
        index.state = SchemaState::Public;
        alteration.after.indexes.push(index);
        // As MySQL orders them.
        alteration.after.indexes.sort_by_key(index_order);
        Ok(())
    }
}

impl AddIndex {
    /// Rows that stand keep their places: the key is a unique index. Its columns hold no NULL from now on.
    fn add_primary(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let table = &alteration.after;
        if table.handle_column.is_some() || table.indexes.iter().any(|index| index.primary) {
            return Err(SqlError::new(errno::MULTIPLE_PRI_KEY, "Multiple primary key defined"));
        }
        let mut key = build_index(table, &table.indexes, &self.definition)?;
        for part in 0..key.columns.len() {
            let offset = key.columns[part].offset;
            let column = &alteration.after.columns[offset];
            if column.field_type.not_null {
                continue;
            }
            let old = column.id;
            let id = alteration.convert_column(old);
            let column = &mut alteration.after.columns[offset];
            column.field_type.not_null = true;
            if column.default == Some(DefaultValue::Constant(None)) {
                column.default = None;
            }
            // One that is new, too, has had NULL in all rows.
            if id == old && column.origin.is_none() {
                column.origin = zero_origin(column)?;
            }
            key.columns[part].column = id;
        }
        key.id = alteration.next_index_id();
        PRIMARY.clone_into(&mut key.name);
        alteration.after.indexes.insert(0, key);
        Ok(())
    }
}

/// What rows have in a column that is new, too.
fn zero_origin(column: &ColumnInfo) -> SqlResult<Option<Vec<u8>>> {
    let mut origin = Vec::new();
    let zero = column.field_type.implicit_default();
    codec::encode_row_value(&zero, &column.field_type, &TimeZone::UTC, &mut origin)?;
    Ok(Some(origin))
}

/// DROP INDEX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropIndex {
    /// Its name.
    pub name: String,
}

impl Change for DropIndex {
    fn turn(&self) -> Turn {
        Turn::DropIndexes
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        check_drop(&alteration.after, &self.name)?;
        if same_name(&self.name, PRIMARY)
            && let Some(handle) = alteration.after.handle_id()
        {
            // It was where the row is, and is to be in the row.
            alteration.convert_column(handle);
        }
        alteration.after.indexes.retain(|index| !same_name(&index.name, &self.name));
        Ok(())
    }
}
