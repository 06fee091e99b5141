//! Functions over windows: partitions of rows that come in order, and a value for each row.
//!
//! Both roads compute with this. A row's values are computed as soon as the rows that they are of are there, and rows that none of the
//! values to come is of are forgotten: running totals and row numbers hold no more than a few rows of their partition, what
//! reaches to the partition's end holds all of it.

mod frames;
mod partition;
mod sliding;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::keys;
use crate::common::SqlResult;
use crate::sql::expr::{EvalContext, Expr, WindowFunction};
use crate::sql::functions::Reach;
use crate::sql::plan::{Window, WindowCall};
use crate::sql::types::Datum;
use frames::Bounds;
use partition::Partition;

/// A row's values.
pub(super) type Row = Vec<Datum>;

/// Asks for memory.
pub(super) type Reserve<'r> = dyn FnMut(usize) -> SqlResult<()> + Send + 'r;

/// Roughly the bytes that a row takes.
pub(super) fn held_bytes(row: &Row) -> usize {
    let values: usize = row.iter().map(Datum::held_bytes).sum();
    size_of::<Row>() + row.capacity() * size_of::<Datum>() + values
}

/// What is the same for all rows of a window.
pub(super) struct Windows {
    window: Window,
    calls: Vec<Call>,
    /// The rows around a row that its values are of; `None`: all of the partition.
    around: Option<Around>,
}

/// A call, with what is the same for all rows.
struct Call {
    /// The number among its arguments.
    count: u64,
    /// Its frame; without one it looks at the whole partition.
    bounds: Option<Bounds>,
}

/// Rows around a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Around {
    behind: usize,
    ahead: usize,
    /// Its peers before it.
    peers_behind: bool,
    /// Its peers behind it.
    peers_ahead: bool,
}

impl Around {
    fn and(self, other: Around) -> Around {
        Around {
            behind: self.behind.max(other.behind),
            ahead: self.ahead.max(other.ahead),
            peers_behind: self.peers_behind || other.peers_behind,
            peers_ahead: self.peers_ahead || other.peers_ahead,
        }
    }
}

impl Windows {
    /// Computes what is constant. Notes that a frame is ignored (3599); error 1210 or 3586 for numbers that cannot be.
    pub(super) fn new(window: &Window, ctx: &EvalContext) -> SqlResult<Windows> {
        let mut calls = Vec::with_capacity(window.calls.len());
        let mut around = Some(Around::default());
        for call in &window.calls {
            if call.ignores_frame {
                ctx.note(crate::common::errno::WINDOW_FUNCTION_IGNORES_FRAME, ignored(call));
            }
            let bounds = match call.function.has_frame() {
                true => Some(Bounds::new(call, &window.order_by, ctx)?),
                false => None,
            };
            let constant = Call { count: count(&call.function, ctx)?, bounds };
            around = around.zip(constant.around(&call.function)).map(|(all, one)| all.and(one));
            calls.push(constant);
        }
        Ok(Windows { window: window.clone(), calls, around })
    }
}

impl Call {
    /// The rows around a row that its value is of; `None`: all of the partition.
    fn around(&self, function: &WindowFunction) -> Option<Around> {
        let count = usize::try_from(self.count).ok()?;
        match (function, &self.bounds) {
            (WindowFunction::Own { kind, .. }, bounds) => match kind.definition().reach {
                Reach::Row => Some(Around::default()),
                Reach::Behind => Some(Around { behind: count, ..Around::default() }),
                Reach::Ahead => Some(Around { ahead: count, ..Around::default() }),
                Reach::Frame => bounds.as_ref()?.around(false),
                Reach::Partition => None,
            },
            (WindowFunction::Aggregate(_), bounds) => bounds.as_ref()?.around(true),
        }
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

/// A window over rows that come in.
pub(super) struct Running {
    windows: Arc<Windows>,
    /// What the rows of the partition agree in.
    key: Vec<u8>,
    partition: Partition,
    /// The first row of the next partition, with its place in the order.
    waiting: Option<(Row, Vec<u8>)>,
    freed: usize,
}

impl Running {
    pub(super) fn new(windows: Windows) -> Running {
        let windows = Arc::new(windows);
        let partition = Partition::new(windows.clone());
        Running { windows, key: Vec::new(), partition, waiting: None, freed: 0 }
    }

    /// Takes the next row, when [`Running::next_row`] has none any more.
    pub(super) fn push(&mut self, row: Row, ctx: &EvalContext) -> SqlResult<()> {
        let window = &self.windows.window;
        let key = key(window.partition_by.iter(), &row, ctx)?;
        let order = self::key(window.order_by.iter().map(|key| &key.expr), &row, ctx)?;
        if self.partition.is_empty() || key == self.key {
            self.partition.push(row, order);
        } else {
            self.partition.end();
            self.waiting = Some((row, order));
        }
        self.key = key;
        Ok(())
    }

    /// There are no more rows.
    pub(super) fn end(&mut self) {
        self.partition.end();
    }

    /// The next row with what is computed for it behind; `None` if others have to come first.
    pub(super) fn next_row(
        &mut self,
        ctx: &EvalContext,
        reserve: &mut Reserve<'_>,
    ) -> SqlResult<Option<Row>> {
        loop {
            ctx.check_interrupted()?;
            if self.partition.is_ready() {
                return self.partition.next_row(ctx, reserve).map(Some);
            }
            if !self.partition.is_over() {
                return Ok(None);
            }
            let next = Partition::new(self.windows.clone());
            self.freed += std::mem::replace(&mut self.partition, next).into_bytes();
            let Some((row, order)) = self.waiting.take() else { return Ok(None) };
            self.partition.push(row, order);
        }
    }

    /// The bytes of rows, and what was reserved for them, that are not held any more.
    pub(super) fn take_freed(&mut self) -> usize {
        std::mem::take(&mut self.freed) + self.partition.take_freed()
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

/// All rows at once: the short road.
pub(super) fn over_rows(window: &Window, rows: Vec<Row>, ctx: &EvalContext) -> SqlResult<Vec<Row>> {
    let mut running = Running::new(Windows::new(window, ctx)?);
    let mut all = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter();
    let mut ended = false;
    loop {
        while let Some(row) = running.next_row(ctx, &mut |_| Ok(()))? {
            all.push(row);
        }
        match rows.next() {
            Some(row) => running.push(row, ctx)?,
            None if ended => return Ok(all),
            None => {
                ended = true;
                running.end();
            }
        }
    }
}
