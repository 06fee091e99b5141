//! Frames of windows: how far they reach.

use std::fmt::Write as _;

use super::binder::{Binder, Clause, fold};
use super::explain::named;
use super::physical::SortKey;
use super::window::{Frame, FrameBound, FrameOffset};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function};
use crate::sql::parser::ast;
use crate::sql::types::{Datum, FieldType, TypeKind};

impl Binder<'_> {
    /// The frame that is written, or the usual one.
    pub(super) fn frame(
        &mut self,
        label: &str,
        frame: Option<&ast::Frame>,
        order_by: &[SortKey],
        clause: &mut Clause<'_>,
    ) -> SqlResult<Frame> {
        let Some(ast::Frame { range, start, end }) = frame else {
            return Ok(if order_by.is_empty() { Frame::WHOLE } else { Frame::SO_FAR });
        };
        let place = |bound: &ast::FrameBound| match bound {
            ast::FrameBound::UnboundedPreceding => 0,
            ast::FrameBound::Preceding(_) => 1,
            ast::FrameBound::CurrentRow => 2,
            ast::FrameBound::Following(_) => 3,
            ast::FrameBound::UnboundedFollowing => 4,
        };
        if *start == ast::FrameBound::UnboundedFollowing {
            return Err(SqlError::new(
                errno::WINDOW_FRAME_START_ILLEGAL,
                format!("Window '{label}': frame start cannot be UNBOUNDED FOLLOWING."),
            ));
        }
        if *end == ast::FrameBound::UnboundedPreceding {
            return Err(SqlError::new(
                errno::WINDOW_FRAME_END_ILLEGAL,
                format!("Window '{label}': frame end cannot be UNBOUNDED PRECEDING."),
            ));
        }
        if place(start) > place(end) {
            return Err(illegal_frame(label));
        }
        let place = BoundPlace { label, range: *range, order_by };
        let (start, end) = (self.bound(&place, start, clause)?, self.bound(&place, end, clause)?);
        Ok(Frame { range: *range, start, end })
    }

    fn bound(
        &mut self,
        place: &BoundPlace<'_>,
        bound: &ast::FrameBound,
        clause: &mut Clause<'_>,
    ) -> SqlResult<FrameBound> {
        Ok(match bound {
            ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            ast::FrameBound::Preceding(offset) => {
                FrameBound::Preceding(self.offset(place, offset, false, clause)?)
            }
            ast::FrameBound::Following(offset) => {
                FrameBound::Following(self.offset(place, offset, true, clause)?)
            }
        })
    }

    fn offset(
        &mut self,
        place: &BoundPlace<'_>,
        offset: &ast::FrameOffset,
        following: bool,
        clause: &mut Clause<'_>,
    ) -> SqlResult<FrameOffset> {
        let label = place.label;
        let amount = fold(self.expr(&offset.amount, clause)?);
        if !amount.is_constant() {
            return Err(SqlError::new(
                errno::WINDOW_RANGE_BOUND_NOT_CONSTANT,
                format!("Window '{label}' has a non-constant frame bound."),
            ));
        }
        if amount.as_literal().is_some_and(|value| value.is_null() || is_negative_amount(value)) {
            return Err(illegal_frame(label));
        }
        if place.range {
            let target = self.frame_end(place, (&amount, offset.unit), following)?;
            return Ok(FrameOffset { amount, target: Some(target) });
        }
        if offset.unit.is_some() {
            return Err(SqlError::new(
                errno::WINDOW_ROWS_INTERVAL_USE,
                format!("Window '{label}': INTERVAL can only be used with RANGE frames."),
            ));
        }
        if amount.as_literal().is_some_and(|value| value.as_count().is_none()) {
            return Err(illegal_frame(label));
        }
        Ok(FrameOffset { amount, target: None })
    }

    /// The value at an end of a RANGE frame.
    fn frame_end(
        &self,
        place: &BoundPlace<'_>,
        (amount, unit): (&Expr, Option<ast::IntervalUnit>),
        following: bool,
    ) -> SqlResult<Expr> {
        let label = place.label;
        let wrong = |code: u16, what: &str| {
            SqlError::new(code, format!("Window '{label}' with RANGE {what}"))
        };
        let untyped = || {
            wrong(
                errno::WINDOW_RANGE_FRAME_ORDER_TYPE,
                "N PRECEDING/FOLLOWING frame requires exactly one ORDER BY expression, of numeric or temporal type",
            )
        };
        let [SortKey { expr: key, descending }] = place.order_by else { return Err(untyped()) };
        let (earlier, kind) = (following == *descending, key.field_type().kind);
        let rules = &self.planner.rules;
        if kind.is_temporal() && kind != TypeKind::Year {
            let unit = unit.ok_or_else(|| {
                wrong(
                    errno::WINDOW_RANGE_FRAME_TEMPORAL_TYPE,
                    "frame has ORDER BY expression of datetime type. Only INTERVAL bound value allowed.",
                )
            })?;
            let function = if earlier { Function::DateSub } else { Function::DateAdd };
            return rules
                .call(function, vec![key.clone(), amount.clone(), Expr::text(unit.name())]);
        }
        if !kind.is_numeric() {
            return Err(untyped());
        }
        if unit.is_some() {
            return Err(wrong(
                errno::WINDOW_RANGE_FRAME_NUMERIC_TYPE,
                "frame has ORDER BY expression of numeric type, INTERVAL bound value not allowed.",
            ));
        }
        let function = if earlier { Function::Sub } else { Function::Add };
        // Beyond the ends of its type there are numbers as well.
        let wide = match kind.is_float() {
            true => key.clone(),
            false => {
                let digits = key.field_type().decimals.filter(|_| kind == TypeKind::Decimal);
                Expr::cast(key.clone(), FieldType::decimal(65, digits.unwrap_or(0)))
            }
        };
        let amount = if amount.field_type().kind == TypeKind::Null {
            Expr::cast(amount.clone(), FieldType::double())
        } else {
            amount.clone()
        };
        rules.call(function, vec![wide, amount])
    }
}

/// Where an end of a frame is written.
struct BoundPlace<'a> {
    label: &'a str,
    range: bool,
    order_by: &'a [SortKey],
}

/// Error 3586.
pub(in crate::sql) fn illegal_frame(label: &str) -> SqlError {
    SqlError::new(
        errno::WINDOW_FRAME_ILLEGAL,
        format!("Window '{label}': frame start or end is negative, NULL or of non-integral type"),
    )
}

/// Whether an amount is less than nothing.
pub(in crate::sql) fn is_negative_amount(amount: &Datum) -> bool {
    match amount {
        Datum::Int(number) => *number < 0,
        Datum::Float(number) => *number < 0.0,
        Datum::Decimal(number) => number.unscaled.is_negative(),
        Datum::Bytes(text) => text.trim_ascii_start().starts_with(b"-"),
        Datum::Duration(duration) => duration.micros < 0,
        Datum::Null | Datum::UInt(_) | Datum::Time(_) | Datum::Member(_) | Datum::Json(_) => false,
    }
}

/// What EXPLAIN says of a frame.
pub(super) fn shown_frame(frame: &Frame, names: &[String]) -> String {
    let mut text = String::from(if frame.range { "range between " } else { "rows between " });
    for (bound, end) in [(&frame.start, " and "), (&frame.end, "")] {
        let _ = match bound {
            FrameBound::UnboundedPreceding => write!(text, "unbounded preceding{end}"),
            FrameBound::CurrentRow => write!(text, "current row{end}"),
            FrameBound::UnboundedFollowing => write!(text, "unbounded following{end}"),
            FrameBound::Preceding(offset) => {
                write!(text, "{} preceding{end}", named(&offset.amount, names))
            }
            FrameBound::Following(offset) => {
                write!(text, "{} following{end}", named(&offset.amount, names))
            }
        };
    }
    text
}
