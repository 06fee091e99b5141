//! Functions over windows: partitions of rows that come in order, and a value for each row.
//!
//! Both roads compute with this. A partition is held whole, since a frame may reach to its end; of each of its rows what is asked for
//! is computed when it is the row's turn.

mod frames;
mod sliding;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::keys;
use crate::common::SqlResult;
use crate::sql::expr::{EvalContext, Expr, WindowFunction};
use crate::sql::functions::{Place, WindowKind, WindowValue};
use crate::sql::plan::{Window, WindowCall};
use crate::sql::types::Datum;
use frames::Bounds;
use sliding::Sliding;

/// A row's values.
pub(super) type Row = Vec<Datum>;

/// Asks for memory.
pub(super) type Reserve<'r> = dyn FnMut(usize) -> SqlResult<()> + Send + 'r;

/// What is the same for all rows of a window.
pub(super) struct Windows {
    window: Arc<Window>,
    calls: Vec<Call>,
}

/// A call, with what is the same for all rows.
struct Call {
    /// The number among its arguments.
    count: u64,
    /// Its frame; without one it looks at the whole partition.
    bounds: Option<Bounds>,
}

impl Windows {
    /// Computes what is constant. Notes that a frame is ignored (3599); error 1210 or 3586 for numbers that cannot be.
    pub(super) fn new(window: &Window, ctx: &EvalContext) -> SqlResult<Windows> {
        let mut calls = Vec::with_capacity(window.calls.len());
        for call in &window.calls {
            if call.ignores_frame {
                ctx.note(crate::common::errno::WINDOW_FUNCTION_IGNORES_FRAME, ignored(call));
            }
            let bounds = match call.function.has_frame() {
                true => Some(Bounds::new(call, &window.order_by, ctx)?),
                false => None,
            };
            calls.push(Call { count: count(&call.function, ctx)?, bounds });
        }
        Ok(Windows { window: Arc::new(window.clone()), calls })
    }
}

fn ignored(call: &WindowCall) -> String {
    let (function, window) = (call.function.name(), &call.window);
    format!(
        "Window function '{function}' ignores the frame clause of window '{window}' and aggregates over the whole partition"
    )
}

/// The number among the arguments, if there is one.
fn count(function: &WindowFunction, ctx: &EvalContext) -> SqlResult<u64> {
    let WindowFunction::Own { kind, args, .. } = function else { return Ok(0) };
    let Some(count) = kind.definition().count else { return Ok(0) };
    match args.get(count.position) {
        None => Ok(count.default),
        Some(arg) => count.of(&arg.eval(&[], ctx)?, kind.definition().name),
    }
}

/// The rows of the partition that is coming in.
pub(super) struct Gathered {
    windows: Arc<Windows>,
    partition: Vec<u8>,
    order: Vec<u8>,
    rows: Vec<Row>,
    /// Where each group of peers begins.
    groups: Vec<usize>,
}

impl Gathered {
    pub(super) fn new(windows: Windows) -> Gathered {
        Gathered {
            windows: Arc::new(windows),
            partition: Vec::new(),
            order: Vec::new(),
            rows: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Takes the next row; gives the partition before it, if that ends here.
    pub(super) fn push(&mut self, row: Row, ctx: &EvalContext) -> SqlResult<Option<Partition>> {
        ctx.check_interrupted()?;
        let window = self.windows.window.clone();
        let partition = key(window.partition_by.iter(), &row, ctx)?;
        let order = key(window.order_by.iter().map(|key| &key.expr), &row, ctx)?;
        let ended = match partition == self.partition {
            true => None,
            false => self.end(),
        };
        if self.rows.is_empty() || order != self.order {
            self.groups.push(self.rows.len());
        }
        (self.partition, self.order) = (partition, order);
        self.rows.push(row);
        Ok(ended)
    }

    /// The partition that is there, if there is one.
    pub(super) fn end(&mut self) -> Option<Partition> {
        if self.rows.is_empty() {
            return None;
        }
        let rows = std::mem::take(&mut self.rows);
        Some(Partition {
            windows: self.windows.clone(),
            rows,
            groups: std::mem::take(&mut self.groups),
            next: 0,
            group: 0,
            aggregates: self.windows.window.calls.iter().map(|_| None).collect(),
        })
    }
}

/// What rows are told apart by.
fn key<'e>(
    exprs: impl Iterator<Item = &'e Expr>,
    row: &[Datum],
    ctx: &EvalContext,
) -> SqlResult<Vec<u8>> {
    let mut key = Vec::new();
    for expr in exprs {
        keys::push_key(&mut key, &expr.eval(row, ctx)?, expr.field_type())?;
    }
    Ok(key)
}

/// A whole partition, and which of its rows is next.
pub(super) struct Partition {
    windows: Arc<Windows>,
    rows: Vec<Row>,
    groups: Vec<usize>,
    next: usize,
    /// Which group of peers the next row is in, or the one before.
    group: usize,
    /// What is kept of the frames of each call that is an aggregate.
    aggregates: Vec<Option<Sliding>>,
}

impl Partition {
    /// The next row with what is computed for it behind.
    pub(super) fn next_row(
        &mut self,
        ctx: &EvalContext,
        reserve: &mut Reserve<'_>,
    ) -> SqlResult<Option<Row>> {
        ctx.check_interrupted()?;
        let row = self.next;
        if row == self.rows.len() {
            return Ok(None);
        }
        if self.groups.get(self.group + 1).is_some_and(|start| *start <= row) {
            self.group += 1;
        }
        let end = self.groups.get(self.group + 1).copied().unwrap_or(self.rows.len());
        let peers = self.groups[self.group]..end;
        let windows = self.windows.clone();
        let mut values = Vec::with_capacity(self.rows[row].len() + windows.calls.len());
        values.extend_from_slice(&self.rows[row]);
        for (number, (call, constant)) in
            windows.window.calls.iter().zip(&windows.calls).enumerate()
        {
            let frame = match &constant.bounds {
                Some(bounds) => bounds.frame(&self.rows, row, &peers, ctx)?,
                None => 0..self.rows.len(),
            };
            let place = Place {
                row,
                rows: self.rows.len(),
                peers: peers.clone(),
                group: self.group,
                frame,
            };
            values.push(match &call.function {
                WindowFunction::Own { kind, args, .. } => {
                    self.own(*kind, args, &place, constant.count, ctx)?
                }
                WindowFunction::Aggregate(aggregate) => {
                    let kept = &mut self.aggregates[number];
                    let kept = kept.get_or_insert_with(|| Sliding::new(aggregate, &call.frame));
                    kept.value(&self.rows, place.frame, ctx, reserve)?
                }
            });
        }
        self.next += 1;
        Ok(Some(values))
    }

    fn own(
        &self,
        kind: WindowKind,
        args: &[Expr],
        place: &Place,
        count: u64,
        ctx: &EvalContext,
    ) -> SqlResult<Datum> {
        match (kind.definition().value, args) {
            (WindowValue::Of(value), _) => Ok(value(place, count)),
            (WindowValue::In(find), [value, rest @ ..]) => match (find(place, count), rest) {
                (Some(row), _) => value.eval(&self.rows[row], ctx),
                (None, [_, default]) => default.eval(&self.rows[place.row], ctx),
                (None, _) => Ok(Datum::Null),
            },
            (WindowValue::In(_), []) => Ok(Datum::Null),
        }
    }
}

/// All rows at once: the short road.
pub(super) fn over_rows(window: &Window, rows: Vec<Row>, ctx: &EvalContext) -> SqlResult<Vec<Row>> {
    let mut gathered = Gathered::new(Windows::new(window, ctx)?);
    let mut all = Vec::with_capacity(rows.len());
    let mut take = |partition: Option<Partition>| -> SqlResult<()> {
        let Some(mut partition) = partition else { return Ok(()) };
        while let Some(row) = partition.next_row(ctx, &mut |_| Ok(()))? {
            all.push(row);
        }
        Ok(())
    };
    for row in rows {
        take(gathered.push(row, ctx)?)?;
    }
    take(gathered.end())?;
    Ok(all)
}

/// The first row of which something does not hold, of rows of which it holds up to some row.
fn first_not(
    rows: Range<usize>,
    mut holds: impl FnMut(usize) -> SqlResult<bool>,
) -> SqlResult<usize> {
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = usize::midpoint(low, high);
        match holds(middle)? {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}
