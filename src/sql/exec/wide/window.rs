//! Functions over windows, and rollups, on the wide road.
//!
//! The rows of a window's input come by partition and in order (a sort below sees to that, which spills); a partition is held whole, within the
//! query's memory.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array, new_null_array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use futures::stream::{StreamExt, TryStreamExt};

use super::batch::{batch_rows, rows_batch, schema_of};
use super::source::{BATCH_BYTES, Batches, row_bytes};
use crate::common::SqlResult;
use crate::sql::exec::windows::{Gathered, Partition, Row, Windows};
use crate::sql::exec::{Disposed, ExecContext, short};
use crate::sql::expr::{Expr, from_df_error, physical, to_df_error};
use crate::sql::plan::{PhysicalPlan, Window};
use crate::sql::types::FieldType;

/// A window over an input.
pub(super) struct WindowOver {
    window: Window,
    input: Vec<FieldType>,
    output: SchemaRef,
}

impl WindowOver {
    pub(super) fn new(window: &Window, plan: &PhysicalPlan, input: &PhysicalPlan) -> WindowOver {
        WindowOver {
            window: window.clone(),
            input: input.schema.clone(),
            output: schema_of(&plan.schema),
        }
    }

    pub(super) fn run(
        self: &Arc<WindowOver>,
        input: SendableRecordBatchStream,
        task: &TaskContext,
        ctx: &ExecContext,
    ) -> SqlResult<Batches> {
        let memory = MemoryConsumer::new("Window").register(task.memory_pool());
        let run = Run {
            over: self.clone(),
            gathered: Disposed::new(Gathered::new(Windows::new(&self.window, &ctx.eval)?), ctx),
            gathered_bytes: 0,
            partition: None,
            partition_bytes: 0,
            memory,
            input,
            read: Vec::new().into_iter(),
            ended: false,
            batch_rows: task.session_config().batch_size(),
            ctx: ctx.clone(),
        };
        Ok(futures::stream::try_unfold(run, |mut run| async move {
            Ok(run.next().await?.map(|batch| (batch, run)))
        })
        .boxed())
    }
}

struct Run {
    over: Arc<WindowOver>,
    /// The partition that comes in.
    gathered: Disposed<Gathered>,
    gathered_bytes: usize,
    /// The one whose rows are given.
    partition: Option<Disposed<Partition>>,
    partition_bytes: usize,
    memory: MemoryReservation,
    input: SendableRecordBatchStream,
    /// Rows read and not yet gathered.
    read: std::vec::IntoIter<Row>,
    ended: bool,
    batch_rows: usize,
    ctx: ExecContext,
}

impl Run {
    /// The next rows; `None` at the end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut rows: Vec<Row> = Vec::new();
        let mut bytes = 0;
        loop {
            while let Some(partition) = &mut self.partition {
                let memory = &self.memory;
                let before = memory.size();
                let mut reserve = |bytes: usize| memory.try_grow(bytes).map_err(from_df_error);
                let row = partition.next_row(&self.ctx.eval, &mut reserve);
                self.partition_bytes += self.memory.size() - before;
                let Some(row) = row.map_err(to_df_error)? else {
                    self.partition = None;
                    self.memory.shrink(std::mem::take(&mut self.partition_bytes));
                    break;
                };
                bytes += row_bytes(&row);
                rows.push(row);
                if rows.len() >= self.batch_rows || bytes >= BATCH_BYTES {
                    self.ctx.pause().await.map_err(to_df_error)?;
                    return rows_batch(&self.over.output, &rows).map(Some);
                }
            }
            if self.ended {
                return match rows.is_empty() {
                    true => Ok(None),
                    false => rows_batch(&self.over.output, &rows).map(Some),
                };
            }
            self.gather().await?;
        }
    }

    /// Takes in rows until a partition is whole.
    async fn gather(&mut self) -> Result<()> {
        loop {
            for row in self.read.by_ref() {
                let bytes = row_bytes(&row) + size_of::<Row>();
                self.memory.try_grow(bytes)?;
                let whole = self.gathered.push(row, &self.ctx.eval).map_err(to_df_error)?;
                if let Some(whole) = whole {
                    self.partition = Some(Disposed::new(whole, &self.ctx));
                    self.partition_bytes = std::mem::replace(&mut self.gathered_bytes, bytes);
                    return Ok(());
                }
                self.gathered_bytes += bytes;
            }
            self.ctx.pause().await.map_err(to_df_error)?;
            match self.input.next().await {
                Some(batch) => self.read = batch_rows(&batch?, &self.over.input).into_iter(),
                None => {
                    self.ended = true;
                    let whole = self.gathered.end();
                    self.partition = whole.map(|whole| Disposed::new(whole, &self.ctx));
                    self.partition_bytes = std::mem::take(&mut self.gathered_bytes);
                    return Ok(());
                }
            }
        }
    }
}

/// The keys of a rollup.
pub(super) struct Rollup {
    keys: Vec<Arc<dyn PhysicalExpr>>,
    output: SchemaRef,
}

impl Rollup {
    pub(super) fn new(keys: &[Expr], plan: &PhysicalPlan, ctx: &ExecContext) -> Rollup {
        let keys = keys.iter().map(|key| physical(key, &ctx.eval)).collect();
        Rollup { keys, output: schema_of(&plan.schema) }
    }

    pub(super) fn run(
        self: &Arc<Rollup>,
        input: SendableRecordBatchStream,
        ctx: &ExecContext,
    ) -> Batches {
        let (rollup, ctx) = (self.clone(), ctx.clone());
        let batches = input.and_then(move |batch| {
            let (rollup, ctx) = (rollup.clone(), ctx.clone());
            async move {
                ctx.pause().await.map_err(to_df_error)?;
                Ok(futures::stream::iter(rollup.parts(&batch)?.into_iter().map(Ok)))
            }
        });
        batches.try_flatten().boxed()
    }

    /// The batch once for every number of keys that are left out.
    fn parts(&self, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = batch.num_rows();
        let keys = self.keys.iter().map(|key| key.evaluate(batch)?.into_array(rows));
        let keys = keys.collect::<Result<Vec<ArrayRef>>>()?;
        let part = |left: usize| {
            let mut columns = batch.columns().to_vec();
            columns.extend_from_slice(&keys[..left]);
            columns.extend(keys[left..].iter().map(|key| new_null_array(key.data_type(), rows)));
            let number = short::left_out(left, keys.len());
            columns.push(Arc::new(UInt64Array::from_value(number, rows)));
            Ok(RecordBatch::try_new(self.output.clone(), columns)?)
        };
        (0..=keys.len()).rev().map(part).collect()
    }
}
