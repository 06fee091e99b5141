//! Running plans.
//!
//! [`execute_query`] runs a SELECT, [`execute_insert`], [`execute_update`] and [`execute_delete`] change rows. Everything below the plan
//! is seen through the [`Transaction`](crate::sql::kv::Transaction) of the statement: its reads see the transaction's own
//! writes, its writes are buffered there, its locks are taken there.
//!
//! # Two roads
//!
//! The **short road** ([`short`]) works on rows of [`Datum`](crate::sql::types::Datum)s. Point reads and everything else that
//! touches few rows go here: no Arrow, no DataFusion, a few microseconds. A query on it reads at most
//! [`short::MAX_ROWS`] rows; one that turns out to need more starts again on the other road, which is possible because
//! nothing has been answered yet and the snapshot is the same.
//!
//! The **wide road** ([`wide`]) works on Arrow record batches with DataFusion's operators for joins, aggregation and sorting, with a
//! limit on memory and spilling to disk. Our own operators there are those that read tables and indexes.
//!
//! Both read tables through [`access`], compute with the same expressions, aggregate with the same accumulators where
//! MySQL's rules differ from DataFusion's, and order and group by the same memcomparable keys; so they agree.
//!
//! # Changing rows
//!
//! [`dml`] turns rows into puts, inserts and deletions of row and index keys ([`table_codec`](crate::sql::table_codec)), checks unique keys (by locking
//! them in a pessimistic transaction, at commit in an optimistic one), and keeps the entries of indexes that are not public yet as far as
//! their state demands (see [`crate::sql::ddl`]).
//!
//! A statement that meets data newer than its `for_update_ts` (error 9007) is undone and run again with a fresh
//! timestamp, here, a bounded number of times.
//!
//! # What we chose not to do
//!
//! A query runs on the thread that polls it; operators do not spawn tasks of their own. Which thread that is, is its caller's business:
//! [`is_light`] tells the plans that are done in no time, and the short road says so ([`Place::enter`]) when one reads more than expected.

pub mod access;
mod apply;
mod context;
pub mod dml;
pub mod fragment;
mod fulltext;
mod groups;
mod keys;
mod listed;
pub mod load;
mod lookup;
#[cfg(test)]
pub(crate) mod memory_store;
mod partitions;
mod profile;
mod ranges;
mod recursive;
mod retry;
mod rows;
pub mod short;
mod stored;
mod subquery;
#[cfg(test)]
pub(crate) mod tests;
mod unnest;
mod weight;
pub mod wide;
mod windows;

pub use context::{
    Anywhere, Disposed, ExecContext, ExecLimits, NoVirtualTables, Place, VirtualTables,
};
pub use dml::{AutoIds, DmlResult, KvAutoIds, execute_delete, execute_insert, execute_update};
pub use profile::Profile;
pub use rows::{Batches, RowBatch, RowStream};
pub use short::can_read_latest;
pub use stored::{StoredCalls, calls_of};
pub(crate) use subquery::ReadyPlan;
pub use weight::is_light;

use crate::common::SqlResult;
use crate::sql::expr::check_date;
use crate::sql::plan::{Counted, DateParameter, QueryPlan};

/// Error 1525 for a parameter that is no date and is compared with one.
fn check_dates(dates: &[DateParameter], ctx: &ExecContext) -> SqlResult<()> {
    for DateParameter { index, field_type } in dates {
        if let Some(value) = ctx.eval.params.get(*index) {
            check_date(value, field_type, &ctx.eval.time_rules())?;
        }
    }
    Ok(())
}

/// Runs a SELECT: on the short road if it fits there, on the wide one otherwise.
pub async fn execute_query(plan: &QueryPlan, ctx: &ExecContext) -> SqlResult<RowStream> {
    check_dates(&plan.dates, ctx)?;
    let rows = if plan.locking {
        let exact = short::has_exact_keys(&plan.root) && plan.subqueries.is_empty();
        retry::in_statement(ctx, exact, || Box::pin(run_query(plan, ctx))).await?
    } else {
        run_query(plan, ctx).await?
    };
    let Some(Counted { offset, limit }) = &plan.counted else { return Ok(rows) };
    let (offset, limit) = short::window(offset.as_ref(), Some(limit), ctx)?;
    Ok(rows.counted(offset, limit))
}

async fn run_query(plan: &QueryPlan, ctx: &ExecContext) -> SqlResult<RowStream> {
    let found = subquery::values(&plan.subqueries, ctx).await?;
    Ok(run_plan(&found.ready(&plan.root), ctx).await?.apart())
}

/// Runs an operator tree.
pub(crate) async fn run_plan(plan: &ReadyPlan<'_>, ctx: &ExecContext) -> SqlResult<RowStream> {
    ctx.check_killed()?;
    let expanded = partitions::expanded(plan, ctx)?;
    let (shown, plan) = (plan, expanded.as_ref().unwrap_or(plan));
    if let Some(profile) = &ctx.profile {
        profile.begin(shown, plan, false);
    }
    if let Some(rows) = short::run(plan, ctx).await? {
        return Ok(RowStream::rows(rows));
    }
    ctx.place.enter().await;
    if let Some(profile) = &ctx.profile {
        profile.begin(shown, plan, true);
    }
    wide::run(plan, ctx)
}
