//! ADD INDEX and DROP INDEX.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::SchemaState;
use crate::sql::catalog::build_index::{build_index, check_drop};
use crate::sql::parser::ast::IndexDefinition;

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
        if self.definition.primary {
            return Err(SqlError::unsupported("ALTER TABLE … ADD PRIMARY KEY"));
        }
        let known = &alteration.after.indexes;
        let named = self.definition.name.as_ref().filter(|_| self.if_not_exists);
        if let Some(name) = named.filter(|name| known.iter().any(|i| same_name(&i.name, name))) {
            alteration.notes.push((errno::DUP_KEYNAME, format!("Duplicate key name '{name}'")));
            return Ok(());
        }
        let mut index = build_index(&alteration.after, known, &self.definition)?;
        index.id = alteration.next_index_id();
        index.state = SchemaState::Public;
        alteration.after.indexes.push(index);
        Ok(())
    }
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
        alteration.after.indexes.retain(|index| !same_name(&index.name, &self.name));
        Ok(())
    }
}
