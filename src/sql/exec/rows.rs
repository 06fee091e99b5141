//! What a query answers.

use arrow::record_batch::RecordBatch;
use datafusion_execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::{Disposed, ExecContext};
use crate::common::SqlResult;
use crate::sql::expr::from_df_error;
use crate::sql::types::Datum;

/// Some rows of the answer, in either form.
pub enum RowBatch {
    /// From the short road.
    Rows(Vec<Vec<Datum>>),
    /// From the wide road; the arrays have the columns' `arrow_type`s.
    Columns(RecordBatch),
}

impl RowBatch {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            RowBatch::Rows(rows) => rows.len(),
            RowBatch::Columns(batch) => batch.num_rows(),
        }
    }

    /// Its rows behind those that are to be passed over, as many as are to be given; both numbers become what is left of them.
    fn slice(self, passed: &mut usize, left: &mut usize) -> RowBatch {
        let first = self.len().min(*passed);
        let given = (self.len() - first).min(*left);
        *passed -= first;
        *left -= given;
        match self {
            RowBatch::Rows(mut rows) => {
                rows.truncate(first + given);
                rows.drain(..first);
                RowBatch::Rows(rows)
            }
            RowBatch::Columns(batch) => RowBatch::Columns(batch.slice(first, given)),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rows of a query, a batch at a time. Dropping it stops the query.
pub enum RowStream {
    /// Everything is here.
    Rows(Option<Vec<Vec<Datum>>>),
    /// Batches are computed as they are asked for.
    Batches {
        /// Of DataFusion's operators.
        stream: Disposed<SendableRecordBatchStream>,
        /// Looked at between batches for KILL.
        ctx: Box<ExecContext>,
    },
    /// All are counted, some are given.
    Counted {
        /// All rows.
        rows: Box<RowStream>,
        /// How many of the rows that follow are passed over.
        passed: usize,
        /// How many are given then.
        left: usize,
        /// How many there were so far.
        count: u64,
    },
}

impl RowStream {
    /// A stream of rows that are here.
    pub fn rows(rows: Vec<Vec<Datum>>) -> RowStream {
        RowStream::Rows(Some(rows))
    }

    /// The rows behind the first `offset` ones, so many at most, and a count of all.
    pub(super) fn counted(self, offset: usize, limit: usize) -> RowStream {
        RowStream::Counted { rows: Box::new(self), passed: offset, left: limit, count: 0 }
    }

    /// How many rows there were before LIMIT, if somebody asked for it; known at the end.
    pub fn found_rows(&self) -> Option<u64> {
        match self {
            RowStream::Counted { count, .. } => Some(*count),
            RowStream::Rows(_) | RowStream::Batches { .. } => None,
        }
    }

    /// A stream of batches that operators give.
    pub(super) fn batches(stream: SendableRecordBatchStream, ctx: &ExecContext) -> RowStream {
        RowStream::Batches { stream: Disposed::new(stream, ctx), ctx: Box::new(ctx.clone()) }
    }

    /// The next rows, never none; `None` at the end.
    pub async fn next_batch(&mut self) -> SqlResult<Option<RowBatch>> {
        match self {
            RowStream::Rows(rows) => {
                Ok(rows.take().filter(|rows| !rows.is_empty()).map(RowBatch::Rows))
            }
            RowStream::Batches { stream, ctx } => loop {
                ctx.pause().await?;
                match stream.next().await {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(from_df_error(error)),
                    Some(Ok(batch)) if batch.num_rows() == 0 => {}
                    Some(Ok(batch)) => return Ok(Some(RowBatch::Columns(batch))),
                }
            },
            RowStream::Counted { rows, passed, left, count } => {
                while let Some(batch) = Box::pin(rows.next_batch()).await? {
                    *count += batch.len() as u64;
                    let batch = batch.slice(passed, left);
                    if !batch.is_empty() {
                        return Ok(Some(batch));
                    }
                }
                Ok(None)
            }
        }
    }
}
