//! x
use super::{EvalContext, Expr};
use crate::common::{SqlError, SqlResult};
use crate::sql::types::Datum;
impl Expr {
    /// Its value for a row.
    pub fn eval(&self, row: &[Datum], ctx: &EvalContext) -> SqlResult<Datum> {
        match self {
            Expr::Column { index, .. } => Ok(row.get(*index).cloned().unwrap_or_default()),
            Expr::Literal { value, .. } => Ok(value.clone()),
            Expr::Parameter { index, .. } => {
                Ok(ctx.params.get(*index).cloned().unwrap_or_default())
            }
            Expr::Call { function, .. } => Err(SqlError::unsupported(function.name())),
        }
    }
}
