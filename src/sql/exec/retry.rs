//! Running a statement again that met newer data.

use futures::future::BoxFuture;

use super::ExecContext;
use crate::common::SqlResult;
use crate::common::retry::{self, Decision, Unit};

/// Runs a locking or writing statement; in a pessimistic transaction again after a conflict, reading current data then. What the failed
/// run wrote is undone, the locks it took stay.
///
/// A statement that knows the `exact_keys` it works on, and reads nothing else, reads as of the last locking at first: if that is too old the
/// locks tell. Any other one could miss new rows that way, and reads current data at once.
pub(super) async fn in_statement<'a, T>(
    ctx: &'a ExecContext,
    exact_keys: bool,
    mut run: impl FnMut() -> BoxFuture<'a, SqlResult<T>>,
) -> SqlResult<T> {
    let unit = match ctx.txn.is_pessimistic() {
        true => Unit::LockingStatement,
        false => Unit::Statement,
    };
    let mut runs = 0;
    loop {
        let savepoint = ctx.txn.begin_statement();
        if unit == Unit::LockingStatement {
            if runs > 0 || !exact_keys {
                ctx.txn.use_current_read().await?;
            } else {
                ctx.txn.use_locked_read();
            }
        }
        let warnings = ctx.eval.mark_warnings();
        runs += 1;
        let error = match run().await {
            Err(error) => error,
            done => return done,
        };
        if retry::decide(unit, error.class(), runs) == Decision::GiveUp {
            ctx.txn.rollback_to(savepoint);
            return Err(error);
        }
        ctx.txn.run_again_from(savepoint);
        ctx.eval.back_to(warnings);
        ctx.check_killed()?;
    }
}
