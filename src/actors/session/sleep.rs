//! SLEEP().

use std::time::Duration;

use super::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{EvalContext, Expr, Function};
use crate::sql::plan::{PlanNode, QueryPlan};

impl Core {
    /// Waits as long as the SLEEPs of a query without tables say. Whoever ends such a query ends its waiting: SLEEP() is 1 then, and
    /// the query goes on, unless the connection is to end as well.
    pub(super) async fn sleep(&self, query: &QueryPlan, eval: &EvalContext) -> SqlResult<()> {
        let Some(pause) = sleeps(query, eval)? else { return Ok(()) };
        let shield = self.control.shield();
        let slept = tokio::select! {
            biased;
            () = self.control.asked() => 1,
            () = tokio::time::sleep(pause) => 0,
        };
        if slept == 1 && !self.process.is_ending() {
            self.control.begin();
        }
        drop(shield);
        *eval.slept.lock() = Some(slept);
        Ok(())
    }
}

/// How long the SLEEPs of a SELECT without tables take together; `None`: it has none.
fn sleeps(query: &QueryPlan, ctx: &EvalContext) -> SqlResult<Option<Duration>> {
    let PlanNode::Project { input, exprs } = &query.root.node else { return Ok(None) };
    if !matches!(input.node, PlanNode::Dual { rows: 1 }) {
        return Ok(None);
    }
    let mut seconds = Vec::new();
    for expr in exprs {
        expr.visit(&mut |part| {
            if let Expr::Call { function: Function::Sleep, args, .. } = part {
                seconds.extend(args.first());
            }
        });
    }
    let mut pause = None;
    for expr in seconds {
        let wrong = || SqlError::new(errno::WRONG_ARGUMENTS, "Incorrect arguments to sleep.");
        let seconds = expr.eval(&[], ctx)?;
        if seconds.is_null() {
            return Err(wrong());
        }
        let slept =
            Duration::try_from_secs_f64(seconds.to_f64(ctx)?).map_err(|_negative| wrong())?;
        pause = Some(pause.unwrap_or(Duration::ZERO) + slept);
    }
    Ok(pause)
}
