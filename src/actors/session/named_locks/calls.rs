//! Calls of GET_LOCK and its kin: they wait, which an expression cannot. So before a SELECT without tables, SET or DO is computed
//! each such call in it is made, and replaced by its answer.

use std::time::Duration;

use super::wrong_name;
use crate::actors::session::core::Core;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{EvalContext, Expr, Function};
use crate::sql::plan::{PhysicalPlan, PlanNode, QueryPlan};
use crate::sql::types::Datum;

/// The longest wait; MySQL's too, about 68 years.
const LONGEST_WAIT: f64 = 2_147_483_647.0;

impl Core {
    /// The query with the answers of its calls; `None`: there are none.
    pub(in crate::actors::session) async fn with_locks(
        &self,
        query: &QueryPlan,
        eval: &EvalContext,
    ) -> SqlResult<Option<QueryPlan>> {
        let subqueries = query.subqueries.iter().map(|subplan| &subplan.plan);
        if !subqueries.chain([&query.root]).any(calls_locks) {
            return Ok(None);
        }
        let mut query = query.clone();
        // Subqueries run first.
        let subqueries = query.subqueries.iter_mut().map(|subplan| &mut subplan.plan);
        for plan in subqueries.chain([&mut query.root]) {
            if !calls_locks(plan) {
                continue;
            }
            if let PlanNode::Project { exprs, .. } = &mut plan.node {
                for expr in exprs {
                    *expr = self.make_calls(expr, eval).await?;
                }
            }
        }
        Ok(Some(query))
    }

    /// Makes the calls in an expression, one after the other.
    async fn make_calls(&self, expr: &Expr, eval: &EvalContext) -> SqlResult<Expr> {
        let mut expr = expr.clone();
        while let Some(path) = next_call(&expr, eval)? {
            let place = path.iter().try_fold(&mut expr, |expr, at| match expr {
                Expr::Call { args, .. } => args.get_mut(*at),
                _ => None,
            });
            let Some(Expr::Call { function, args, field_type }) = place.as_deref() else {
                return Err(SqlError::internal("a call of a lock that is not there"));
            };
            let (function, field_type) = (*function, field_type.clone());
            let values: Vec<Datum> =
                args.iter().map(|arg| arg.eval(&[], eval)).collect::<SqlResult<_>>()?;
            let value = self.call(function, &values, eval).await?;
            if let Some(place) = place {
                *place = Expr::Literal { value, field_type };
            }
        }
        Ok(expr)
    }

    async fn call(
        &self,
        function: Function,
        args: &[Datum],
        eval: &EvalContext,
    ) -> SqlResult<Datum> {
        let locks = &self.services.locks;
        let connection = self.process.id;
        if function == Function::ReleaseAllLocks {
            return locks.release_all(connection).await.map(Datum::UInt);
        }
        let name = match args.first() {
            Some(name) if !name.is_null() => name.to_text(),
            _ => return Err(wrong_name("NULL")),
        };
        let flag = |held: bool| Datum::Int(held.into());
        Ok(match function {
            Function::GetLock => {
                let seconds = args.get(1).map_or(Ok(0.0), |seconds| seconds.to_f64(eval))?;
                let wait = (0.0..LONGEST_WAIT)
                    .contains(&seconds)
                    .then(|| Duration::from_secs_f64(seconds.round()));
                flag(locks.get(connection, &name, wait).await?)
            }
            Function::ReleaseLock => {
                locks.release(connection, &name).await?.map_or(Datum::Null, flag)
            }
            Function::IsFreeLock => flag(locks.owner(&name).await?.is_none()),
            _ => {
                let owner = locks.owner(&name).await?;
                owner.map_or(Datum::Null, |owner| Datum::UInt(owner.into()))
            }
        })
    }
}

/// Where the call is that is to be made next: those in arguments first, and of IF, AND and OR only those that would be computed.
fn next_call(expr: &Expr, eval: &EvalContext) -> SqlResult<Option<Vec<usize>>> {
    let Expr::Call { function, args, .. } = expr else { return Ok(None) };
    let holds = |arg: &Expr| -> SqlResult<Option<bool>> { arg.eval(&[], eval)?.to_bool(eval) };
    for (at, arg) in args.iter().enumerate() {
        // What comes before has no calls any more, so it can be computed.
        let unwanted = match (function, at) {
            _ if !has_call(arg) => true,
            (Function::If, 1 | 2) => (holds(&args[0])? == Some(true)) != (at == 1),
            (Function::And | Function::Or, 1..) => {
                let decides = Some(*function == Function::Or);
                let mut decided = false;
                for earlier in &args[..at] {
                    decided = holds(earlier)? == decides;
                    if decided {
                        break;
                    }
                }
                decided
            }
            _ => false,
        };
        if !unwanted && let Some(mut path) = next_call(arg, eval)? {
            path.insert(0, at);
            return Ok(Some(path));
        }
    }
    Ok(function.is_named_lock().then(Vec::new))
}

/// Whether it is a row without a table, computed with calls.
fn calls_locks(plan: &PhysicalPlan) -> bool {
    let PlanNode::Project { input, exprs } = &plan.node else { return false };
    matches!(input.node, PlanNode::Dual { rows: 1 }) && exprs.iter().any(has_call)
}

fn has_call(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |part| {
        found |= matches!(part, Expr::Call { function, .. } if function.is_named_lock());
    });
    found
}
