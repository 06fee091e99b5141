//! Plans that assign user variables: `SELECT @n := @n + 1, @n FROM t`.
//!
//! MySQL takes a row through the whole statement before the next, and its expressions from left to right. Here that holds
//! if operators pass on one row at a time and a projection computes row by row.

use futures::stream::{StreamExt, TryStreamExt};

use super::batch::{batch_rows, rows_batch, schema_of};
use super::source::Batches;
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, Function, to_df_error};
use crate::sql::plan::PhysicalPlan;
use crate::sql::types::FieldType;
use datafusion_execution::SendableRecordBatchStream;

/// Whether an expression assigns a variable.
pub(super) fn assigns(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |node| {
        found |= matches!(node, Expr::Call { function: Function::SetUserVar, .. });
    });
    found
}

/// Whether an expression reads or assigns a variable.
pub(super) fn has_variables(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |node| {
        found |= matches!(
            node,
            Expr::Call { function: Function::SetUserVar | Function::GetUserVar, .. }
        );
    });
    found
}

/// Whether an expression anywhere in a plan does.
pub(super) fn plan_assigns(plan: &PhysicalPlan) -> bool {
    plan.any(&mut |node| node.any_expr(assigns))
}

/// A projection, row by row and from left to right.
pub(super) struct Projection {
    exprs: Vec<Expr>,
    input: Vec<FieldType>,
}

impl Projection {
    pub(super) fn new(exprs: &[Expr], input: &PhysicalPlan) -> Projection {
        Projection { exprs: exprs.to_vec(), input: input.schema.clone() }
    }

    pub(super) fn run(&self, input: SendableRecordBatchStream, ctx: &ExecContext) -> Batches {
        let (exprs, types, ctx) = (self.exprs.clone(), self.input.clone(), ctx.clone());
        let given: Vec<FieldType> = exprs.iter().map(|expr| expr.field_type().clone()).collect();
        let schema = schema_of(&given);
        input
            .and_then(move |batch| {
                let rows = batch_rows(&batch, &types)
                    .into_iter()
                    .map(|row| exprs.iter().map(|expr| expr.eval(&row, &ctx.eval)).collect());
                let projected = rows
                    .collect::<Result<Vec<Vec<_>>, _>>()
                    .map_err(to_df_error)
                    .and_then(|rows| rows_batch(&schema, &rows));
                std::future::ready(projected)
            })
            .boxed()
    }
}
