//! RENAME TO: another name for the table, perhaps in another database.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn};
use crate::common::SqlResult;
use crate::sql::catalog::build::{DdlContext, check_table_name};
use crate::sql::parser::ast::ObjectName;

/// RENAME TO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameTo {
    /// The database it is to be in.
    pub database: String,
    /// What it is to be called there.
    pub table: String,
}

impl RenameTo {
    pub(super) fn build(name: &ObjectName, ctx: &DdlContext<'_>) -> SqlResult<RenameTo> {
        check_table_name(&name.name)?;
        let (database, table) = ctx.locate(name)?;
        Ok(RenameTo { database, table })
    }
}

impl Change for RenameTo {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    /// Whether the name is free is seen when the change is begun, where all databases are known.
    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let from = alteration.after.name.clone();
        alteration.after.name.clone_from(&self.table);
        if from != self.table {
            alteration.after.rename_checks(&from, &self.table);
        }
        alteration.moves_to = Some(self.database.clone());
        Ok(())
    }
}
