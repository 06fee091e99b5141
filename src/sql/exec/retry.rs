//! Running a statement again that met newer data.

use futures::future::BoxFuture;

use super::ExecContext;
use crate::common::{SqlError, SqlResult, errno};

/// How often a statement is run at most. Every run takes locks it keeps, so that one after a few attempts has them all.
const MAX_ATTEMPTS: usize = 64;

/// Whether the statement (not the transaction) may simply be run again with a fresh timestamp: a pessimistic
/// transaction met a key that was committed after its `for_update_ts`.
pub fn is_retryable_in_statement(error: &SqlError) -> bool {
    error.code == errno::WRITE_CONFLICT
}

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
    let mut attempt = 0;
    loop {
        let savepoint = ctx.txn.begin_statement();
        if ctx.txn.is_pessimistic() {
            if attempt > 0 || !exact_keys {
                ctx.txn.use_current_read().await?;
            } else {
                ctx.txn.use_locked_read();
            }
        }
        let warnings = ctx.eval.warnings.lock().len();
        attempt += 1;
        match run().await {
            Err(error)
                if attempt < MAX_ATTEMPTS
                    && ctx.txn.is_pessimistic()
                    && is_retryable_in_statement(&error) =>
            {
                ctx.txn.rollback_to(savepoint);
                ctx.eval.warnings.lock().truncate(warnings);
                ctx.check_killed()?;
            }
            Err(error) => {
                ctx.txn.rollback_to(savepoint);
                return Err(error);
            }
            Ok(done) => return Ok(done),
        }
    }
}
