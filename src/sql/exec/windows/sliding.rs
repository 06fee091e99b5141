//! Aggregates of frames that move with the row.
//!
//! No aggregate can take a row back. A frame that begins where the partition does only grows: it is aggregated as it goes. For others, rows
//! up to some row, the pivot, are aggregated from the pivot backwards, so that what is left of them is at hand whenever the frame
//! begins later, and those from the pivot on forwards; the two together are the frame. When the frame has left the rows before the pivot, its end is
//! the next one. So each row is taken in twice, however long frames are.

use std::ops::Range;

use super::partition::Rows;
use super::{Reserve, Row};
use crate::common::SqlResult;
use crate::sql::expr::{Aggregate, EvalContext};
use crate::sql::functions::Accumulator;
use crate::sql::plan::{Frame, FrameBound};
use crate::sql::types::Datum;

/// Frames of at most so many rows are aggregated anew each time.
const SHORT: usize = 64;

/// What is kept of an aggregate's frames in one partition.
pub(super) struct Sliding {
    aggregate: Aggregate,
    /// All frames begin with the partition.
    grows: bool,
    /// The frame before, and its value.
    last: Option<(Range<usize>, Datum)>,
    /// Those from each row before the pivot up to it, the last row's first.
    before: Vec<Accumulator>,
    pivot: usize,
    /// The rows from the pivot up to `end`.
    from_pivot: Accumulator,
    end: usize,
}

impl Sliding {
    pub(super) fn new(aggregate: &Aggregate, frame: &Frame) -> Sliding {
        Sliding {
            grows: frame.start == FrameBound::UnboundedPreceding,
            last: None,
            before: Vec::new(),
            pivot: 0,
            from_pivot: Accumulator::new(aggregate),
            end: 0,
            aggregate: aggregate.clone(),
        }
    }

    /// The aggregate of a frame. Frames begin, and end, never earlier than the ones before.
    pub(super) fn value(
        &mut self,
        rows: &Rows,
        frame: Range<usize>,
        ctx: &EvalContext,
        reserve: &mut Reserve<'_>,
    ) -> SqlResult<Datum> {
        if let Some((last, value)) = &self.last
            && *last == frame
        {
            return Ok(value.clone());
        }
        let value = if self.grows {
            self.extend(rows, frame.end, ctx)?;
            self.from_pivot.clone().finish(ctx)?
        } else if frame.len() <= SHORT {
            let mut accumulator = Accumulator::new(&self.aggregate);
            for row in frame.clone() {
                self.add(&mut accumulator, rows.get(row), ctx)?;
            }
            accumulator.finish(ctx)?
        } else {
            self.slide(rows, &frame, ctx, reserve)?
        };
        self.last = Some((frame, value.clone()));
        Ok(value)
    }

    fn add(&self, accumulator: &mut Accumulator, row: &Row, ctx: &EvalContext) -> SqlResult<()> {
        ctx.check_interrupted()?;
        let args = self.aggregate.args.iter().map(|arg| arg.eval(row, ctx));
        accumulator.add(&args.collect::<SqlResult<Vec<Datum>>>()?, ctx)
    }

    /// Takes in the rows from the pivot on, up to `end`.
    fn extend(&mut self, rows: &Rows, end: usize, ctx: &EvalContext) -> SqlResult<()> {
        if end > self.end {
            let mut accumulator =
                std::mem::replace(&mut self.from_pivot, Accumulator::new(&self.aggregate));
            for row in self.end..end {
                self.add(&mut accumulator, rows.get(row), ctx)?;
            }
            (self.from_pivot, self.end) = (accumulator, end);
        }
        Ok(())
    }

    fn slide(
        &mut self,
        rows: &Rows,
        frame: &Range<usize>,
        ctx: &EvalContext,
        reserve: &mut Reserve<'_>,
    ) -> SqlResult<Datum> {
        if frame.start >= self.pivot {
            let len = frame.len();
            if len > self.before.capacity() {
                reserve((len - self.before.capacity()) * size_of::<Accumulator>())?;
            }
            self.before.clear();
            let mut behind = Accumulator::new(&self.aggregate);
            for row in frame.clone().rev() {
                // The row first: of equal values the first one counts.
                let mut from_row = Accumulator::new(&self.aggregate);
                self.add(&mut from_row, rows.get(row), ctx)?;
                from_row.merge(&behind.encode()?, ctx)?;
                self.before.push(from_row.clone());
                behind = from_row;
            }
            (self.pivot, self.end) = (frame.end, frame.end);
            self.from_pivot = Accumulator::new(&self.aggregate);
        }
        self.extend(rows, frame.end, ctx)?;
        let mut whole = self.before[self.pivot - frame.start - 1].clone();
        whole.merge(&self.from_pivot.encode()?, ctx)?;
        whole.finish(ctx)
    }
}
