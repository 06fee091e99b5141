//! Calls of stored functions.
//!
//! A call is a subquery of one constant row, whose value is [`Function::Stored`] of the function's id and its arguments: so it is computed where
//! subqueries are, before the statement or for each row, by whoever can wait for what the function's statements do.

use std::sync::Arc;

use async_trait::async_trait;

use super::ExecContext;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Expr, Function};
use crate::sql::plan::{PhysicalPlan, PlanNode};
use crate::sql::types::{Datum, FieldType};

/// Who runs stored functions.
#[async_trait]
pub trait StoredCalls: Send + Sync {
    /// What a function, named by its id in the schema, returns for arguments.
    async fn call(
        &self,
        function: i64,
        arguments: Vec<(Datum, FieldType)>,
        ctx: &ExecContext,
    ) -> SqlResult<Datum>;
}

/// The function that an expression calls, and with what.
pub(crate) fn stored_call(expr: &Expr) -> Option<(i64, &[Expr])> {
    let Expr::Call { function: Function::Stored, args, .. } = expr else { return None };
    let (id, arguments) = args.split_first()?;
    let Datum::Int(id) = id.as_literal()? else { return None };
    Some((*id, arguments))
}

/// The functions that a plan's own node calls.
pub fn calls_of(node: &PlanNode) -> impl Iterator<Item = i64> {
    let rows = match node {
        PlanNode::Values { rows } => rows.as_slice(),
        _ => &[],
    };
    rows.iter().flatten().filter_map(stored_call).map(|(id, _)| id)
}

/// Whether a plan calls any.
pub(super) fn calls_stored(plan: &PhysicalPlan) -> bool {
    plan.any(&mut |node| calls_of(node).next().is_some())
}

/// Constant rows, with what functions return.
pub(super) async fn values(rows: &[Vec<Expr>], ctx: &ExecContext) -> SqlResult<Vec<Vec<Datum>>> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let mut values = Vec::with_capacity(row.len());
        for expr in row {
            values.push(match stored_call(expr) {
                None => expr.eval(&[], &ctx.eval)?,
                Some((id, arguments)) => called(id, arguments, ctx).await?,
            });
        }
        found.push(values);
    }
    Ok(found)
}

async fn called(id: i64, arguments: &[Expr], ctx: &ExecContext) -> SqlResult<Datum> {
    let Some(functions) = ctx.functions.clone() else {
        return Err(SqlError::unsupported("a stored function in a statement of this kind"));
    };
    let mut given = Vec::with_capacity(arguments.len());
    for argument in arguments {
        given.push((argument.eval(&[], &ctx.eval)?, argument.field_type().clone()));
    }
    ctx.pause().await?;
    let functions: Arc<dyn StoredCalls> = functions;
    functions.call(id, given, ctx).await
}
