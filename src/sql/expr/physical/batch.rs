//! x
use super::super::{EvalContext, Expr};
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use std::sync::Arc;
pub(super) fn build(expr: &Expr, ctx: &Arc<EvalContext>) -> Arc<dyn PhysicalExpr> {
    let _ = ctx;
    unimplemented!("{expr}")
}
pub(super) fn build_predicate(expr: &Expr, ctx: &Arc<EvalContext>) -> Arc<dyn PhysicalExpr> {
    build(expr, ctx)
}
