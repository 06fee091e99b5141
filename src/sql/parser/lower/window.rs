//! Windows.

use sqlparser::ast::{
    Expr as SqlExpr, NamedWindowDefinition, NamedWindowExpr, Spanned, WindowFrame,
    WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};
use sqlparser::tokenizer::{Location, Token};

use super::super::ast::{
    Expr, Frame, FrameBound, FrameOffset, Literal, NamedWindow, Over, Window, WindowCall,
};
use super::super::cursor::Parser;
use super::functions::Arguments;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{AggregateKind, WindowKind};

impl Parser<'_> {
    /// A call with OVER.
    pub(super) fn window_call(
        &self,
        name: String,
        args: Arguments,
        over: WindowType,
        start: Location,
    ) -> SqlResult<Expr> {
        let aggregate = AggregateKind::by_name(&name);
        if WindowKind::by_name(&name).is_none()
            && aggregate.is_none_or(|kind| kind == AggregateKind::AnyValue)
        {
            // Other functions have no OVER.
            return Err(self.error_at_token(self.past_call(start)));
        }
        if aggregate == Some(AggregateKind::GroupConcat) {
            return Err(SqlError::unsupported("group_concat as window function"));
        }
        let Arguments { distinct, wildcard, list, clauses } = args;
        let empty = list.is_empty() && !wildcard && aggregate.is_some();
        if (wildcard && name != "count") || empty || !clauses.is_empty() {
            return Err(self.error_in_call(start));
        }
        if distinct {
            if aggregate.is_none() {
                return Err(self.error_at(start));
            }
            return Err(SqlError::unsupported("<window function>(DISTINCT ..)"));
        }
        if let Some(kind) = WindowKind::by_name(&name) {
            let definition = kind.definition();
            self.check_count(&list, definition.min, definition.max, start)?;
        }
        if let Some(kind) = aggregate
            && !wildcard
        {
            let definition = kind.definition();
            self.check_count(&list, definition.min, definition.max, start)?;
        }
        let over = match over {
            WindowType::NamedWindow(name) => Over::Name(self.lower_name(&name)?),
            WindowType::WindowSpec(window) => Over::Window(Box::new(self.lower_window(window)?)),
        };
        let args = self.lower_exprs(list)?;
        Ok(Expr::Window(Box::new(WindowCall { name, distinct, args, over })))
    }

    /// Error 1064 at what stands first in the parentheses of a call.
    pub(super) fn error_in_call(&self, start: Location) -> SqlError {
        self.error_at_token(self.token_index(start) + 2)
    }

    /// Error 1064 for more or fewer arguments than the grammar has.
    pub(super) fn check_count(
        &self,
        list: &[SqlExpr],
        min: usize,
        max: usize,
        start: Location,
    ) -> SqlResult<()> {
        if list.len() < min {
            return Err(self.error_at_token(self.past_call(start) - 1));
        }
        if let Some(more) = list.get(max) {
            // Behind others it is the comma that should not be there.
            let at = self.token_index(more.span().start) - usize::from(max > 0);
            return Err(self.error_at_token(at));
        }
        Ok(())
    }

    /// The token behind the parenthesis that closes the call which begins here.
    pub(super) fn past_call(&self, start: Location) -> usize {
        let mut depth = 0_usize;
        for at in self.token_index(start)..self.token_count {
            match self.inner.token_at(at).token {
                Token::LParen => depth += 1,
                Token::RParen => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        self.token_count
    }

    /// WINDOW.
    pub(super) fn lower_named_windows(
        &self,
        windows: Vec<NamedWindowDefinition>,
    ) -> SqlResult<Vec<NamedWindow>> {
        let named = windows.into_iter().map(|NamedWindowDefinition(name, window)| match window {
            NamedWindowExpr::WindowSpec(window) => Ok(NamedWindow {
                name: self.lower_name(&name)?,
                window: self.lower_window(window)?,
            }),
            NamedWindowExpr::NamedWindow(other) => Err(self.error_at(other.span.start)),
        });
        named.collect()
    }

    fn lower_window(&self, window: WindowSpec) -> SqlResult<Window> {
        let WindowSpec { window_name, partition_by, order_by, window_frame } = window;
        Ok(Window {
            base: window_name.map(|name| self.lower_name(&name)).transpose()?,
            partition_by: self.lower_exprs(partition_by)?,
            order_by: self.lower_order_items(order_by)?,
            frame: window_frame.map(|frame| self.lower_frame(frame)).transpose()?,
        })
    }

    fn lower_frame(&self, frame: WindowFrame) -> SqlResult<Frame> {
        let WindowFrame { units, start_bound, end_bound } = frame;
        let range = match units {
            WindowFrameUnits::Rows => false,
            WindowFrameUnits::Range => true,
            WindowFrameUnits::Groups => return Err(SqlError::unsupported("GROUPS")),
        };
        let start = self.lower_bound(start_bound)?;
        let end = end_bound.map_or(Ok(FrameBound::CurrentRow), |bound| self.lower_bound(bound))?;
        Ok(Frame { range, start, end })
    }

    fn lower_bound(&self, bound: WindowFrameBound) -> SqlResult<FrameBound> {
        Ok(match bound {
            WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
            WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
            WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
            WindowFrameBound::Preceding(Some(offset)) => {
                FrameBound::Preceding(self.lower_offset(*offset)?)
            }
            WindowFrameBound::Following(Some(offset)) => {
                FrameBound::Following(self.lower_offset(*offset)?)
            }
        })
    }

    /// A number, a parameter or an interval.
    fn lower_offset(&self, offset: SqlExpr) -> SqlResult<FrameOffset> {
        if let SqlExpr::Interval(interval) = offset {
            let (amount, unit) = self.lower_interval(interval)?;
            return Ok(FrameOffset { amount, unit: Some(unit) });
        }
        let start = offset.span().start;
        let amount = self.lower_expr(offset)?;
        match amount {
            Expr::Literal(Literal::Integer(_) | Literal::Decimal(_) | Literal::Float(_))
            | Expr::Parameter(_) => Ok(FrameOffset { amount, unit: None }),
            _ => Err(self.error_at(start)),
        }
    }
}
