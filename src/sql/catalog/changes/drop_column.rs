//! DROP COLUMN.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, cannot_drop};
use crate::common::{SqlError, SqlResult};

/// DROP COLUMN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropColumn {
    /// Its name.
    pub name: String,
}

impl Change for DropColumn {
    fn turn(&self) -> Turn {
        Turn::DropColumns
    }

    /// Its indexes are mended when it is known what takes its place: see [`Alteration::mend_indexes`].
    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let position =
            alteration.position_after(&self.name).ok_or_else(|| cannot_drop(&self.name))?;
        let handle = alteration.after.handle_id();
        let id = alteration.after.columns[position].id;
        let indexes = alteration.after.indexes.iter();
        let mut touched =
            indexes.filter(|index| index.columns.iter().any(|part| part.column == id));
        let last = alteration.after.columns.len() == 1;
        if !last && (handle == Some(id) || touched.any(|index| index.primary)) {
            return Err(SqlError::unsupported("dropping a column of the primary key"));
        }
        alteration.after.columns.remove(position);
        alteration.after.place_columns(handle.filter(|handle| *handle != id));
        Ok(())
    }
}
