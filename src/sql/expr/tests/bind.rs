//! Expressions of a text, bound as those of a statement are.

use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::InfoSchema;
use crate::sql::expr::Expr;
use crate::sql::parser::{self, Statement};
use crate::sql::plan::Planner;
use crate::sql::types::SqlMode;

/// An expression that sees no columns.
pub(super) fn parse(source: &str) -> SqlResult<Expr> {
    let sql_mode = SqlMode::default();
    let parsed = parser::parse_one(format!("DO {source}").as_bytes(), 0, sql_mode)?;
    let Some(Statement::Do(list)) = parsed.map(|parsed| parsed.statement) else {
        return Err(SqlError::internal("not an expression"));
    };
    let schema = InfoSchema::new(0, Vec::new());
    Planner::new(&schema, None, sql_mode).bind_constant(&list[0])
}
