//! The wide road: DataFusion's operators over Arrow record batches.
//!
//! [`build`](build::build) turns a plan into a tree of `ExecutionPlan`s: DataFusion's own for filters, projections, joins,
//! aggregation, sorting and limits; ours (`source`) where tables are read. Every operator has one partition, so the whole tree runs in
//! the task that polls its stream, and stops when that is dropped.
//!
//! What DataFusion cannot know of MySQL is put into the tree as expressions: a string whose collation is not plain
//! bytes is joined, grouped, sorted and compared by its sort key (`sort_key`), a binary column computed where it is needed.

mod aggregate;
mod applied;
mod assigning;
mod batch;
mod build;
mod join;
mod not_in;
mod pool;
mod profiled;
mod sort_key;
mod source;
mod unnest;
mod watched;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use datafusion_execution::TaskContext;
use datafusion_execution::config::SessionConfig;
use datafusion_execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion_execution::runtime_env::RuntimeEnvBuilder;
use futures::{StreamExt as _, TryStreamExt as _};

pub(super) use batch::batch_rows;

use super::{ExecContext, ReadyPlan, RowStream};
use crate::common::SqlResult;
use crate::sql::expr::from_df_error;
use pool::QueryPool;

/// Rows of a batch.
const BATCH_ROWS: usize = 4096;

/// Starts a plan.
pub(super) fn run(plan: &ReadyPlan<'_>, ctx: &ExecContext) -> SqlResult<RowStream> {
    let tree = build::build(plan, ctx)?;
    let rows = if assigning::plan_assigns(plan) { 1 } else { BATCH_ROWS };
    let task = Arc::new(task_context(ctx, rows)?);
    let stream = tree.execute(0, task).map_err(from_df_error)?;
    let batches = stream.map_err(from_df_error).boxed();
    Ok(RowStream::batches(batches, ctx))
}

/// What DataFusion's operators run with: batches of so many rows, memory and disk within the query's limits.
fn task_context(ctx: &ExecContext, batch_rows: usize) -> SqlResult<TaskContext> {
    let limits = &ctx.limits;
    static CONFIG: OnceLock<SessionConfig> = OnceLock::new();
    let config = CONFIG
        .get_or_init(|| SessionConfig::new().with_batch_size(BATCH_ROWS).with_target_partitions(1));
    let config = match batch_rows {
        BATCH_ROWS => config.clone(),
        other => config.clone().with_batch_size(other),
    };
    let mode = match &limits.spill_dir {
        Some(directory) => DiskManagerMode::Directories(vec![directory.clone()]),
        None => DiskManagerMode::Disabled,
    };
    let disk = DiskManagerBuilder::default()
        .with_mode(mode)
        .with_max_temp_directory_size(limits.spill_bytes);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(QueryPool::new(limits.memory_bytes, &ctx.eval)))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(from_df_error)?;
    Ok(TaskContext::new(
        None,
        String::new(),
        config,
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        runtime,
    ))
}
