//! Windows: the rows that a function of a row looks at.

use super::{Expr, IntervalUnit, OrderItem};

/// A function over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    /// Its name, lower case: a window function's or an aggregate's.
    pub name: String,
    /// DISTINCT.
    pub distinct: bool,
    /// The arguments; none for COUNT(*).
    pub args: Vec<Expr>,
    /// OVER.
    pub over: Over,
}

/// What OVER names.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// A window of the WINDOW clause.
    Name(String),
    /// A window of its own.
    Window(Box<Window>),
}

/// A window of the WINDOW clause.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedWindow {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub window: Window,
}

/// Which rows belong together, in which order, and which of them count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// The window that this one adds to.
    pub base: Option<String>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// ROWS and RANGE.
    pub frame: Option<Frame>,
}

/// The rows around the one at hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// RANGE: by values of what the window is ordered by; otherwise ROWS, by their number.
    pub range: bool,
    /// The first.
    pub start: FrameBound,
    /// The last.
    pub end: FrameBound,
}

/// An end of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    /// UNBOUNDED PRECEDING.
    UnboundedPreceding,
    /// … PRECEDING.
    Preceding(FrameOffset),
    /// CURRENT ROW.
    CurrentRow,
    /// … FOLLOWING.
    Following(FrameOffset),
    /// UNBOUNDED FOLLOWING.
    UnboundedFollowing,
}

/// How far an end of a frame is from the row at hand.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameOffset {
    /// How many.
    pub amount: Expr,
    /// INTERVAL: of what.
    pub unit: Option<IntervalUnit>,
}
