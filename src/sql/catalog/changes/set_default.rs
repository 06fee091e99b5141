//! ALTER COLUMN … SET DEFAULT and DROP DEFAULT: of rows to come; those that stand keep what they have.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name, unknown_column};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build::DdlContext;
use crate::sql::catalog::build_column::build_default;
use crate::sql::catalog::computed::default_expr;
use crate::sql::catalog::{DefaultValue, TableInfo};
use crate::sql::parser::ast::Expr;

/// SET DEFAULT, or DROP DEFAULT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetDefault {
    /// The column's name.
    pub column: String,
    /// Its default; `None`: an INSERT must give a value.
    pub default: Option<DefaultValue>,
}

impl SetDefault {
    pub(super) fn build(
        name: &str,
        default: Option<&Expr>,
        table: &TableInfo,
        ctx: &DdlContext<'_>,
    ) -> SqlResult<SetDefault> {
        let columns = table.visible_columns();
        let column = columns.iter().find(|column| same_name(&column.name, name));
        let column = column.ok_or_else(|| unknown_column(name, table))?;
        let default = match default {
            Some(written) => build_default(column, Some(written), ctx.sql_mode)?,
            None => None,
        };
        Ok(SetDefault { column: name.to_owned(), default })
    }

    /// SET DEFAULT (expression).
    pub(super) fn of_expr(name: &str, expr: &Expr, table: &TableInfo) -> SqlResult<SetDefault> {
        let mut columns = table.visible_columns().iter();
        let column = columns.find(|column| same_name(&column.name, name));
        let column = column.ok_or_else(|| unknown_column(name, table))?;
        let default = Some(default_expr(column, expr)?);
        Ok(SetDefault { column: name.to_owned(), default })
    }
}

impl Change for SetDefault {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let column = alteration.column_of(&self.column)?;
        if column.generated.is_some() {
            return Err(SqlError::new(
                errno::WRONG_USAGE,
                "Incorrect usage of DEFAULT and generated column",
            ));
        }
        column.default.clone_from(&self.default);
        Ok(())
    }
}
