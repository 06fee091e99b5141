//! Windows: what the executor is given of them.

use super::physical::SortKey;
use crate::sql::expr::{Expr, WindowFunction};
use crate::sql::types::FieldType;

/// Functions over rows that belong together. The input's rows come by partition, and in order within it.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Rows that agree in these are one partition.
    pub partition_by: Vec<Expr>,
    /// The order within a partition; rows that agree in all of these are peers.
    pub order_by: Vec<SortKey>,
    /// What is computed for each row.
    pub calls: Vec<WindowCall>,
}

/// A function with its frame.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    /// The function.
    pub function: WindowFunction,
    /// What messages call its window.
    pub window: String,
    /// The rows that the function looks at, if it looks at a frame.
    pub frame: Frame,
    /// A frame was written and the function has none: that is worth a note.
    pub ignores_frame: bool,
}

/// The rows around the one at hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// RANGE: by values; otherwise ROWS, by the number of rows.
    pub range: bool,
    /// The first.
    pub start: FrameBound,
    /// The last.
    pub end: FrameBound,
}

/// An end of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    /// The partition's first row.
    UnboundedPreceding,
    /// So far before.
    Preceding(FrameOffset),
    /// The row itself; under RANGE with its peers.
    CurrentRow,
    /// So far behind.
    Following(FrameOffset),
    /// The partition's last row.
    UnboundedFollowing,
}

/// How far an end is away.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameOffset {
    /// How many rows; or the difference of values. The same for all rows.
    pub amount: Expr,
    /// RANGE: the value at the end, over the row at hand.
    pub target: Option<Expr>,
}

impl Frame {
    /// All rows of the partition.
    pub const WHOLE: Frame = Frame {
        range: true,
        start: FrameBound::UnboundedPreceding,
        end: FrameBound::UnboundedFollowing,
    };

    /// All rows before, and the row with its peers.
    pub const SO_FAR: Frame =
        Frame { range: true, start: FrameBound::UnboundedPreceding, end: FrameBound::CurrentRow };
}

/// Every expression of a window, by the kind of reference that is wanted.
macro_rules! exprs {
    ($window:expr, $iter:ident, $args:ident, $key:expr, $bound:ident) => {{
        let mut all = Vec::new();
        all.extend($window.partition_by.$iter());
        all.extend($window.order_by.$iter().map($key));
        for call in $window.calls.$iter() {
            all.extend(call.function.$args());
            all.extend(call.frame.start.$bound());
            all.extend(call.frame.end.$bound());
        }
        all
    }};
}

impl FrameBound {
    /// How far it is away, if that is said.
    pub fn offset(&self) -> Option<&FrameOffset> {
        match self {
            FrameBound::Preceding(offset) | FrameBound::Following(offset) => Some(offset),
            FrameBound::UnboundedPreceding
            | FrameBound::CurrentRow
            | FrameBound::UnboundedFollowing => None,
        }
    }

    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let offset = self.offset();
        offset.into_iter().flat_map(|offset| [&offset.amount].into_iter().chain(&offset.target))
    }

    fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let offset = match self {
            FrameBound::Preceding(offset) | FrameBound::Following(offset) => Some(offset),
            FrameBound::UnboundedPreceding
            | FrameBound::CurrentRow
            | FrameBound::UnboundedFollowing => None,
        };
        offset
            .into_iter()
            .flat_map(|offset| [&mut offset.amount].into_iter().chain(&mut offset.target))
    }
}

impl Window {
    /// All of its expressions.
    pub fn exprs(&self) -> Vec<&Expr> {
        exprs!(self, iter, args, |key| &key.expr, exprs)
    }

    /// The same, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        exprs!(self, iter_mut, args_mut, |key| &mut key.expr, exprs_mut)
    }

    /// The types of what it computes.
    pub fn types(&self) -> impl Iterator<Item = FieldType> {
        self.calls.iter().map(|call| call.function.field_type().clone())
    }
}
