//! What a query answers.

use std::pin::pin;

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::BoxStream;

use super::{Disposed, ExecContext};
use crate::common::SqlResult;
use crate::sql::types::Datum;

/// Batches as operators give them.
pub type Batches = BoxStream<'static, SqlResult<RecordBatch>>;

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
        stream: Disposed<Batches>,
        /// Looked at between batches for KILL.
        ctx: Box<ExecContext>,
        /// Whether somebody else computes them, so that the statement may turn away from one in hand.
        is_apart: bool,
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
    pub(super) fn batches(stream: Batches, ctx: &ExecContext) -> RowStream {
        let ctx = Box::new(ctx.clone());
        RowStream::Batches { stream: Disposed::new(stream, &ctx), ctx, is_apart: false }
    }

    /// The same rows, of which the statement need not wait for when it is to end, whatever the operators do.
    ///
    /// For what runs once in a statement: it costs a change of threads each batch. A part of a statement (a query of a stored function, which may
    /// run for each row) stays with it: the interrupt wakes one task, and that is the statement's.
    pub(super) fn apart(self) -> RowStream {
        match self {
            RowStream::Batches { stream, ctx, is_apart: false } if !ctx.within => {
                let stream = Disposed::new(ctx.place.apart(stream.into_inner()), &ctx);
                RowStream::Batches { stream, ctx, is_apart: true }
            }
            other
            @ (RowStream::Rows(_) | RowStream::Batches { .. } | RowStream::Counted { .. }) => other,
        }
    }

    /// The next rows, never none; `None` at the end.
    pub async fn next_batch(&mut self) -> SqlResult<Option<RowBatch>> {
        match self {
            RowStream::Rows(rows) => {
                Ok(rows.take().filter(|rows| !rows.is_empty()).map(RowBatch::Rows))
            }
            RowStream::Batches { stream, ctx, is_apart } => loop {
                ctx.pause().await?;
                let next = match is_apart {
                    false => stream.next().await,
                    true => match select(stream.next(), pin!(ctx.eval.interrupt.raised())).await {
                        Either::Left((next, _)) => next,
                        Either::Right(_) => continue,
                    },
                };
                let Some(batch) = next.transpose()? else { return Ok(None) };
                if batch.num_rows() > 0 {
                    return Ok(Some(RowBatch::Columns(batch)));
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
