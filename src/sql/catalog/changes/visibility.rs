//! VISIBLE and INVISIBLE: whether plans use an index, which is kept either way, and whether `*` gives a column.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build_index::{PRIMARY, invisible_primary};

/// ALTER INDEX … VISIBLE or INVISIBLE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexVisibility {
    /// The index's name.
    pub name: String,
    /// VISIBLE.
    pub visible: bool,
}

impl Change for IndexVisibility {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let table = &alteration.before;
        let known = table.indexes.iter().find(|index| same_name(&index.name, &self.name));
        let clustered = table.handle_column.is_some() && same_name(&self.name, PRIMARY);
        if clustered || known.is_some_and(|index| index.primary) {
            return if self.visible { Ok(()) } else { Err(invisible_primary()) };
        }
        let id = known.map(|index| index.id);
        let unknown = || {
            let message = format!("Key '{}' doesn't exist in table '{}'", self.name, table.name);
            SqlError::new(errno::KEY_DOES_NOT_EXIST, message)
        };
        let indexes = &mut alteration.after.indexes;
        let index = indexes.iter_mut().find(|index| Some(index.id) == id).ok_or_else(unknown)?;
        // What clients are told is the primary key has to be seen.
        index.invisible = !self.visible;
        Ok(())
    }
}

/// ALTER COLUMN … SET VISIBLE or SET INVISIBLE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnVisibility {
    /// The column's name.
    pub name: String,
    /// VISIBLE.
    pub visible: bool,
}

impl Change for ColumnVisibility {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        alteration.column_of(&self.name)?.invisible = !self.visible;
        Ok(())
    }
}
