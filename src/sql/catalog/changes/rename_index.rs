//! RENAME INDEX.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build_index::check_new_name;
use crate::sql::parser::ast::Renamed;

/// RENAME INDEX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameIndex(pub Renamed);

impl Change for RenameIndex {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    /// Indexes are found by the names they had, so that two can swap theirs.
    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let Renamed { from, to } = &self.0;
        check_new_name(to, false, &[])?;
        let known = alteration.before.indexes.iter().find(|index| same_name(&index.name, from));
        let id = known.filter(|index| !index.primary).map(|index| index.id);
        let indexes = &mut alteration.after.indexes;
        let Some(index) = indexes.iter_mut().find(|index| Some(index.id) == id) else {
            let message =
                format!("Key '{from}' doesn't exist in table '{}'", alteration.before.name);
            return Err(SqlError::new(errno::KEY_DOES_NOT_EXIST, message));
        };
        index.name.clone_from(to);
        Ok(())
    }
}
