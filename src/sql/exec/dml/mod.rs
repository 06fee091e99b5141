//! INSERT, REPLACE, UPDATE and DELETE.
//!
//! Each statement takes its rows in chunks. For a chunk it works out the new rows, collects the keys that must be
//! unique, asks for all of them at once (locking them in a pessimistic transaction), and then writes row by row
//! (`writer`), keeping the index entries. What the statement itself has written is seen through the transaction's
//! buffer, so that a duplicate within one statement is found like any other.

mod assign;
mod auto_ids;
mod conflicts;
mod delete;
mod duplicates;
mod insert;
mod load;
mod mirrored;
mod references;
mod through;
mod triggers;
mod update;
mod words;
mod writer;

pub use auto_ids::{AutoIds, KvAutoIds};
pub use duplicates::{duplicate_from_key, is_auto_increment_key};

use smallvec::SmallVec;

use super::{ExecContext, check_dates, retry, short};
use crate::common::SqlResult;
use crate::sql::plan::{DeletePlan, InsertPlan, InsertSource, UpdatePlan};
use crate::sql::stats::TableDelta;

/// Rows a statement works on at a time.
const CHUNK: usize = 1024;

/// What a statement has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmlResult {
    /// Rows changed, as MySQL counts them (2 for a row replaced or updated by ON DUPLICATE KEY).
    pub affected: u64,
    /// Rows that met the condition: what `affected` is to a client that set `CLIENT_FOUND_ROWS`.
    pub matched: u64,
    /// For the OK packet: the first generated value, or else the last explicit one of the AUTO_INCREMENT column.
    pub last_insert_id: u64,
    /// The first generated value, which `LAST_INSERT_ID()` answers from now on.
    pub generated_id: Option<u64>,
    /// What the client prints under the count; may be empty.
    pub info: String,
    /// What became of each table's rows, for its statistics.
    pub deltas: SmallVec<[(i64, TableDelta); 1]>,
}

/// Runs INSERT or REPLACE.
pub async fn execute_insert(plan: &InsertPlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    if let InsertSource::Query(query) = &plan.source {
        check_dates(&query.dates, ctx)?;
    }
    let alone = plan.subqueries.is_empty() && plan.target.triggers.is_none();
    let exact = !matches!(plan.source, InsertSource::Query(_)) && alone;
    retry::in_statement(ctx, exact, || Box::pin(insert::run(plan, ctx))).await
}

/// Runs UPDATE.
pub async fn execute_update(plan: &UpdatePlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    check_dates(&plan.dates, ctx)?;
    let fires = plan.tables.iter().any(|table| table.at.target.triggers.is_some());
    let alone = plan.subqueries.is_empty() && !fires;
    let exact = short::has_exact_keys(&plan.source) && alone;
    retry::in_statement(ctx, exact, || Box::pin(update::run(plan, ctx))).await
}

/// Runs DELETE.
pub async fn execute_delete(plan: &DeletePlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    check_dates(&plan.dates, ctx)?;
    let fires = plan.tables.iter().any(|table| table.target.triggers.is_some());
    let alone = plan.subqueries.is_empty() && !fires;
    let exact = short::has_exact_keys(&plan.source) && alone;
    retry::in_statement(ctx, exact, || Box::pin(delete::run(plan, ctx))).await
}

/// How many warnings the statement has raised so far.
fn warning_count(ctx: &ExecContext) -> u64 {
    ctx.eval.warning_count.load(std::sync::atomic::Ordering::Relaxed)
}
