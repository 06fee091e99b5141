//! NOT IN by hash with its list in memory.
//!
//! Whether a row is certainly not in a list depends on more than its key: nothing is certainly not in a list with NULL, NULL is not in an
//! empty list only. The list's rows are seen before the first of the others, so that what has been noted of them is complete then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_execution::SendableRecordBatchStream;
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use futures::stream::{StreamExt, TryStreamExt};

use super::source::Batches;
use crate::common::SqlError;
use crate::sql::exec::ExecContext;
use crate::sql::expr::to_df_error;

/// What is known of a list.
#[derive(Debug, Default)]
pub(super) struct NotInList {
    has_rows: AtomicBool,
    has_null: AtomicBool,
    complete: AtomicBool,
}

impl NotInList {
    /// The list's rows, which are looked at on their way.
    pub(super) fn note(
        self: &Arc<NotInList>,
        key: &Arc<dyn PhysicalExpr>,
        rows: SendableRecordBatchStream,
        ctx: &ExecContext,
    ) -> Batches {
        let (list, key, ctx) = (self.clone(), key.clone(), ctx.clone());
        let end = self.clone();
        let noted = rows.then(move |batch| {
            let (list, key, ctx) = (list.clone(), key.clone(), ctx.clone());
            async move {
                ctx.pause().await.map_err(to_df_error)?;
                let batch = batch?;
                list.has_rows.fetch_or(batch.num_rows() > 0, Ordering::Relaxed);
                let keys = key.evaluate(&batch)?.into_array(batch.num_rows())?;
                list.has_null.fetch_or(keys.logical_null_count() > 0, Ordering::Relaxed);
                Ok(batch)
            }
        });
        let done = futures::stream::poll_fn(move |_| {
            end.complete.store(true, Ordering::Relaxed);
            std::task::Poll::Ready(None)
        });
        noted.chain(done).boxed()
    }

    /// Those of other rows that are not in the list, if they are not among its values.
    pub(super) fn possible(
        self: &Arc<NotInList>,
        key: &Arc<dyn PhysicalExpr>,
        rows: SendableRecordBatchStream,
        ctx: &ExecContext,
    ) -> Batches {
        let (list, key, ctx) = (self.clone(), key.clone(), ctx.clone());
        let batches = rows.try_filter_map(move |batch| {
            let (list, key, ctx) = (list.clone(), key.clone(), ctx.clone());
            async move {
                ctx.pause().await.map_err(to_df_error)?;
                list.filter(&key, batch)
            }
        });
        batches.boxed()
    }

    fn filter(
        &self,
        key: &Arc<dyn PhysicalExpr>,
        batch: RecordBatch,
    ) -> Result<Option<RecordBatch>> {
        if !self.complete.load(Ordering::Relaxed) {
            return Err(to_df_error(SqlError::internal("NOT IN before its list is known")));
        }
        if self.has_null.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if !self.has_rows.load(Ordering::Relaxed) {
            return Ok(Some(batch));
        }
        let keys = key.evaluate(&batch)?.into_array(batch.num_rows())?;
        let Some(valid) = keys.logical_nulls() else { return Ok(Some(batch)) };
        Ok(Some(filter_record_batch(&batch, &BooleanArray::new(valid.into_inner(), None))?))
    }
}
