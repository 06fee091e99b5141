//! Which rows a row's frame has.

use std::ops::Range;

use super::partition::Rows;
use super::{Around, Row};
use crate::common::SqlResult;
use crate::sql::exec::keys;
use crate::sql::expr::{EvalContext, Expr, Function};
use crate::sql::plan::{
    FrameBound, FrameOffset, SortKey, WindowCall, illegal_frame, is_negative_amount,
};
use crate::sql::types::Datum;

/// A frame, with what is the same for all rows.
pub(super) struct Bounds {
    start: Bound,
    end: Bound,
    range: bool,
}

enum Bound {
    First,
    Current,
    Last,
    /// So many rows away.
    Rows {
        count: usize,
        following: bool,
    },
    /// As far away as the value.
    Value(Box<Reached>),
}

/// The end of a frame by value.
struct Reached {
    key: SortKey,
    /// The value at the end, over the row at hand.
    target: Expr,
    /// Whether a row's value comes before the target's in the window's order; over the two.
    before: Expr,
    /// Whether it comes behind it.
    behind: Expr,
    following: bool,
}

impl Bounds {
    pub(super) fn new(
        call: &WindowCall,
        order_by: &[SortKey],
        ctx: &EvalContext,
    ) -> SqlResult<Bounds> {
        let bound = |bound: &FrameBound| {
            let following = match bound {
                FrameBound::UnboundedPreceding => return Ok(Bound::First),
                FrameBound::CurrentRow => return Ok(Bound::Current),
                FrameBound::UnboundedFollowing => return Ok(Bound::Last),
                FrameBound::Preceding(_) => false,
                FrameBound::Following(_) => true,
            };
            let Some(offset) = bound.offset() else { return Ok(Bound::Current) };
            distance(offset, following, order_by, &call.window, ctx)
        };
        let (start, end) = (bound(&call.frame.start)?, bound(&call.frame.end)?);
        Ok(Bounds { start, end, range: call.frame.range })
    }

    /// The rows around a row that its frame may have; `None`: more than some. `grows`: rows of a frame that begins with the partition
    /// are looked at once only.
    pub(super) fn around(&self, grows: bool) -> Option<Around> {
        let (ahead, peers_ahead) = self.end.ahead(self.range)?;
        let (behind, peers_behind) = match (&self.start, &self.end) {
            // It ends before the row, so that rows from there on are not looked at yet.
            (Bound::First, Bound::Rows { count, following: false }) if grows => (*count, false),
            (Bound::First, _) if grows => (0, false),
            (start, _) => start.behind(self.range)?,
        };
        Some(Around { behind, ahead, peers_behind, peers_ahead })
    }

    /// The rows of a row's frame.
    pub(super) fn frame(
        &self,
        rows: &Rows,
        row: usize,
        peers: &Range<usize>,
        ctx: &EvalContext,
    ) -> SqlResult<Range<usize>> {
        let start = match &self.start {
            Bound::First => 0,
            Bound::Current if self.range => peers.start,
            Bound::Current => row,
            Bound::Last => rows.end(),
            Bound::Rows { count, following: false } => row.saturating_sub(*count),
            Bound::Rows { count, following: true } => row.saturating_add(*count).min(rows.end()),
            Bound::Value(value) => match value.target(rows.get(row), ctx)? {
                Some(target) => first_not(0..rows.end(), |at| {
                    value.comes(&value.before, value.following, rows.get(at), &target, ctx)
                })?,
                None => peers.start,
            },
        };
        let end = match &self.end {
            Bound::First => 0,
            Bound::Current if self.range => peers.end,
            Bound::Current => row + 1,
            Bound::Last => rows.end(),
            Bound::Rows { count, following: false } => (row + 1).saturating_sub(*count),
            Bound::Rows { count, following: true } => {
                (row + 1).saturating_add(*count).min(rows.end())
            }
            Bound::Value(value) => match value.target(rows.get(row), ctx)? {
                Some(target) => first_not(0..rows.end(), |at| {
                    let behind =
                        value.comes(&value.behind, !value.following, rows.get(at), &target, ctx)?;
                    Ok(!behind)
                })?,
                None => peers.end,
            },
        };
        Ok(start..end.max(start))
    }
}

impl Bound {
    /// How many rows before the one at hand the end is, and whether it is its first peer; `None`: further.
    fn behind(&self, range: bool) -> Option<(usize, bool)> {
        match self {
            Bound::Current => Some((0, range)),
            Bound::Rows { count, following: false } => Some((*count, false)),
            Bound::Rows { following: true, .. } => Some((0, false)),
            Bound::First | Bound::Last | Bound::Value(_) => None,
        }
    }

    /// How many rows behind the one at hand the end is, and whether it is its last peer; `None`: further.
    fn ahead(&self, range: bool) -> Option<(usize, bool)> {
        match self {
            Bound::Current => Some((0, range)),
            Bound::Rows { count, following: true } => Some((*count, false)),
            Bound::Rows { following: false, .. } => Some((0, false)),
            Bound::First | Bound::Last | Bound::Value(_) => None,
        }
    }
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

fn distance(
    offset: &FrameOffset,
    following: bool,
    order_by: &[SortKey],
    window: &str,
    ctx: &EvalContext,
) -> SqlResult<Bound> {
    let amount = offset.amount.eval(&[], ctx)?;
    if amount.is_null() || is_negative_amount(&amount) {
        return Err(illegal_frame(window));
    }
    let (Some(target), [key]) = (&offset.target, order_by) else {
        let count = amount.as_count().ok_or_else(|| illegal_frame(window))?;
        return Ok(Bound::Rows { count: usize::try_from(count).unwrap_or(usize::MAX), following });
    };
    let pair = || {
        let types = [key.expr.field_type(), target.field_type()];
        types.iter().enumerate().map(|(at, is)| Expr::column(at, (*is).clone())).collect()
    };
    let (before, behind) = match key.descending {
        false => (Function::Lt, Function::Gt),
        true => (Function::Gt, Function::Lt),
    };
    Ok(Bound::Value(Box::new(Reached {
        key: key.clone(),
        target: target.clone(),
        before: Expr::call(before, pair())?,
        behind: Expr::call(behind, pair())?,
        following,
    })))
}

impl Reached {
    /// The value at the end; none for a row without a value: its frame are its peers.
    fn target(&self, row: &Row, ctx: &EvalContext) -> SqlResult<Option<Datum>> {
        if self.key.expr.eval(row, ctx)?.is_null() {
            return Ok(None);
        }
        self.target.eval(row, ctx).map(Some)
    }

    /// Whether a row comes before, or behind, the target. `beyond`: what is said of a target that is past all values there are.
    fn comes(
        &self,
        side: &Expr,
        beyond: bool,
        row: &Row,
        target: &Datum,
        ctx: &EvalContext,
    ) -> SqlResult<bool> {
        let value = self.key.expr.eval(row, ctx)?;
        if value.is_null() {
            // NULL is the lowest value.
            let is_before = !self.key.descending;
            return Ok(is_before == std::ptr::eq(side, &self.before));
        }
        if target.is_null() {
            return Ok(beyond);
        }
        keys::is_true(&side.eval(&[value, target.clone()], ctx)?, ctx)
    }
}
