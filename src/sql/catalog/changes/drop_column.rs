//! DROP COLUMN.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, cannot_drop};
use crate::common::SqlResult;

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

    /// A primary key of this column alone goes with it. Its indexes are mended when it is known what takes its place: see [`Alteration::mend_indexes`].
    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let position =
            alteration.position_after(&self.name).ok_or_else(|| cannot_drop(&self.name))?;
        let handle = alteration.after.handle_id();
        let id = alteration.after.columns[position].id;
        alteration.after.columns.remove(position);
        alteration.after.place_columns(handle.filter(|handle| *handle != id));
        Ok(())
    }
}
