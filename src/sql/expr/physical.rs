//! Expressions over record batches.

use std::sync::Arc;

use datafusion_common::DataFusionError;
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;

use super::{EvalContext, Expr};
use crate::common::SqlError;

mod batch;
mod vector;

pub use vector::Batch;
pub(in crate::sql) use vector::is_total;

/// The expression for DataFusion's operators. Its Arrow type is `expr.field_type().arrow_type()`.
pub fn physical(expr: &Expr, ctx: &Arc<EvalContext>) -> Arc<dyn PhysicalExpr> {
    batch::build(expr, ctx)
}

/// The same as a condition: Arrow's `Boolean`, as filters and joins need it.
pub fn physical_predicate(expr: &Expr, ctx: &Arc<EvalContext>) -> Arc<dyn PhysicalExpr> {
    batch::build_predicate(expr, ctx)
}

/// Carries an error through DataFusion.
pub fn to_df_error(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The error that [`to_df_error`] packed, however deep; 8175 where memory (or the disk it is spilled to) ran out; any other is 1105.
pub fn from_df_error(error: DataFusionError) -> SqlError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = source {
        if let Some(found) = current.downcast_ref::<SqlError>() {
            return found.clone();
        }
        if let Some(DataFusionError::External(inner)) = current.downcast_ref::<DataFusionError>()
            && let Some(found) = inner.downcast_ref::<SqlError>()
        {
            return found.clone();
        }
        if let Some(DataFusionError::ResourcesExhausted(_)) = current.downcast_ref() {
            return SqlError::over_memory();
        }
        source = current.source();
    }
    SqlError::internal(error)
}
