//! Dependent plans and repetitions over batches.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_execution::SendableRecordBatchStream;
use futures::future::BoxFuture;
use futures::stream::{StreamExt, try_unfold};

use super::batch::{batch_rows, rows_batch};
use super::source::Batches;
use crate::common::SqlResult;
use crate::sql::exec::ExecContext;
use crate::sql::exec::apply::{self, Applied};
use crate::sql::expr::to_df_error;
use crate::sql::types::{Datum, FieldType};

/// What comes in and goes out.
pub(super) struct Form {
    /// Of the batches that are given.
    pub(super) schema: SchemaRef,
    /// Of the rows that are taken.
    pub(super) types: Vec<FieldType>,
    /// How many rows a batch has about.
    pub(super) batch_rows: usize,
}

type Rows = Vec<Vec<Datum>>;
/// Makes rows of rows.
type Work = Box<dyn Fn(Rows) -> BoxFuture<'static, SqlResult<Rows>> + Send>;

/// Rows under way.
struct Rewriting {
    input: SendableRecordBatchStream,
    /// Those of the last batch that were not taken yet.
    left: std::vec::IntoIter<Vec<Datum>>,
    work: Work,
    /// How many rows are taken at once.
    chunk: usize,
    form: Form,
}

/// A left row may have many right ones: so few are taken at once.
const LEFT_ROWS: usize = 64;

/// Runs a plan for each row.
pub(super) fn apply(
    applied: Arc<Applied>,
    input: SendableRecordBatchStream,
    form: Form,
    ctx: ExecContext,
) -> Batches {
    let chunk = if applied.is_one_to_one() { form.batch_rows } else { LEFT_ROWS };
    let work: Work = Box::new(move |rows| {
        let (applied, ctx) = (applied.clone(), ctx.clone());
        Box::pin(async move { applied.rows(rows, &ctx).await })
    });
    rewrite(Rewriting { input, left: Vec::new().into_iter(), work, chunk, form })
}

/// Gives rows as often as their last column says.
pub(super) fn repeat(input: SendableRecordBatchStream, form: Form, ctx: ExecContext) -> Batches {
    let work: Work = Box::new(move |rows| {
        let ctx = ctx.clone();
        Box::pin(async move { apply::repeated(rows, &ctx) })
    });
    rewrite(Rewriting { input, left: Vec::new().into_iter(), work, chunk: LEFT_ROWS, form })
}

fn rewrite(rewriting: Rewriting) -> Batches {
    let batches = try_unfold(rewriting, |mut rewriting| async move {
        Ok(rewriting.next().await?.map(|batch| (batch, rewriting)))
    });
    batches.boxed()
}

impl Rewriting {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.left.len() == 0 {
                let Some(batch) = self.input.next().await else { return Ok(None) };
                self.left = batch_rows(&batch?, &self.form.types).into_iter();
            }
            let mut made = Vec::new();
            while made.len() < self.form.batch_rows && self.left.len() > 0 {
                let rows = self.left.by_ref().take(self.chunk).collect();
                made.extend((self.work)(rows).await.map_err(to_df_error)?);
            }
            if !made.is_empty() {
                return Ok(Some(rows_batch(&self.form.schema, &made)?));
            }
        }
    }
}
