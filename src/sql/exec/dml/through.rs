//! WITH CHECK OPTION: what a view asks of the rows that are written through it.

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::exec::ExecContext;
use crate::sql::plan::ThroughView;
use crate::sql::types::Datum;

/// Whether a row may be written: error 1369 if the view would not show it, or under IGNORE a warning, and the row is left as it is.
pub(super) fn passes(
    through: Option<&ThroughView>,
    row: &[Datum],
    ctx: &ExecContext,
) -> SqlResult<bool> {
    let Some(ThroughView { database, view, check: Some(check) }) = through else {
        return Ok(true);
    };
    if check.eval(row, &ctx.eval)?.to_bool(&ctx.eval)? == Some(true) {
        return Ok(true);
    }
    let message = format!("CHECK OPTION failed '{database}.{view}'");
    if !ctx.eval.ignore {
        return Err(SqlError::new(errno::VIEW_CHECK_FAILED, message));
    }
    ctx.eval.warn(errno::VIEW_CHECK_FAILED, message);
    Ok(false)
}
