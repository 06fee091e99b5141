//! The rows of documents, batch by batch.

use std::sync::Arc;

use datafusion_execution::SendableRecordBatchStream;
use futures::stream::{StreamExt, TryStreamExt};

use super::batch::{batch_rows, rows_batch, schema_of};
use super::source::Batches;
use crate::common::SqlResult;
use crate::sql::exec::ExecContext;
use crate::sql::exec::unnest::Unnest;
use crate::sql::expr::to_df_error;
use crate::sql::plan::PhysicalPlan;
use crate::sql::types::FieldType;

/// A batch ends with the first row's rows that make it as long.
const BATCH_ROWS: usize = 4096;

/// An `Unnest` over batches.
pub(super) struct UnnestBatches {
    unnest: Unnest,
    input: Vec<FieldType>,
    output: Vec<FieldType>,
}

impl UnnestBatches {
    pub(super) fn new(plan: &PhysicalPlan, input: &PhysicalPlan) -> SqlResult<UnnestBatches> {
        let unnest = Unnest::new(&plan.node)?;
        Ok(UnnestBatches { unnest, input: input.schema.clone(), output: plan.schema.clone() })
    }

    pub(super) fn run(
        self: Arc<UnnestBatches>,
        input: SendableRecordBatchStream,
        ctx: ExecContext,
    ) -> Batches {
        let schema = schema_of(&self.output);
        input
            .map_ok(move |batch| {
                let rows = batch_rows(&batch, &self.input).into_iter();
                let (node, ctx, schema) = (self.clone(), ctx.clone(), schema.clone());
                futures::stream::try_unfold(rows, move |mut rows| {
                    let (node, ctx, schema) = (node.clone(), ctx.clone(), schema.clone());
                    async move {
                        let mut given = Vec::new();
                        for row in rows.by_ref() {
                            ctx.pause().await.map_err(to_df_error)?;
                            node.unnest.add(&row, &mut given, &ctx).map_err(to_df_error)?;
                            if given.len() >= BATCH_ROWS {
                                break;
                            }
                        }
                        if given.is_empty() {
                            return Ok(None);
                        }
                        Ok(Some((rows_batch(&schema, &given)?, rows)))
                    }
                })
            })
            .try_flatten()
            .boxed()
    }
}
