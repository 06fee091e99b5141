//! Functions over windows, and rollups, on the wide road.
//!
//! The rows of a window's input come by partition and in order (a sort below sees to that, which spills); what the window holds of them is
//! within the query's memory.

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
use crate::sql::exec::windows::{Row, Running, Windows, held_bytes};
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
        let running = Running::new(Windows::new(&self.window, &ctx.eval)?);
        let run = Run {
            over: self.clone(),
            running: Disposed::new(running, ctx),
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
    running: Disposed<Running>,
    /// For the rows that are held.
    memory: MemoryReservation,
    input: SendableRecordBatchStream,
    /// Rows read and not yet taken.
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
        while rows.len() < self.batch_rows && bytes < BATCH_BYTES {
            let memory = &self.memory;
            let mut reserve = |bytes: usize| memory.try_grow(bytes).map_err(from_df_error);
            let row = self.running.next_row(&self.ctx.eval, &mut reserve);
            let row = row.map_err(to_df_error)?;
            self.memory.shrink(self.running.take_freed());
            match row {
                Some(row) => {
                    bytes += row_bytes(&row);
                    rows.push(row);
                }
                None if self.ended && self.read.len() == 0 => break,
                None => self.take().await?,
            }
        }
        self.ctx.pause().await.map_err(to_df_error)?;
        if rows.is_empty() {
            return Ok(None);
        }
        rows_batch(&self.over.output, &rows).map(Some)
    }

    /// Takes the next row of the input, or its end.
    async fn take(&mut self) -> Result<()> {
        while self.read.len() == 0 {
            self.ctx.pause().await.map_err(to_df_error)?;
            let Some(batch) = self.input.next().await else {
                self.ended = true;
                self.running.end();
                return Ok(());
            };
            self.read = batch_rows(&batch?, &self.over.input).into_iter();
        }
        if let Some(row) = self.read.next() {
            self.memory.try_grow(held_bytes(&row))?;
            self.running.push(row, &self.ctx.eval).map_err(to_df_error)?;
        }
        Ok(())
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
