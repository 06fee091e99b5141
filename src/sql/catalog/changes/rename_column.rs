//! RENAME COLUMN: nothing but a name, as everything else refers to columns by their ids.

use super::{Alteration, Change, Turn};
use crate::common::SqlResult;
use crate::sql::catalog::build::check_column_name;
use crate::sql::parser::ast::Renamed;

impl Change for Renamed {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    /// Columns are found by the names they had, so that two can swap theirs.
    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        check_column_name(&self.to)?;
        alteration.column_of(&self.from)?.name.clone_from(&self.to);
        Ok(())
    }
}
